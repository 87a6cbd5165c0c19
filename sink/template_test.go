package sink_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

func TestTemplateExecute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, want string
	}{
		{"text", "새 문의", "새 문의"},
		{"empty", "", ""},
		{"fields", "{{.Kind}} {{.Chat.ID}} {{.User.Name}} {{.Assignee.Name}} {{.Team.Name}} {{.Channel}}",
			"userChat.opened 6641a7e0c5 홍길동 김상담 CS팀 main"},
		{"time in the event's zone", "{{.Chat.OpenedAt}}", "2026-11-22 14:03"},
		{"date", `{{date .At}} {{date "15:04 MST" .At}} {{.At | date "01/02"}}`, "2026-11-22 14:03 14:03 KST 11/22"},
		{"method of time", "{{.At.Year}}", "2026"},
		{"list", "{{.Tags}}", "배송, VIP"},
		{"join", `{{join "/" .Tags}}`, "배송/VIP"},
		{"range", `{{range .Tags}}<{{.}}>{{end}}`, "<배송><VIP>"},
		{"range with variables", `{{range $i, $tag := .Tags}}{{$i}}={{$tag}} {{end}}`, "0=배송 1=VIP "},
		{"profile", "{{.User.Profile.grade}}[{{.User.Profile.nothing}}] {{.User.Profile}}", "gold[] grade: gold"},
		{"phone", "{{phone .User.MobileNumber}}", "010-1234-5678"},
		{"mask", "{{mask .User.MobileNumber}} {{mask .User.Email}} {{maskName .User.Name}}",
			"010-****-5678 h***@example.com 홍*동"},
		{"truncate", `{{truncate 5 .Message.Text}} {{.Message.Text | truncate 5}}`, "배송이 … 배송이 …"},
		{"default", `{{default "미배정" .Assignee.Name}} {{default "없음" .Chat.Workflow}} {{.User.MemberID | default "-"}}`,
			"김상담 w1 hong"},
		{"oneline", `{{oneline "a\n b"}}`, "a b"},
		{"state and medium", "{{state .Chat.State}} {{medium .Chat.MediumType}}", "진행중 채팅"},
		{"minutes", "{{minutes .Chat.WaitingTime}} {{.Chat.WaitingTime.Minutes}}", "3 3"},
		{"eq of kinds", `{{if eq .Kind "userChat.opened"}}yes{{end}}`, "yes"},
		{"with and defined", `{{define "who"}}{{.Name}}{{end}}{{with .User}}{{template "who" .}}{{end}}`, "홍길동"},
		{"variable", `{{$u := .User}}{{$u.Name}} {{$.Channel}}`, "홍길동 main"},
		{"variable of another type after a branch", `{{$x := .Chat}}{{if .User.ID}}{{$x = .User}}{{end}}{{if .User.ID}}{{$x.Email}}{{end}}`, "hong@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := execute(t, tt.text, sink.SampleView(sink.Korean)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTemplateAbsentPrintsNothing(t *testing.T) {
	t.Parallel()
	const text = `{{.Chat.OpenedAt}}{{.At}}{{date .At}}{{date "15:04" .Chat.ClosedAt}}{{.Chat.WaitingTime}}{{minutes .Chat.WaitingTime}}` +
		`{{.Tags}}{{.Chat.Tags}}{{.Chat.ManagerIDs}}{{.User.Profile}}{{.User.Profile.x}}{{.User.Name}}{{join "," .Tags}}` +
		`{{mask .User.Email}}{{phone .User.MobileNumber}}{{state .Chat.State}}{{truncate 3 .Message.Text}}{{default "" .Team.Name}}` +
		`{{.Message.CreatedAt.Format "15:04"}}{{maskName .User.Name}}{{oneline .Message.Text}}{{range .Changes}}x{{end}}`
	for _, v := range []sink.View{{}, sink.NewView(talkrelay.Event{}, sink.English)} {
		if got := execute(t, text, v); got != "" {
			t.Errorf("got %q, want nothing", got)
		}
	}
	if got := execute(t, `{{default "미배정" .Assignee.Name}}{{default "-" .At}}{{default "-" .Tags}}`, sink.View{}); got != "미배정--" {
		t.Errorf("default of absent values: got %q", got)
	}
}

func TestTemplateSpeaksTheViewsLanguage(t *testing.T) {
	t.Parallel()
	tmpl := parse(t, "{{state .Chat.State}}/{{medium .Chat.MediumType}}")
	for lang, want := range map[sink.Language]string{
		sink.Korean: "진행중/채팅", sink.English: "open/chat", sink.Japanese: "対応中/チャット", "": "진행중/채팅",
	} {
		if got, err := tmpl.Execute(sink.SampleView(lang)); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", lang, got, err, want)
		}
	}
}

func TestParseTemplateErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, want string
	}{
		{"unknown field", "{{.Chat.Foo}}", "1:3: unknown field .Chat.Foo"},
		{"second line, after Korean", "문의\n고객 {{.Usr.Name}}", "2:6: unknown field .Usr (did you mean .User?)"},
		{"expr spelling", "{{.user.mobileNumber}}", "1:3: unknown field .user (did you mean .User?)"},
		{"letter case", "{{.User.mobilenumber}}", "1:3: unknown field .User.mobilenumber (did you mean .User.MobileNumber?)"},
		{"other word", "{{.User.Phone}}", "1:3: unknown field .User.Phone (did you mean .User.MobileNumber?)"},
		{"in the wrong place", "{{.MobileNumber}}", "1:3: unknown field .MobileNumber (did you mean .User.MobileNumber?)"},
		{"misspelled", "{{.Chat.OpendAt}}", "1:3: unknown field .Chat.OpendAt (did you mean .Chat.OpenedAt?)"},
		{"field of a text", "{{.User.Name.First}}", "1:3: .User.Name.First has no field First: it is a string"},
		{"field of a list", "{{.Tags.First}}", "1:3: .Tags.First has no field First: it is a list"},
		{"branch that no sample takes", `{{if eq .Channel "never"}}{{.Nope}}{{end}}`, "1:29: unknown field .Nope"},
		{"else of a branch", `{{if .Kind}}a{{else}}{{.Nope}}{{end}}`, "1:24: unknown field .Nope"},
		{"inside with", "{{with .User}}{{.Emial}}{{end}}", "1:17: unknown field .Emial (did you mean .Email?)"},
		{"inside range", "{{range .Changes}}{{.Feild}}{{end}}", "1:21: unknown field .Feild (did you mean .Field?)"},
		{"of a variable", "{{$u := .User}}{{$u.Nmae}}", "1:18: unknown field .Nmae (did you mean .Name?)"},
		{"of a range variable", "{{range $i, $c := .Changes}}{{$c.Odl}}{{end}}", "1:31: unknown field .Odl (did you mean .Old?)"},
		{"as an argument", `{{phone .User.Mobil}}`, "1:9: unknown field .User.Mobil (did you mean .User.MobileNumber?)"},
		{"in brackets", `{{(.User).Nam}}`, "1:3: unknown field .Nam (did you mean .Name?)"},
		{"in a defined template", `{{define "a"}}{{.Nmae}}{{end}}{{template "a" .User}}`, "1:17: unknown field .Nmae (did you mean .Name?)"},
		{"first of two", "{{.A1}}\n{{.B2}}", "1:3: unknown field .A1"},
		{"unknown function", "{{upper .User.Name}}", "1:3: unknown function upper"},
		{"misspelled function", "{{.User.Name | trunctate 3}}", "1:16: unknown function trunctate (did you mean truncate?)"},
		{"function in capitals", "{{TRUNCATE 3 .User.Name}}", "1:3: unknown function TRUNCATE (did you mean truncate?)"},
		{"function nobody calls", `{{define "a"}}{{fone .}}{{end}}`, "1:17: unknown function fone"},
		{"wrong argument", "{{date .User.Name}}", "1:3: date: a text is not a time"},
		{"wrong argument of minutes", "{{minutes .At}}", "1:3: minutes: a time is not a duration, as .Chat.WaitingTime is"},
		{"wrong argument of join", `{{join "," .User.Name}}`, "1:3: join: a text is not a list, as .Tags is"},
		{"no end", "{{if .Tags}}x", "1:1: unexpected EOF"},
		{"unclosed action", "a\nb {{.Tags", "2:3: unclosed action"},
		{"bad character", "{{.Tags ?}}", `1:9: unexpected "?" in operand`},
		{"endless loop", "{{range 1000000000}}{{end}}", "too many turns"},
		{"endless loop in a variable", "{{$n := 1000000000}}{{range $n}}{{if .}}{{end}}{{end}}", "too many turns"},
		{"template that calls itself", `{{define "a"}}{{template "a"}}{{template "a"}}{{end}}{{template "a"}}`, "too many turns"},
		{"flood", `{{range 90000}}0123456789{{end}}`, "longer than 64 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sink.ParseTemplate(tt.text)
			var te *sink.TemplateError
			if !errors.As(err, &te) {
				t.Fatalf("got %v, want a *TemplateError with %q", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// What text/template says of a value that does not fit may hold the value.
func TestExecuteErrorShowsNothingOfTheEvent(t *testing.T) {
	t.Parallel()
	const secret = "비밀01012345678"
	for _, text := range []string{
		`{{if eq .User.Name "` + secret + `"}}{{range $x := .User.Profile.a}}{{end}}{{end}}`,
		`{{if eq .User.Name "` + secret + `"}}{{if eq .Tags .Tags}}{{end}}{{end}}`,
		`{{if eq .User.Name "` + secret + `"}}{{index .Tags 7}}{{end}}`,
	} {
		tmpl := parse(t, text)
		v := sink.NewView(talkrelay.Event{
			User: talkrelay.User{Name: secret, Profile: map[string]string{"a": secret}},
			Chat: talkrelay.Chat{Tags: []string{secret}},
		}, sink.Korean)
		if _, err := tmpl.Execute(v); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want an error without the name", text, err)
		}
	}
}

func TestExecuteStopsAtItsLimits(t *testing.T) {
	t.Parallel()
	tmpl := parse(t, `{{range .Tags}}{{$.Message.Text}}{{end}}`)
	v := sink.NewView(talkrelay.Event{
		Message: talkrelay.Message{Text: strings.Repeat("가", 10_000)},
		Chat:    talkrelay.Chat{Tags: []string{"a", "b", "c"}},
	}, sink.Korean)
	if _, err := tmpl.Execute(v); err == nil || !strings.Contains(err.Error(), "64 KiB") {
		t.Errorf("got %v, want an error about the length", err)
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, s := range []string{
		"{{.User.Name}}", "{{range .Tags}}{{.}}{{end}}", `{{define "a"}}{{template "a" .}}{{end}}`, "{{if}}", "{{",
		`{{with $x := .User}}{{$x.Name}}{{end}}`, `{{date "15:04" .At | truncate 3}}`, "{{.A.B.C}}", "{{(.User).Name}}", "{{break}}",
		"{{$x = 1}}", "{{if $x := .Tags}}{{else}}{{$x.A}}{{end}}", "{{$x := 1}}{{range $x = .Tags}}{{$x}}{{end}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		tmpl, err := sink.ParseTemplate(text)
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%q took %s", text, time.Since(start))
		}
		var te *sink.TemplateError
		if err != nil && (!errors.As(err, &te) || te.Line < 1 || te.Col < 1 || te.Reason == "") {
			t.Fatalf("%q: %#v is no complete *TemplateError", text, err)
		}
		if err == nil {
			if out, err := tmpl.Execute(sink.SampleView(sink.Japanese)); err == nil && len(out) > 64<<10 {
				t.Fatalf("%q makes %d bytes", text, len(out))
			}
		}
	})
}

func parse(t *testing.T, text string) *sink.Template {
	t.Helper()
	tmpl, err := sink.ParseTemplate(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return tmpl
}

func execute(t *testing.T, text string, v sink.View) string {
	t.Helper()
	got, err := parse(t, text).Execute(v)
	if err != nil {
		t.Fatalf("execute %q: %v", text, err)
	}
	return got
}
