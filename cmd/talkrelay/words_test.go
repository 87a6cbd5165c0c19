package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
)

// inEnglish has the config of a rig in English, and with it what commands print.
var inEnglish = []string{`language = "ko"`, `language = "en"`}

var verbs = regexp.MustCompile(`%(?:\[\d\])?(?:%|\d*[a-z])`)

// textsOf are all texts of a table of words, by their names.
func textsOf(words any) map[string]string {
	texts := map[string]string{}
	v := reflect.ValueOf(words).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch field.Kind() {
		case reflect.String:
			texts[name] = field.String()
		case reflect.Array:
			for n := range field.Len() {
				texts[fmt.Sprintf("%s[%d]", name, n)] = field.Index(n).String()
			}
		}
	}
	return texts
}

// TestWords: every language has every word, and its formats take the same values in the same order.
func TestWords(t *testing.T) {
	t.Parallel()
	for table, of := range map[string]func(sink.Language) any{
		"init":    func(l sink.Language) any { return initWordsOf(l) },
		"screens": func(l sink.Language) any { return screenWordsOf(l) },
	} {
		want := textsOf(of(sink.Korean))
		for _, lang := range sink.Languages() {
			for name, text := range textsOf(of(lang)) {
				if text == "" && !(lang == sink.Japanese && name == "Gap") { // Japanese puts nothing between hours and minutes
					t.Errorf("%s, %s: no %s", table, lang, name)
				}
				if w, h := verbs.FindAllString(want[name], -1), verbs.FindAllString(text, -1); !slices.Equal(w, h) {
					t.Errorf("%s, %s: %s has the verbs %q, in Korean %q", table, lang, name, h, w)
				}
			}
		}
	}
}

// TestToldWords: Korean and Japanese know the same sentences, and lose no value of them.
func TestToldWords(t *testing.T) {
	t.Parallel()
	for english, korean := range toldKorean.sentences {
		values := make([]any, len(verbs.FindAllString(english, -1)))
		for i := range values {
			values[i] = fmt.Sprint("value", i)
		}
		for lang, format := range map[string]string{"ko": korean, "ja": toldJapanese.sentences[english]} {
			said := fmt.Sprintf(format, values...)
			for _, v := range values {
				if !strings.Contains(said, v.(string)) {
					t.Errorf("%s: %q does not say %s: %s", lang, english, v, said)
				}
			}
			if format == "" || strings.Contains(said, "%!") {
				t.Errorf("%s: %q is said as %q", lang, english, said)
			}
		}
	}
	if k, j := len(toldKorean.sentences), len(toldJapanese.sentences); k != j {
		t.Errorf("%d sentences in Korean, %d in Japanese", k, j)
	}
}

// TestToldIsSaid: what is translated is what the daemon and the sinks say, word for word.
func TestToldIsSaid(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.Base(path), "told_") {
			return err
		}
		text, err := os.ReadFile(path)
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	code := strings.ReplaceAll(source.String(), `\"`, `"`)
	for english := range toldKorean.sentences {
		between := func(r rune) bool { return r == '\x00' || r == '(' || r == ')' }
		for _, part := range strings.FieldsFunc(verbs.ReplaceAllString(english, "\x00"), between) {
			if !strings.Contains(code, strings.TrimSpace(part)) {
				t.Errorf("nothing says %q any more: %q", part, english)
			}
		}
	}
}

// TestSay translates what is known and leaves the rest.
func TestSay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, want string
		whole      bool
	}{
		{"in doubt", "미확인", true},
		{`test the bot token: Slack refuses the bot token (token_revoked): put a valid one into token of sink.slack "cs: x" and restart`,
			`봇 토큰 시험: Slack이 봇 토큰을 거절함 (token_revoked): put a valid one into token of sink.slack "cs: x" and restart`, false},
		{`post message: Slack refuses the bot token (token_revoked): put a valid one into token of sink.slack "cs" and restart`,
			`메시지 올리기: Slack이 봇 토큰을 거절함 (token_revoked): token of sink.slack "cs" 에 올바른 토큰을 넣고 다시 시작하세요`, true},
		{`there is no tab "문의: 새것" yet: it will be made`, `탭 "문의: 새것" 이(가) 아직 없음: 새로 만듭니다`, true},
		{"known to nobody: no answer in time; 100%", "known to nobody: 제때 응답이 없음; 100%", false},
		{"matched; \"a\" had decided for x; \"b\" had decided for y", `맞음; x 은(는) "a" 이(가) 이미 정함; y 은(는) "b" 이(가) 이미 정함`, true},
		{"", "", false},
	} {
		if got, whole := toldKorean.say(test.text); got != test.want || whole != test.whole {
			t.Errorf("%q\n got %q, %t\nwant %q, %t", test.text, got, whole, test.want, test.whole)
		}
		if got := screenEnglish.say(test.text); got != test.text {
			t.Errorf("%q in English: %q", test.text, got)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d          time.Duration
		en, ko, ja string
	}{
		{0, "0s", "0초", "0秒"},
		{400 * time.Millisecond, "0s", "0초", "0秒"},
		{61 * time.Second, "1m 1s", "1분 1초", "1分1秒"},
		{time.Hour + 59*time.Second, "1h", "1시간", "1時間"},
		{26*time.Hour + time.Minute, "1d 2h", "1일 2시간", "1日2時間"},
		{-time.Second, "0s", "0초", "0秒"},
	} {
		if en, ko, ja := screenEnglish.span(test.d), screenKorean.span(test.d), screenJapanese.span(test.d); en != test.en || ko != test.ko || ja != test.ja {
			t.Errorf("%s: %q %q %q", test.d, en, ko, ja)
		}
	}
}

// TestLanguageFlag: what is printed follows the flag, and a language that there is not is wrong usage.
func TestLanguageFlag(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for flag, says := range map[string]string{"": screenKorean.AllGood, "en": screenEnglish.AllGood, "ja": screenJapanese.AllGood} {
		args := []string{"check", "--config", r.config}
		if flag != "" {
			args = append(args, "--language", flag)
		}
		if code, out, _ := here(t, args...); code != exitOK || !strings.HasSuffix(out, says+"\n") {
			t.Errorf("--language %q: exit code %d\n%s", flag, code, out)
		}
	}
	for _, command := range []string{"status", "check", "preview", "queue list"} {
		code, out, errs := here(t, append(strings.Fields(command), "--config", r.config, "--language", "fr")...)
		if code != exitUsage || out != "" || !strings.Contains(errs, `must be "ko", "en" or "ja"`) {
			t.Errorf("%s: exit code %d\n%s%s", command, code, out, errs)
		}
	}
}

// TestLanguageOfConfig reads a config that is wrong in other places, and does without one.
func TestLanguageOfConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]sink.Language{
		"language = \"ja\"\nunknown = 1": sink.Japanese, "language = \"en\"": sink.English, "": sink.Korean,
		"language = \"fr\"": sink.Korean, "language = 1": sink.Korean, "language = \"ja\"\n[[": sink.Korean,
	} {
		if got := languageOfConfig(writeFile(t, dir, "c.toml", text, 0o600)); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	if got := languageOfConfig(dir + "/absent.toml"); got != sink.Korean {
		t.Errorf("no config: %s", got)
	}
}
