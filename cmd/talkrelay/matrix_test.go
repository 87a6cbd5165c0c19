package main

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// TestFaultMatrix lets every service fail in every way, one at a time, under the real daemon in this process, and holds
// what the daemon makes of it against the table. In every case, all that happened stands at the end once, in order, at
// both destinations; nobody else was held up; and nothing of a customer was logged.
//
// The tables and cases that it prints are those of docs/reliability.md. After a change of them:
//
//	TALKRELAY_WRITE_MATRIX=1 go test -count 1 -run TestFaultMatrix ./cmd/talkrelay
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	seen, cases := &sightings{}, matrixCases()
	if testing.Short() { // one in four
		n := 0
		cases = slices.DeleteFunc(cases, func(c matrixCase) bool { n++; return n%4 != 0 || c.length() > 0 })
	}
	slices.SortStableFunc(cases, func(a, b matrixCase) int { return cmp.Compare(b.length(), a.length()) })
	pooled(cases, func(c matrixCase) {
		t.Run(c.site.name+"/"+c.fault.name, func(t *testing.T) { seen.add(c, c.test(t)) })
	})
	if n := elsewhere.visits.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect to another host", n)
	}
	if !testing.Short() && !t.Failed() && seen.count() == len(cases) {
		assertDocument(t, "matrix", seen.markdown())
	}
}

// matrixCases are all faults at all services that they can come to.
func matrixCases() (cases []matrixCase) {
	for _, f := range slices.Concat(networkFaults, answerFaults, ownFaults) {
		for _, s := range sites {
			if want := f.want[s.column]; want.says != "" {
				cases = append(cases, matrixCase{fault: f, site: s, want: want})
			}
		}
	}
	return cases
}

// atOnce is how many cases run at a time. Most of them wait most of the time.
const atOnce = 24

// pooled calls test for each of cases, and returns when all of them have ended.
func pooled[T any](cases []T, test func(T)) {
	queue := make(chan T)
	var pool sync.WaitGroup
	for range min(atOnce, len(cases)) {
		pool.Go(func() {
			for c := range queue {
				test(c)
			}
		})
	}
	for _, c := range cases {
		queue <- c
	}
	close(queue)
	pool.Wait()
}

// site is a service, with the requests that are to go wrong.
type site struct {
	name    string
	column  int
	witness string // whose words tell what came of it
	path    string // what the requests' paths end in
	service func(*rig) *sandbox.Service
}

// Columns of the matrix.
const (
	channelColumn = iota
	slackColumn
	sheetsColumn
	tokenColumn
)

var sites = []site{
	{"Channel Talk", channelColumn, "shop", "/user-chats", func(r *rig) *sandbox.Service { return r.world.ChannelTalk.Service }},
	{"Slack", slackColumn, slackSink, "chat.postMessage", func(r *rig) *sandbox.Service { return r.world.Slack.Service }},
	{"Google Sheets", sheetsColumn, inquiriesSink, ":batchUpdate", func(r *rig) *sandbox.Service { return r.world.Google.Service }},
	{"Google's token endpoint", tokenColumn, inquiriesSink, "/token", func(r *rig) *sandbox.Service { return r.world.Google.Service }},
}

// wanted is what is to come of a fault at one service.
type wanted struct {
	says  string        // the witness's words
	quiet time.Duration // so long nothing is asked after a 429
	held  time.Duration // it is not over before the test: the next try is up to so far away
}

// matrixFault is a way to fail: one line of the matrix.
type matrixFault struct {
	name    string
	once    sandbox.Fault // what the first request meets, if it is not the zero Fault
	lasting sandbox.Fault // what all requests meet until it is mended
	begin   func(*matrixRig)
	mend    func(*matrixRig) // nil = it passes by itself
	slow    bool             // the service has two seconds for an answer
	secure  bool             // all services speak TLS
	chats   int              // how many chats are opened under the fault; 0 = 2
	sign    string           // it is not mended before this is heard; "" = before anything is
	want    [4]wanted
}

func (f matrixFault) size() int { return cmp.Or(f.chats, 2) }

// matrixCase is a fault at a service.
type matrixCase struct {
	fault matrixFault
	site  site
	want  wanted
}

// length puts those first that take long.
func (c matrixCase) length() int {
	n := int(c.want.quiet / time.Second)
	if c.fault.slow {
		n += 10
	}
	return n + c.fault.chats/20
}

func (c matrixCase) lasts() bool { return c.fault.mend != nil || c.fault.lasting.Status != 0 }

// test runs the case and returns what the witness heard.
func (c matrixCase) test(t *testing.T) string {
	r := newMatrixRig(t, c)
	r.start()
	if c.site.column != tokenColumn { // a token is asked for with the first delivery
		r.warmUp()
	}
	r.begin()
	for range c.fault.size() {
		r.customer(canary.Name, canaryText)
	}
	if c.lasts() {
		r.await("the trouble", func() bool {
			return r.witness.trouble(c.site.witness) && strings.Contains(r.witness.words(c.site.witness), c.fault.sign)
		})
		r.awaitOthers()
		r.assertKept()
		r.mend()
	}
	if c.want.held > 0 {
		r.assertHeld()
		return c.want.says
	}
	r.awaitArrival()
	r.await(c.want.says, func() bool { return r.witness.words(c.site.witness) == c.want.says })
	r.awaitOthers()
	r.stop()
	if wrong := r.once(); wrong != "" {
		t.Errorf("after the end: %s", wrong)
	}
	r.assertManners()
	return r.witness.words(c.site.witness)
}
