package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quietToday are quiet hours that last for days.
func quietToday() string {
	var days []string
	for n := range 6 {
		days = append(days, time.Now().In(seoul).AddDate(0, 0, n-1).Format("Mon"))
	}
	return fmt.Sprintf(`quiet = [%q]`, strings.Join(days, ",")+" 00:00-24:00")
}

// TestQuietHoursHoldPings: rows are written, messages wait and are not late, and a kill loses none of them.
func TestQuietHoursHoldPings(t *testing.T) {
	t.Parallel()
	r := newRig(t, "[[sink.slack]]\n", "[[sink.slack]]\n"+quietToday()+"\n")
	p := r.start()
	r.awaitBaseline(p)
	for n := range 3 {
		r.customer(fmt.Sprint("손님", n), "밤에 문의합니다")
	}
	await(t, "the rows", func() bool { return len(r.rows(demoInquiries)) == 3 }, p.log)
	r.awaitPoll(p)
	if n := len(r.slack.Messages()); n != 0 {
		t.Errorf("%d messages in quiet hours", n)
	}
	if out := r.start("status", "--config", r.config); out.wait(patience) != 0 || !strings.Contains(out.log(), "까지 조용한 시간") {
		t.Errorf("status:\n%s", out.log())
	}
	p.kill()
	p = r.start()
	p.awaitLog("started")
	r.edit(quietToday()+"\n", "")
	p.signal(syscall.SIGHUP)
	r.awaitAll(p)
	if n := len(r.slack.Messages()); n != 3 {
		t.Errorf("%d messages after quiet hours", n)
	}
}
