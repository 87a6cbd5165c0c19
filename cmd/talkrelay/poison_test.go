package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// poison is a text that one service does not take, whatever it is wrapped in.
const poison = "삼킬 수 없는 글"

// TestPoisonIsSetAside lets one message in the middle of others be refused for what it is. It becomes a dead letter with
// its reason, those behind it arrive, and whoever takes it has it.
func TestPoisonIsSetAside(t *testing.T) {
	t.Parallel()
	tests := []struct {
		site    site
		fault   sandbox.Fault
		says    string
		arrived func(*matrixRig) int // at the service that refuses
	}{
		{
			site: sites[slackColumn], says: "no_text",
			fault:   sandbox.Fault{Skip: true, Status: http.StatusOK, Body: `{"ok":false,"error":"no_text"}`},
			arrived: func(r *matrixRig) int { return len(r.slack.Messages()) },
		},
		{
			site: sites[sheetsColumn], says: "Google does not accept a row",
			fault: sandbox.Fault{Skip: true, Status: http.StatusBadRequest, Body: `{"error":{"code":400,"status":"INVALID_ARGUMENT",` +
				`"message":"Invalid requests[0].appendCells: Your input contains more than the maximum of 50000 characters in a single cell."}}`},
			arrived: func(r *matrixRig) int { return len(r.rows(demoInquiries)) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.site.name, func(t *testing.T) {
			t.Parallel()
			r := newMatrixRig(t, matrixCase{site: tt.site})
			r.start()
			r.warmUp()
			r.service().SetFault(sandbox.Only(tt.site.path, func(_ string, q sandbox.Request) *sandbox.Fault {
				if text, err := url.QueryUnescape(string(q.Body)); err != nil || !strings.Contains(text, poison) {
					return nil
				}
				return &tt.fault
			}))
			for _, text := range []string{canaryText, poison, canaryText, canaryText} {
				r.customer(canary.Name, text)
			}
			r.await("those behind it", func() bool { return tt.arrived(r) == 4 && r.waiting() == 0 })
			r.awaitOthers()
			r.stop()
			if !lineWith(r.log.log(), "level=ERROR", `msg="dead letter"`, "sink="+tt.site.witness, tt.says) || strings.Count(r.log.log(), "dead letter") != 1 {
				t.Errorf("the log does not tell of one dead letter and why:\n%s", r.log.log())
			}
			if n := tt.arrived(r); n != 4 {
				t.Errorf("%d arrived", n)
			}
			r.assertManners()
		})
	}
}

// waiting counts what waits in all queues, dead letters left out.
func (r *matrixRig) waiting() (n int) {
	for _, s := range r.daemon.status().Sinks {
		n += s.Waiting
	}
	return n
}
