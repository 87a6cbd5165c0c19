package poller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"talkrelay"
	"talkrelay/channeltalk"
)

// ErrNoFirstLook refuses to read old chats before polls have taken their first look: without it nobody can tell an old
// chat from a new one.
var ErrNoFirstLook = errors.New("the first look at the channel is not complete yet")

// backlogLists are the lists in the order they are read. Chats move between lists meanwhile. One that is closed while
// the closed ones are read comes up at their end, one that is opened is met in the lists after them; the top of the closed ones
// is looked at once more for those that were closed last.
var backlogLists = [...]backlogList{
	{stateClosed, "asc", false}, {stateSnoozed, "asc", false}, {stateQueued, "asc", false}, {stateOpened, "asc", false}, {stateClosed, "desc", true},
}

type backlogList struct {
	state, order string
	top          bool // the first page only
}

// BacklogPage is one page of chats with what was found on it.
type BacklogPage struct {
	Openings []Opening   // oldest first
	Chats    int         // on the page
	Left     []time.Time // openings that polls have not seen yet
	Next     Position    // nil = that was the last page
}

// Read reads the page at from, nil for the first. A Position may be kept and used after a restart; when the API knows
// it no more, the error is a *channeltalk.Error, and the walk is to begin anew.
func (b *Backlog) Read(ctx context.Context, from Position) (BacklogPage, error) {
	w := walk{States: len(backlogLists)}
	if from != nil {
		if err := json.Unmarshal(from, &w); err != nil || w.State < 0 || w.State >= len(backlogLists) {
			return BacklogPage{}, fmt.Errorf("decode position in old chats: %q", from)
		}
	}
	list := b.list(w.State)
	page, err := b.reader.api.UserChats(ctx, channeltalk.Query{State: list.state, SortOrder: list.order, Since: w.Since, Limit: pageLimit})
	if err != nil {
		return BacklogPage{}, err
	}
	out := BacklogPage{Chats: len(page.UserChats)}
	rows := chatRows(page)
	if err := b.look(&out, page, rows); err != nil {
		return out, err
	}
	last := w.repeated(rows) || page.Next == "" || page.Next == w.Since || len(rows) == 0 || list.top || b.farEnough(list, rows)
	if !last {
		w.Page, w.Since = w.Page+1, page.Next
	} else if !w.nextState() {
		return out, nil
	}
	out.Next = encode(w)
	return out, nil
}

// list returns the i-th list to read. Where old closed chats need not be read, closed ones are read newest first.
func (b *Backlog) list(i int) backlogList {
	l := backlogLists[i]
	if !b.bounded.IsZero() && l.state == stateClosed {
		l.order = "desc"
	}
	return l
}

// farEnough reports whether no chat below these can matter.
func (b *Backlog) farEnough(l backlogList, rows []chatRow) bool {
	return !b.bounded.IsZero() && l.state == stateClosed && !slices.ContainsFunc(rows, func(c chatRow) bool {
		return c.ClosedAt.IsZero() || !c.ClosedAt.Before(b.bounded)
	})
}

// look adds the openings of rows to out.
func (b *Backlog) look(out *BacklogPage, page *channeltalk.ChatPage, rows []chatRow) error {
	for i := range rows {
		c := &rows[i]
		var known chatSnapshot
		seen, err := readSnapshot(b.view, talkrelay.Ref{Type: talkrelay.EntityChat, ID: c.ID}, &known)
		if err != nil {
			return err
		}
		if !seen {
			out.Left = append(out.Left, firstOpening(c.Chat))
			continue
		}
		list, all := b.reader.rules.openings(&known, c)
		if !all {
			out.Left = append(out.Left, firstOpening(c.Chat))
		}
		for _, o := range list {
			o.page = page
			out.Openings = append(out.Openings, o)
		}
	}
	slices.SortStableFunc(out.Openings, func(x, y Opening) int { return x.At.Compare(y.At) })
	return nil
}

// pacedAPI makes every request wait for its turn in a budget.
type pacedAPI struct {
	API
	pace *rate.Limiter
}

func (a pacedAPI) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	if err := a.pace.Wait(ctx); err != nil {
		return nil, err
	}
	return a.API.UserChats(ctx, q)
}

func (a pacedAPI) User(ctx context.Context, id string) (*channeltalk.User, error) {
	if err := a.pace.Wait(ctx); err != nil {
		return nil, err
	}
	return a.API.User(ctx, id)
}

func (a pacedAPI) Messages(ctx context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	if err := a.pace.Wait(ctx); err != nil {
		return nil, err
	}
	return a.API.Messages(ctx, chatID, q)
}

func (a pacedAPI) Managers(ctx context.Context, since string, limit int) (*channeltalk.ManagerPage, error) {
	if err := a.pace.Wait(ctx); err != nil {
		return nil, err
	}
	return a.API.Managers(ctx, since, limit)
}

// RetryAfter returns how long to wait before a request that failed n times in a row is made again, 0 if there is no use in it.
func RetryAfter(err error, n int) time.Duration {
	switch channeltalk.KindOf(err) {
	case channeltalk.Throttled, channeltalk.Server, channeltalk.Unreachable, channeltalk.NotJSON:
		return max(backoff(n), retryAfter(err))
	}
	return 0
}
