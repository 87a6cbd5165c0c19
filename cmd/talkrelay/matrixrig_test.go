package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"talkrelay/sandbox"
)

// elsewhere is where redirects lead. Nobody comes.
var elsewhere struct {
	start  sync.Once
	server *httptest.Server
	visits atomic.Int32
}

func elsewhereURL() string {
	elsewhere.start.Do(func() { // TestMain closes it
		elsewhere.server = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.visits.Add(1) }))
	})
	return elsewhere.server.URL
}

// matrixRig is a shop whose daemon runs in this process, with a witness at its seams.
type matrixRig struct {
	*rig
	c       matrixCase
	witness *witness
	daemon  *daemon
	log     printed
	stop    func()
	other   *sandbox.Channel // of another Channel Talk, with a tab of its own
	before  int              // requests asked before the fault
}

// matrixPace are waits so short that a test need not sit through them, and paces that nobody feels.
func matrixPace(slow bool) []string {
	lookups := "lookups_answered = [\"50ms\", \"100ms\"]\nlookups_unanswered = [\"100ms\", \"300ms\"]\nrecheck_after = \"300ms\"\n"
	limit := ""
	if slow {
		lookups = "lookups_answered = [\"50ms\", \"100ms\"]\nlookups_unanswered = [\"500ms\", \"1s\"]\nrecheck_after = \"3s\"\n"
		limit = "timeout = \"2s\"\n"
	}
	return []string{
		"channel = ", lookups + limit + "per_second = 1000.0\nper_minute = 100000.0\nchannel = ",
		"sheet            = ", limit + "writes_per_minute = 300\nsheet            = ",
		"poll          = ", limit + "list_requests_per_second = 100.0\npoll          = ",
	}
}

// newMatrixRig makes the rig for a case. Lines of edits replace text of the config, old and new in turn.
func newMatrixRig(t *testing.T, c matrixCase, edits ...string) *matrixRig {
	t.Helper()
	r := &matrixRig{c: c, witness: newWitness()}
	r.rig = newRigOf(t, openMatrixShop(t, c.fault.secure), append(matrixPace(c.fault.slow), edits...)...)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	r.world.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1, ReadsPerMinute: -1})
	if c.fault.secure {
		r.trustSandbox()
	}
	if c.site.column == channelColumn {
		r.addOther()
	}
	return r
}

// openMatrixShop opens a shop without any past.
func openMatrixShop(t *testing.T, secure bool) *demoShop {
	t.Helper()
	world, err := sandbox.Start(sandbox.Options{TLS: secure})
	if err != nil {
		t.Fatal(err)
	}
	return &demoShop{
		world: world, channel: world.ChannelTalk.AddChannel("모두의가게"), slack: world.Slack.AddChannel("cs-alerts"),
		sheet: world.Google.AddSpreadsheet("고객 문의"),
	}
}

// trustSandbox makes the daemon accept the certificate of the services.
func (r *matrixRig) trustSandbox() {
	r.t.Helper()
	pem, err := sandbox.CertificatePEM()
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "ca.pem"), pem, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.edit("[state]", "[network]\nca_file = \"ca.pem\"\n\n[state]")
}

const (
	otherChannel = "other"
	otherTab     = "다른 채널"
)

// addOther adds a channel at another Channel Talk, whose chats go to another tab.
func (r *matrixRig) addOther() {
	r.t.Helper()
	world, err := sandbox.StartChannelTalk(sandbox.ServiceOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = world.Close() })
	r.other = world.AddChannel(otherChannel)
	r.edit("name = \"새 문의\"\n", "name = \"새 문의\"\nwhere = 'channel == \"shop\"'\n")
	r.append(fmt.Sprintf(`
[[channel]]
name          = %q
access_key    = %q
access_secret = %q
base_url      = %q
poll          = "@every 1s"

[[sink.sheets]]
name             = "others"
credentials_file = "google.json"
spreadsheet      = %q
sheet            = %q
endpoint         = %q

[[route]]
name  = "다른 채널"
on    = ["userChat.opened"]
where = 'channel == "other"'
to    = ["others"]
`, otherChannel, r.other.AccessKey, r.other.AccessSecret, world.URL(), r.sheet.ID, otherTab, r.world.Google.Endpoint()))
}

// append adds to the config file.
func (r *rig) append(text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.config, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// start runs the daemon in this process until stop is called or the test ends, and waits until it has looked.
func (r *matrixRig) start() {
	r.t.Helper()
	d, err := runOptions{config: r.config, log: logConfig{Format: "logfmt"}, seams: r.witness}.openDaemon(&r.log)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(d.serve(ctx), d.db.Close()) }()
	r.daemon, r.stop = d, sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("the daemon ended with %v", err)
		}
	})
	r.t.Cleanup(r.stop)
	r.await("the first look", d.looked)
}

// warmUp lets one inquiry arrive, after which tab and token are there.
func (r *matrixRig) warmUp() {
	r.t.Helper()
	r.customer("먼저 온 고객", "고장 나기 전의 문의")
	r.await("the first inquiry", func() bool { return r.once() == "" && r.quiet() })
	r.witness.forget()
}

func (r *matrixRig) service() *sandbox.Service { return r.c.site.service(r.rig) }

// await is the package's await for many cases at a time: it looks more seldom.
func (r *matrixRig) await(what string, done func() bool) {
	r.t.Helper()
	await(r.t, what, func() bool {
		if done() {
			return true
		}
		time.Sleep(30 * time.Millisecond)
		return false
	}, r.tell)
}

// awaitArrival waits until everything has arrived once, and nothing is left to do.
func (r *matrixRig) awaitArrival() {
	r.t.Helper()
	awaitNone(r.t, "everything, once each", func() int {
		if c := r.compare(); len(c.slack.Lost)+len(c.sheets.Lost) > 0 {
			return 1 + len(c.slack.Lost) + len(c.sheets.Lost)
		}
		if r.once() == "" && r.quiet() {
			return 0
		}
		return 1
	}, r.tell)
}

// begin makes the service fail.
func (r *matrixRig) begin() {
	f, fault := r.c.fault, sandbox.FaultFunc(nil)
	r.before = len(r.asked())
	switch {
	case f.lasting.Status != 0:
		fault = sandbox.Always(f.lasting)
	case f.begin == nil && r.c.site.column == channelColumn: // net/http repeats a GET by itself, once
		fault = ofOpened(sandbox.Script(&f.once, &f.once))
	case f.begin == nil:
		fault = sandbox.Script(&f.once)
	}
	if fault != nil {
		r.service().SetFault(sandbox.Only(r.c.site.path, fault))
	}
	if f.begin != nil {
		f.begin(r)
	}
}

// ofOpened restricts f to the list of opened chats, which is not empty.
func ofOpened(f sandbox.FaultFunc) sandbox.FaultFunc {
	return func(service string, q sandbox.Request) *sandbox.Fault {
		if q.Query.Get("state") != "opened" {
			return nil
		}
		return f(service, q)
	}
}

func (r *matrixRig) mend() {
	if r.c.fault.mend != nil {
		r.c.fault.mend(r)
	}
	r.service().SetFault(nil)
}

// quiet reports whether nothing waits, and nothing is dead.
func (r *matrixRig) quiet() bool {
	return !slices.ContainsFunc(r.daemon.status().Sinks, func(s sinkStatus) bool { return s.Waiting+s.Dead > 0 || s.InDoubt })
}

// awaitOthers waits until those have everything who have nothing to do with the fault.
func (r *matrixRig) awaitOthers() {
	r.t.Helper()
	switch r.c.site.column {
	case channelColumn:
		chat := r.other.OpenChat(r.other.AddUser(canary), canaryText, sandbox.Opening{})
		r.await("the other channel", func() bool { return slices.Contains(rowKeys(r.rows(otherTab)), chat.ID()+"/1") })
	case slackColumn:
		r.await("the sheet", func() bool { return sheetArrived(r.rig) })
	default:
		r.await("Slack", func() bool { return slackArrived(r.rig) })
	}
}

// assertKept fails if a sink in trouble has lost anything from its queue.
func (r *matrixRig) assertKept() {
	r.t.Helper()
	for _, s := range r.daemon.status().Sinks {
		if n := r.c.fault.size(); s.Dead > 0 || s.Name == r.c.site.witness && s.Waiting != n {
			r.t.Errorf("%s has %d waiting and %d dead; %d must wait", s.Name, s.Waiting, s.Dead, n)
		}
	}
}

// assertHeld waits until the service has refused, and sees that it is left alone as long as that asks for.
func (r *matrixRig) assertHeld() {
	r.t.Helper()
	r.await("the trouble", func() bool { return r.witness.trouble(r.c.site.witness) })
	r.awaitOthers()
	if got := r.witness.words(r.c.site.witness); !strings.HasPrefix(got, r.c.want.says) {
		r.t.Errorf("heard %q, want %q", got, r.c.want.says)
	}
	if left := r.left(); left > r.c.want.held {
		r.t.Errorf("the next try is in %s, want up to %s", left, r.c.want.held)
	} else if left > 2*time.Second { // else it is about to begin
		asked := len(r.asked())
		time.Sleep(time.Second) // in which nothing may happen
		if n := len(r.asked()); n != asked {
			r.t.Errorf("asked %d times more", n-asked)
		}
	}
	r.stop()
	r.assertManners()
}

// left is the time until the next try.
func (r *matrixRig) left() time.Duration {
	if r.c.site.column == channelColumn { // of which the status does not tell
		return r.c.want.held
	}
	for _, s := range r.daemon.status().Sinks {
		if s.Name == r.c.site.witness {
			return time.Until(s.NextTry)
		}
	}
	return 0
}

// asked returns the requests that are to go wrong, as far as they are answered.
func (r *matrixRig) asked() []sandbox.Request {
	return slices.DeleteFunc(r.service().Requests(), func(q sandbox.Request) bool { return !strings.HasSuffix(q.Path, r.c.site.path) })
}

// assertManners fails if the daemon asked before it might, broke a protocol, or told of a customer.
func (r *matrixRig) assertManners() {
	r.t.Helper()
	if q := r.asked(); r.c.want.quiet > 0 {
		// A request that was under way when the fault began is counted with those after it.
		gap := q[r.before+1].Time.Sub(q[r.before].Time)
		if len(q) > r.before+2 {
			gap = max(gap, q[r.before+2].Time.Sub(q[r.before+1].Time))
		}
		if gap < r.c.want.quiet*9/10 { // on a busy machine the first is seen late
			r.t.Errorf("asked again after %s, want %s", gap, r.c.want.quiet)
		}
	}
	if v := r.world.Violations(); len(v) > 0 {
		r.t.Errorf("violations: %q", v)
	}
	if n := r.customerPings(); n > 0 {
		r.t.Errorf("%d mentions or links by customers", n)
	}
	r.assertDiscreet(r.log.log())
}

// tell is what a failure shows.
func (r *matrixRig) tell() string {
	heard := ""
	if r.witness != nil {
		heard = r.witness.words(r.c.site.witness)
	}
	return fmt.Sprintf("heard: %s\n%s\n%s", heard, r.compare().verdict(), r.log.log())
}
