package poller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/channeltalk"
	"talkrelay/poller"
)

// every returns a fault of each nth request.
func every(n int) func(string) error {
	i := 0
	return func(string) error {
		if i++; i%n == 0 {
			return errDown
		}
		return nil
	}
}

// A long walk comes to its end although none of its pages can be counted on: it goes on at the page that failed.
func TestLongWalksOnAFlakyAPI(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := newJournal(), newStore()
		closedLongAgo(a.talk)
		a.cap = 2
		id := openedID(a.chats["old03"])
		show := hide(a.talk, "old03")
		a.fail = every(7) // the first walk takes 53 requests
		p := newPoller(t, a, s, func(c *poller.Config) { c.FullSweep = "30 * * * *" })
		if err := live(t, p, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(s.cursors["chats"]), `"d":true`) {
			t.Fatal("the first walk is not complete")
		}
		show()
		if err := live(t, p, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, s, opened, id)
	})
}

// pagesAfterFailure runs p while the page of closed chats that begins at since fails with err, and returns where the
// pages that were asked for after the first failure begin.
func pagesAfterFailure(t *testing.T, err error) []string {
	t.Helper()
	a, s := newJournal(), newStore()
	closedLongAgo(a.talk)
	p := newPoller(t, a, s, nil)
	run(t, p, poller.JobPoll)
	f := &failingPage{journal: a, err: err}
	if err := live(t, newPoller(t, f, s, nil), 20*time.Minute); err != nil {
		t.Fatal(err)
	}
	if len(f.after) == 0 {
		t.Fatal("no request after the failure")
	}
	return f.after
}

// failingPage fails at the second page of closed chats, always.
type failingPage struct {
	*journal
	err   error
	first string   // cursor of the page
	after []string // cursors since it failed
}

func (f *failingPage) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	if q.State != "closed" {
		return f.journal.UserChats(ctx, q)
	}
	if f.first != "" {
		f.after = append(f.after, q.Since)
	}
	if q.Since == "" {
		return f.journal.UserChats(ctx, q)
	}
	if f.first == "" {
		f.first = q.Since
	}
	return nil, f.err
}

// A walk that failed goes on at the page that failed, but not for ever, and not if the page was refused: its cursor may
// be one that the API does not know any more.
func TestWhereAFailedWalkGoesOn(t *testing.T) {
	t.Parallel()
	refused := &channeltalk.Error{Op: "read user chats", Kind: channeltalk.Refused, Status: 422}
	tests := []struct {
		err  error
		want int // times the page is asked for again before the walk begins anew
	}{{errDown, 5}, {refused, 0}}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := slices.Index(pagesAfterFailure(t, tt.err), ""); got != tt.want {
					t.Errorf("the page is asked for %d more times, want %d", got, tt.want)
				}
			})
		})
	}
}
