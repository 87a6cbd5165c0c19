package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// verify runs the command and returns the result.
func (r *rig) verify(code int, args ...string) (v verifyResult) {
	r.t.Helper()
	got, out, errs := here(r.t.(*testing.T), append([]string{"verify", "--config", r.config, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &v); got != code || err != nil || !v.Done {
		r.t.Fatalf("verify %q: exit code %d, want %d, %v\n%s%s", args, got, code, err, out, errs)
	}
	return v
}

// TestVerify counts a day on which all went well, loses things at the destinations, and heals what never arrived.
func TestVerify(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 2, 3)
	p := r.start()
	r.awaitBaseline(p)
	var chats []*sandbox.Chat
	for _, name := range []string{"홍길동", "김영희", "박민수"} {
		chats = append(chats, r.customer(name, "오늘의 문의"))
	}
	r.awaitAll(p)
	nextSecond(t)
	chats[0].Close()
	chats[0].Reopen("다시")
	r.awaitAll(p)
	nextSecond(t)
	chats[0].Close()
	chats[0].Reopen("또다시") // Channel Talk shows the second opening no more
	r.awaitAll(p)
	since := r.channel.Happenings()[r.before].At.Add(-time.Second).UTC().Format(time.RFC3339)
	if v := r.verify(exitOK, "--from", since); v.Text != "채널톡 5 = 슬랙 5 = 시트 5" || !v.Equal {
		t.Errorf("%q %+v", v.Text, v)
	}

	// Somebody deletes a row, copies another one, and writes one about nothing.
	rows := r.rows(demoInquiries)
	r.sheet.SetRow(demoInquiries, 20, rows[1][0], rows[1][1])
	r.sheet.SetRow(demoInquiries, 21, "0123456789abcdef", time.Now().In(time.FixedZone("KST", 9*3600)).Format(time.DateTime))
	r.sheet.DeleteRow(demoInquiries, 3)
	v := r.verify(exitFailed, "--from", since, "--heal")
	sheet := v.Sinks[slices.IndexFunc(v.Sinks, func(s *verifySink) bool { return s.Name == "inquiries" })]
	if v.Text != "채널톡 5 = 슬랙 5 ≠ 시트 4+2" || len(sheet.Gaps) != 1 || sheet.Gaps[0].Chat != rows[2][0] ||
		!strings.Contains(sheet.Gaps[0].Why, "no longer there") || v.Healed != 0 {
		t.Errorf("%q %+v", v.Text, sheet)
	}
	_, out, _ := here(t, "verify", "--config", r.config, "--from", since)
	r.mustMatch(out, `^채널톡 5 = 슬랙 5 ≠ 시트 4\+2$`, `inquiries +`+rows[2][0]+`.*없음: 20\S+ \S+ 전달했으나`, `inquiries +`+rows[1][0]+`.*남음: 2번 있음`,
		`inquiries +0123456789abcdef.*남음: 채널톡에 그런 문의가 없음`)
	r.assertDiscreet(out)
	p.stop()
	r.assertHeals(fromDay(4), fromDay(1))
}

// nextSecond waits until what happens is told apart in a sheet, whose times are to the second.
func nextSecond(t *testing.T) {
	t.Helper()
	now := time.Now().Unix()
	await(t, "the next second", func() bool { return time.Now().Unix() > now }, func() string { return "" })
}

// assertHeals has the days before the first look healed, without a daemon.
func (r *rig) assertHeals(from, to string) {
	r.t.Helper()
	v := r.verify(exitFailed, "--from", from, "--to", to)
	missing := v.ChannelTalk
	if missing < 5 || len(v.Sinks[0].Gaps) != missing || !strings.Contains(v.Sinks[0].Gaps[0].Link, v.Sinks[0].Gaps[0].Chat) {
		r.t.Errorf("before the first look: %+v", v)
	}
	if v = r.verify(exitOK, "--from", from, "--to", to, "--heal"); v.Healed != 2*missing || !v.Equal {
		r.t.Errorf("healed %d, want %d: %s", v.Healed, 2*missing, v.Text)
	}
	r.forgetDelivered()
	if v = r.verify(exitOK, "--from", from, "--to", to, "--heal"); v.Healed != 0 || v.ChannelTalk != missing {
		r.t.Errorf("after the retention, healed %d: %s", v.Healed, v.Text)
	}
}

// TestVerifyWithoutHistory counts receipts where Slack's history cannot be read.
func TestVerifyWithoutHistory(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 1, 1)
	p := r.start()
	r.awaitBaseline(p)
	r.customer("홍길동", "문의")
	r.awaitAll(p)
	r.world.SetFault(sandbox.Only("conversations.history", sandbox.Always(sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"missing_scope","needed":"channels:history"}`})))
	since := r.channel.Happenings()[r.before].At.Add(-time.Second).UTC().Format(time.RFC3339)
	v := r.verify(exitOK, "--from", since)
	i := slices.IndexFunc(v.Sinks, func(s *verifySink) bool { return s.Name == "cs-alerts" })
	if v.Text != "채널톡 1 = 슬랙 1 = 시트 1" || !strings.Contains(v.Sinks[i].Note, "channels:history") {
		t.Errorf("%q %+v", v.Text, v.Sinks[i])
	}
}

func TestHeadline(t *testing.T) {
	t.Parallel()
	slack := &verifySink{Name: "cs-alerts", Kind: "slack", Expected: 37, Found: 37}
	sheet := &verifySink{Name: "inquiries", Kind: "sheets", Expected: 37, Found: 36, Gaps: make([]verifyGap, 1)}
	vip := &verifySink{Name: "vip", Kind: "sheets", Expected: 3, Found: 3}
	hook := &verifySink{Name: "crm", Kind: "webhook", Expected: 37, Found: 37}
	for want, got := range map[string]string{
		"채널톡 37 = 슬랙 37 ≠ 시트 36":                       headline(&screenKorean, 37, []*verifySink{slack, sheet}),
		"Channel Talk 37 = Slack 37":                   headline(&screenEnglish, 37, []*verifySink{slack}),
		"チャネルトーク 37 ≠ inquiries 36 = vip 3/3 = crm 37": headline(&screenJapanese, 37, []*verifySink{sheet, vip, hook}),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestVerifyPeriod(t *testing.T) {
	t.Parallel()
	kst := time.FixedZone("KST", 9*3600)
	now := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC) // the 28th in Seoul
	for _, test := range []struct {
		ask      verifyRequest
		from, to string // to = "" is an error
	}{
		{verifyRequest{}, "2026-11-27T00:00:00+09:00", "2026-11-28T00:00:00+09:00"},
		{verifyRequest{Day: "2026-11-26"}, "2026-11-26T00:00:00+09:00", "2026-11-27T00:00:00+09:00"},
		{verifyRequest{From: "2026-11-01", To: "2026-11-02"}, "2026-11-01T00:00:00+09:00", "2026-11-03T00:00:00+09:00"},
		{verifyRequest{Day: "2026-11-26T10:00"}, "", ""},
		{verifyRequest{Day: "2026-11-26", From: "2026-11-01"}, "", ""},
		{verifyRequest{To: "2026-11-01"}, "", ""},
	} {
		p, err := test.ask.period(now, kst)
		if (err != nil) != (test.to == "") {
			t.Errorf("%+v: %v", test.ask, err)
		} else if err == nil && (p.from.Format(time.RFC3339) != test.from || p.to.Format(time.RFC3339) != test.to) {
			t.Errorf("%+v: %v", test.ask, p)
		}
	}
}
