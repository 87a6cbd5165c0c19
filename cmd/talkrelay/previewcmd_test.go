package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/sandbox"
	"talkrelay/sink"
)

// newPreviewRig is a rig with two chats and a route more.
func newPreviewRig(t *testing.T, edits ...string) *rig {
	t.Helper()
	r := newRig(t, append([]string{`[[route]]
name = "새 문의"`, `[[route]]
name  = "환불"
on    = ["userChat.opened"]
where = 'not chat.botOnly and "환불" in tags'
to    = ["cs-alerts"]

[[route]]
name = "새 문의"`}, edits...)...)
	hong := r.channel.AddUser(sandbox.User{Name: "홍길동", Contact: sandbox.Contact{MobileNumber: "+821012345678", Email: "hong@example.com"}})
	r.channel.OpenChat(hong, "배송이 아직 안 왔어요. 010-9999-8888로 전화 주세요 🙏", sandbox.Opening{Page: "/orders/123", Tags: []string{"배송"}})
	kim := r.channel.AddUser(sandbox.User{Name: "김영희"})
	r.channel.OpenChat(kim, "환불하고 싶어요", sandbox.Opening{Tags: []string{"환불"}}).Close()
	return r
}

// TestPreview shows both chats, masked, says why each route matched or not, and sends nothing while a daemon runs.
func TestPreview(t *testing.T) {
	t.Parallel()
	r := newPreviewRig(t)
	p := r.start()
	r.awaitBaseline(p)
	code, out, errs := here(t, "preview", "--config", r.config, "--last", "2")
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	for _, says := range []string{
		"▶ userChat.opened 2", "▶ lead.upserted.contact (created) ",
		`✗ "환불": 조건식에 맞지 않음: "환불" in tags 이(가) 참이 아님`, `✓ "환불": 맞음 → cs-alerts`,
		`✓ "새 문의": 맞음; cs-alerts 은(는) "환불" 이(가) 이미 정함 → inquiries`,
		`✗ "연락처 변경": 다른 종류의 이벤트 (on = ["lead.upserted.contact" "member.upserted.contact"])`,
		`✗ "연락처 변경": 조건식에 맞지 않음: change == "updated" 이(가) 참이 아님`,
		"■ 🆕 새 문의 — 홍*동", "│ ••••••••••", "https://app.slack.com/block-kit-builder#%7B%22blocks%22:",
		"    고객명        김*희", "    전화번호      010-****-5678",
	} {
		if !strings.Contains(out, says) {
			t.Errorf("no %q in:\n%s", says, out)
		}
	}
	if strings.Contains(out, "지난 고객") {
		t.Errorf("more than the last two:\n%s", out)
	}
	for _, customer := range []string{"홍길동", "배송이", "9999", "1234", "hong@", url.PathEscape("홍길동")} {
		if strings.Contains(out, customer) {
			t.Errorf("%q is not masked:\n%s", customer, out)
		}
	}
	if n := len(r.slack.Messages()); n > 0 {
		t.Errorf("%d messages were sent", n)
	}
	for _, q := range r.world.ChannelTalk.Requests() {
		if q.Method != "GET" {
			t.Errorf("%s %s", q.Method, q.Path)
		}
	}
	p.kill()
}

// TestPreviewReveals shows what the sinks would send, to the letter.
func TestPreviewReveals(t *testing.T) {
	t.Parallel()
	r := newPreviewRig(t, `name    = "cs-alerts"`, "name    = \"cs-alerts\"\nmask    = false")
	_, masked, _ := here(t, "preview", "--config", r.config, "--last", "2")
	if strings.Contains(masked, "5678 ") || strings.Contains(masked, "hong@example.com") {
		t.Errorf("a sink that does not mask is shown unmasked:\n%s", masked)
	}
	code, out, errs := here(t, "preview", "--config", r.config, "--last", "2", "--reveal", "--route", "새 문의", "--json")
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	var views []previewView
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.More(); {
		var v previewView
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		views = append(views, v)
	}
	if len(views) != 3 {
		t.Fatalf("%d events, want two chats and a contact:\n%s", len(views), out)
	}
	for _, v := range views {
		if len(v.Routes) != 1 || v.Routes[0].Route != "새 문의" {
			t.Errorf("routes %+v", v.Routes)
		}
		if v.Name == "홍길동" && v.Kind == talkrelay.UserChatOpened {
			message := v.Sinks[0]
			if !strings.Contains(message.Text, "010-9999-8888로") || !strings.Contains(message.Text, "hong@example.com") || len(v.Sinks) != 2 || len(v.Sinks[1].Cells) != 16 {
				t.Errorf("sinks %+v", v.Sinks)
			}
			fragment, err := url.PathUnescape(strings.TrimPrefix(message.Builder, "https://app.slack.com/block-kit-builder#"))
			var built struct{ Blocks json.RawMessage }
			if err != nil || json.Unmarshal([]byte(fragment), &built) != nil || !bytes.Equal(built.Blocks, message.Blocks) {
				t.Errorf("the link holds %s, %v; want %s", fragment, err, message.Blocks)
			}
		}
	}
}

// TestPreviewOnNarrowTerminal: no line but a link is wider than a terminal of 40 columns, and nothing is coloured.
func TestPreviewOnNarrowTerminal(t *testing.T) {
	t.Parallel()
	r := newPreviewRig(t)
	r.customer("아주아주긴이름을가진고객님"+strings.Repeat("👩‍👩‍👧‍👦", 20), strings.Repeat("긴 문의 내용 ", 50))
	cfg, err := readConfig(r.config, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	base, err := sink.BaseTransport(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	events, err := readRecent(t.Context(), cfg, base, 10)
	if err != nil || len(events) != 7 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	targets, err := makeTargets(cfg, base, func(string) sink.Memory { return forgetful{} }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, show := range []reveal{false, true} {
		for _, e := range events {
			text := previewer{cfg: cfg, targets: targets, reveal: show}.preview(e).text(40, &screenKorean)
			for line := range strings.SplitSeq(text, "\n") {
				if displayWidth(line) > 40 && !strings.HasPrefix(line, "https://app.slack.com/") {
					t.Errorf("%d columns: %s", displayWidth(line), line)
				}
				if strings.ContainsRune(line, '\x1b') {
					t.Errorf("colour: %q", line)
				}
			}
		}
	}
}

// TestPreviewHeld: what a poll would hold back says so.
func TestPreviewHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cfg, err := readConfig(r.config, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	e := talkrelay.Event{Kind: talkrelay.UserChatOpened, Channel: "shop", Chat: talkrelay.Chat{ID: "c", BotOnly: true}}
	if text := (previewer{cfg: cfg}).preview(e).text(0, &screenKorean); !strings.Contains(text, `bot_only = "wait"`) {
		t.Errorf("not told:\n%s", text)
	}
	cfg.Channels[0].BotOnly = poller.BotOnlyAlert
	if text := (previewer{cfg: cfg}).preview(e).text(0, &screenKorean); strings.Contains(text, "bot_only") {
		t.Errorf("told:\n%s", text)
	}
}

func TestBuilderLink(t *testing.T) {
	t.Parallel()
	block := `{"type":"section","text":{"type":"mrkdwn","text":"` + strings.Repeat("가", 300) + `"}}`
	for _, tt := range []struct {
		name    string
		preview sink.Preview
		blocks  int
		cut     bool
	}{
		{"text alone", sink.Preview{Text: `그 "문의"`}, 1, false},
		{"fits", sink.Preview{Blocks: json.RawMessage("[" + block + "," + block + "]")}, 2, false},
		{"cut", sink.Preview{Blocks: json.RawMessage("[" + strings.Repeat(block+",", 9) + block + "]")}, 2, true},
		{"nothing fits", sink.Preview{Text: strings.Repeat("가", 3000)}, 0, true},
	} {
		link, cut := builderLink(tt.preview)
		fragment, err := url.PathUnescape(strings.TrimPrefix(link, "https://app.slack.com/block-kit-builder#"))
		var built struct{ Blocks []json.RawMessage }
		if link != "" {
			if jsonErr := json.Unmarshal([]byte(fragment), &built); jsonErr != nil {
				t.Errorf("%s: %v in %s", tt.name, jsonErr, fragment)
			}
		}
		if err != nil || cut != tt.cut || len(built.Blocks) != tt.blocks || len(link) > maxBuilderLink {
			t.Errorf("%s: %d blocks, cut %t, %d bytes, %v", tt.name, len(built.Blocks), cut, len(link), err)
		}
	}
}

// TestPreviewFails: every trouble has a line that says what to do, and an exit code of its own kind.
func TestPreviewFails(t *testing.T) {
	t.Parallel()
	r := newPreviewRig(t)
	fails := func(want int, says string, args ...string) {
		t.Helper()
		code, out, errs := here(t, append([]string{"preview"}, args...)...)
		if code != want || out != "" || !strings.Contains(errs, says) {
			t.Errorf("preview %q: exit code %d, want %d and %q:\n%s%s", args, code, want, says, out, errs)
		}
		r.assertDiscreet(errs)
	}
	fails(exitUsage, "--last must be 1 to 500", "--config", r.config, "--last", "0")
	fails(exitUsage, "--last", "--config", r.config, "--last", "many")
	fails(exitUsage, `did you mean "새 문의"?`, "--config", r.config, "--route", "새문의")
	fails(exitUsage, "it has [", "--config", r.config, "--route", "entirely different")
	fails(exitConfig, "no such file", "--config", filepath.Join(r.dir, "absent.toml"))
	if os.Getuid() != 0 {
		if err := os.Chmod(r.config, 0); err != nil {
			t.Fatal(err)
		}
		fails(exitConfig, "permission denied", "--config", r.config)
		if err := os.Chmod(r.config, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.channel.SetRevoked(true)
	fails(exitFailed, "correct access_key and access_secret", "--config", r.config)
	r.channel.SetRevoked(false)
	r.world.ChannelTalk.Down()
	fails(exitFailed, "port 443", "--config", r.config)
	if err := r.world.ChannelTalk.Up(); err != nil {
		t.Fatal(err)
	}
	r.world.ChannelTalk.SetFault(sandbox.Always(sandbox.Fault{After: time.Minute}))
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"preview", "--config", r.config}, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "interrupted; nothing was sent") {
		t.Errorf("Ctrl-C: exit code %d:\n%s%s", code, out.String(), errs.String())
	}
	r.edit("[[route]]", "[[route")
	fails(exitConfig, "talkrelay.toml:", "--config", r.config)
}

// TestCompleteRoutes: a shell is given the names of the routes, also while the config has a fault.
func TestCompleteRoutes(t *testing.T) {
	t.Parallel()
	r := newPreviewRig(t)
	names := regexp.MustCompile(`(?s)^환불\n새 문의\n연락처 변경\n:4\n`)
	for _, language := range []string{"language =", "langauge ="} {
		r.edit("language =", language)
		if code, out, _ := here(t, "__complete", "preview", "--config", r.config, "--route", ""); code != exitOK || !names.MatchString(out) {
			t.Errorf("exit code %d:\n%s", code, out)
		}
	}
	if _, out, _ := here(t, "__complete", "preview", "--config", filepath.Join(r.dir, "absent"), "--route", ""); !strings.HasPrefix(out, ":4\n") {
		t.Errorf("without a config:\n%s", out)
	}
}
