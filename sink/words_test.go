package sink_test

import (
	"reflect"
	"regexp"
	"testing"
	"time"

	"talkrelay/sink"
)

func TestWordsAreComplete(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		noneEmpty(t, string(lang), reflect.ValueOf(lang.Words()).Elem())
	}
}

func noneEmpty(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			noneEmpty(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			noneEmpty(t, name, v.Index(i))
		}
	case reflect.String:
		if v.Len() == 0 && name != "ja.gap" { // Japanese puts nothing between hours and minutes
			t.Errorf("%s is empty", name)
		}
	default:
		t.Errorf("%s is a %s, which this test cannot read", name, v.Kind())
	}
}

// Headers of one tab find their columns by name, so no two may be alike.
func TestHeadersDiffer(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		for _, headers := range []any{lang.Words().Inquiries, lang.Words().Changes} {
			seen := make(map[string]bool)
			for _, v := range reflect.ValueOf(headers).Fields() {
				if seen[v.String()] {
					t.Errorf("%s: two columns are called %s", lang, v)
				}
				seen[v.String()] = true
			}
		}
	}
}

func TestParseLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		if got, ok := sink.ParseLanguage(string(lang)); got != lang || !ok {
			t.Errorf("%s: got %s, %t", lang, got, ok)
		}
	}
	for _, s := range []string{"", "KO", "kr", "zh"} {
		if got, ok := sink.ParseLanguage(s); got != "" || ok {
			t.Errorf("%q: got %s, %t", s, got, ok)
		}
	}
}

func TestWordsByName(t *testing.T) {
	t.Parallel()
	ko, en, ja := sink.Korean.Words(), sink.English.Words(), sink.Japanese.Words()
	for _, tt := range []struct{ got, want string }{
		{ko.State("opened"), "진행중"},
		{ko.State("snoozed"), "보류중"},
		{ko.State("closed"), "종료됨"},
		{en.State("queued"), "queued"},
		{ja.State("closed"), "終了"},
		{ko.State("brand-new"), "brand-new"},
		{ko.State(""), ""},
		{ko.Medium("native"), "채팅"},
		{ko.Medium("app"), "외부 메신저"},
		{en.Medium("phone"), "phone"},
		{ja.Medium("email"), "メール"},
		{ja.Medium("fax"), "fax"},
		{ko.Field("mobileNumber"), "휴대폰 번호"},
		{en.Field("email"), "E-mail"},
		{ja.Field("landlineNumber"), "固定電話番号"},
		{en.Field("shoeSize"), "shoeSize"},
		{ko.Files(2), "첨부파일 2개"},
		{en.Files(0), ""},
		{ja.Files(1), "添付ファイル 1件"},
		{sink.Language("xx").Words().Unassigned, "미배정"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d          time.Duration
		ko, en, ja string
	}{
		{-time.Minute, "", "", ""},
		{0, "", "", ""},
		{59 * time.Second, "1분 미만 대기", "waiting less than a minute", "待ち時間 1分未満"},
		{2*time.Minute + 59*time.Second, "2분째 대기", "waiting 2 min", "待ち時間 2分"},
		{65 * time.Minute, "1시간 5분째 대기", "waiting 1 h 5 min", "待ち時間 1時間5分"},
		{2 * time.Hour, "2시간째 대기", "waiting 2 h", "待ち時間 2時間"},
		{51*time.Hour + 20*time.Minute, "2일 3시간째 대기", "waiting 2 d 3 h", "待ち時間 2日3時間"},
		{48*time.Hour + 20*time.Minute, "2일째 대기", "waiting 2 d", "待ち時間 2日"},
	} {
		for lang, want := range map[sink.Language]string{sink.Korean: tt.ko, sink.English: tt.en, sink.Japanese: tt.ja} {
			if got := lang.Words().Waiting(tt.d); got != want {
				t.Errorf("%s %s: got %q, want %q", lang, tt.d, got, want)
			}
		}
	}
}

func TestWhen(t *testing.T) {
	t.Parallel()
	at := sink.SampleView(sink.Korean).At.Time
	for lang, want := range map[sink.Language]string{
		sink.Korean: "11/22(일) 14:03", sink.English: "Sun 11/22 14:03 KST", sink.Japanese: "11/22(日) 14:03",
	} {
		if got := lang.Words().When(at); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
		if got := lang.Words().When(time.Time{}); got != "" {
			t.Errorf("%s: the zero time is %q", lang, got)
		}
	}
}

// Words of one language must not stay in another when a file is copied to begin a new one.
func TestWordsAreInTheirLanguage(t *testing.T) {
	t.Parallel()
	hangul, kana := regexp.MustCompile(`\p{Hangul}`), regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	for lang, foreign := range map[sink.Language][]*regexp.Regexp{
		sink.Korean: {kana}, sink.English: {hangul, kana}, sink.Japanese: {hangul},
	} {
		for field, v := range reflect.ValueOf(*lang.Words()).Fields() {
			for _, script := range foreign {
				if v.Kind() == reflect.String && script.MatchString(v.String()) {
					t.Errorf("%s.%s is %q", lang, field.Name, v)
				}
			}
		}
	}
}
