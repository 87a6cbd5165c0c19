package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestResendingWithOneIDWritesOnce is the promise the Sheets sink is built on: whatever goes wrong on the way, a batch
// that is sent again with the same metadata id until it is known to be there is there once.
func TestResendingWithOneIDWritesOnce(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	w.SetFault(sandbox.RandomFaults(42, 0.5, 20*time.Millisecond))
	var want []string
	for i := range 40 {
		key := fmt.Sprint("row", i)
		want = append(want, key)
		body := `{"requests":[` + appendRow(0, text(key)) + "," + mark(int32(i+1), key) + `]}`
		for try := 0; !sendOnce(c, sheet, body); try++ {
			if try > 100 {
				t.Fatalf("row %d cannot be written", i)
			}
		}
	}
	if d := sandbox.Compare(want, sheet.Column("시트1", 0, 0)); !d.OK() {
		t.Errorf("%+v", d)
	}
	if n := w.Google.Total(); n < 60 {
		t.Errorf("only %d requests: there were no faults", n)
	}
	wantClean(t, w)
}

// sendOnce reports whether the batch is known to be in the sheet.
func sendOnce(c *sheetsClient, s *sandbox.Spreadsheet, body string) bool {
	r, err := try("POST", c.g.Endpoint()+"v4/spreadsheets/"+s.ID+":batchUpdate", c.header, body)
	if err != nil {
		return false
	}
	message, _ := r.path("error.message").(string)
	return r.status == 200 && r.path("spreadsheetId") == s.ID || strings.Contains(message, "already exists")
}

func TestRestOfTheDesk(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	shop := w.ChannelTalk.AddChannel("shop")
	manager := shop.AddManager("김지원", "")
	chat := shop.OpenChat(shop.AddUser(sandbox.User{}), "안녕", sandbox.Opening{Assignee: manager})
	chat.Tag("배송", "배송", "환불")
	chat.SetTeam("7")
	chat.SetALF(true)
	chat.Assign(nil)
	chat.Queue()
	c := stored(t, w, shop, chat)
	if fmt.Sprint(c["tags"]) != "[배송 환불]" || c["teamId"] != "7" || c["handling"] == nil || c["assigneeId"] != nil ||
		c["state"] != "queued" || chat.State() != sandbox.StateQueued {
		t.Errorf("got %v", c)
	}
	chat.Close()
	chat.Queue() // re-opened into the queue
	if h := shop.Happenings(); len(h) != 2 || h[1].Kind != sandbox.ChatReopened {
		t.Errorf("happenings %v", h)
	}
	shop.SetQuirks(sandbox.Quirks{KeepClosedAt: true})
	chat.Close()
	chat.Reopen("")
	if c := stored(t, w, shop, chat); c["closedAt"] == nil {
		t.Errorf("closedAt is gone: %v", c)
	}
}

func TestSheetProperties(t *testing.T) {
	t.Parallel()
	w, sheet, c := book(t)
	sheet.AddTab("other")
	set := func(properties, fields string) reply {
		return c.batch(sheet, fmt.Sprintf(`{"updateSheetProperties":{"properties":{"sheetId":0,%s},"fields":%q}}`, properties, fields))
	}
	r := set(`"title":"문의","hidden":true,"gridProperties":{"rowCount":50,"columnCount":20,"frozenColumnCount":1}`, "title,hidden,gridProperties")
	if r.status != 200 {
		t.Errorf("got %d %s", r.status, r.body)
	}
	got := c.get(sheet.ID)
	if got.path("sheets.0.properties.title") != "문의" || got.path("sheets.0.properties.hidden") != true ||
		got.path("sheets.0.properties.gridProperties.columnCount") != 20.0 || got.path("sheets.0.properties.gridProperties.frozenColumnCount") != 1.0 {
		t.Errorf("got %s", got.body)
	}
	if r := set(`"title":"other"`, "title"); r.status != 400 {
		t.Errorf("a title twice: %d", r.status)
	}
	wantClean(t, w)
	sheet.SetRow("문의", 9, "x")
	if r := set(`"gridProperties":{"rowCount":5}`, "gridProperties.rowCount"); r.status != 400 {
		t.Errorf("rows with data cut off: %d", r.status)
	}
	wantViolation(t, w, "grid cut to 5 rows")
}

func TestSlackBodies(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	for name, tt := range map[string]struct{ kind, body, want string }{
		"no type":   {"", "a=b", "missing_post_type"},
		"text":      {"text/plain", "a=b", "invalid_post_type"},
		"bad JSON":  {"application/json", "{", "invalid_json"},
		"bad form":  {"application/x-www-form-urlencoded", "%zz", "invalid_form_data"},
		"JSON body": {"application/json", `{"token":"` + w.Slack.Token + `"}`, "not_authed"}, // a token there does not count
	} {
		header := http.Header{}
		if tt.kind != "" {
			header.Set("Content-Type", tt.kind)
		}
		if r := do(t, "POST", w.Slack.APIURL()+"auth.test", header, tt.body); r.path("error") != tt.want {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	w.Slack.SetFault(sandbox.Always(sandbox.Fault{}))
	if r, err := try("POST", w.Slack.APIURL()+"auth.test", nil, strings.Repeat("a", 9<<20)); err == nil && r.status != 400 {
		t.Errorf("got %d", r.status)
	}
	eventually(t, func() bool { return len(w.Slack.Violations()) == 1 })
	wantViolation(t, w, "body over")
}
