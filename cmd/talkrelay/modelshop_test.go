package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// modelShop is a Channel Talk in memory that outlives the daemons which ask it. Its lists have the order that a test
// gives them, and it knows which openings must be told.
type modelShop struct {
	mu       sync.Mutex
	last     int64 // the time given out last, Unix milliseconds
	chats    []*modelChat
	users    []*modelUser
	listings map[string][]*modelChat
	asked    int
	drift    time.Duration // of its clock from ours

	shuffle uint64 // seed of the lists' order; 0 = newest first
	overlap int    // rows of a page that come again on the next one
	forgets bool   // closedAt is cleared when a chat is opened again
	faults  []error
	empty   int // so many lists are empty
	slow    int // so many answers take slowAnswer
}

const (
	modelPage  = 7 // rows of a page
	slowAnswer = 20 * time.Second
)

type modelChat struct {
	channeltalk.UserChat
	openings []modelOpening
	log      []channeltalk.Message // latest first
}

// modelOpening is one opening, with the times under which it may be told: one of them, once.
type modelOpening struct {
	at    []int64
	maybe bool // the next one came before anybody could have looked
}

// modelUser is a customer with every number they ever had, the first as known at the first sight.
type modelUser struct {
	channeltalk.User
	numbers []string
}

func newModelShop(users, chats int) *modelShop {
	s := &modelShop{listings: map[string][]*modelChat{}}
	for range users {
		u := &modelUser{User: channeltalk.User{ID: fmt.Sprintf("u%d", len(s.users)), Type: "lead", Name: "고객", Raw: json.RawMessage(`{}`)}}
		s.users = append(s.users, u)
		s.renumber(u)
	}
	for i := range chats {
		c := s.open(i, i%3 == 0)
		c.openings[0].at, c.openings[0].maybe = nil, true // these are there from the start and are never told
	}
	return s
}

// now is a time that no other call has returned.
func (s *modelShop) now() time.Time {
	s.last = max(s.last+1, time.Now().Add(s.drift).UnixMilli())
	return time.UnixMilli(s.last).UTC()
}

func (s *modelShop) renumber(u *modelUser) {
	u.UpdatedAt = s.now()
	u.MobileNumber = fmt.Sprintf("+8210%08d", s.last%100_000_000)
	u.numbers = append(u.numbers, u.MobileNumber)
}

// open adds a chat of a user, opened or in the queue.
func (s *modelShop) open(user int, queued bool) *modelChat {
	c := &modelChat{UserChat: channeltalk.UserChat{ID: fmt.Sprintf("c%d", len(s.chats)), ChannelID: "7", UserID: s.users[user%len(s.users)].ID, Raw: json.RawMessage(`{}`)}}
	c.CreatedAt = s.now()
	s.chats = append(s.chats, c)
	s.enter(c, queued)
	return c
}

// enter makes a chat opened or queued, which is an opening.
func (s *modelShop) enter(c *modelChat, queued bool) {
	at := s.now()
	if s.forgets {
		c.ClosedAt = time.Time{}
	}
	if queued {
		c.State, c.QueuedAt = sandboxQueued, at
		c.FirstQueuedAt = cmp.Or(c.FirstQueuedAt, at)
	} else {
		c.State, c.OpenedAt = sandboxOpened, at
		c.FirstOpenedAt = cmp.Or(c.FirstOpenedAt, at)
	}
	c.openings = append(c.openings, modelOpening{at: []int64{at.UnixMilli()}})
}

func (s *modelShop) close(c *modelChat) {
	c.State, c.ClosedAt = sandboxClosed, s.now()
	m := channeltalk.Message{ID: fmt.Sprintf("m%d", s.last), ChatID: c.ID, PersonType: "manager", LogAction: "close", CreatedAt: c.ClosedAt}
	c.log = slices.Insert(c.log, 0, m)
}

// States of a chat, as Channel Talk spells them.
const (
	sandboxOpened  = "opened"
	sandboxQueued  = "queued"
	sandboxSnoozed = "snoozed"
	sandboxClosed  = "closed"
)

// answer takes a chat out of the queue, which is the same inquiry.
func (s *modelShop) answer(c *modelChat) {
	at := s.now()
	c.State, c.OpenedAt = sandboxOpened, at
	c.FirstOpenedAt = cmp.Or(c.FirstOpenedAt, at)
	if o := &c.openings[len(c.openings)-1]; len(o.at) > 0 {
		o.at = append(o.at, at.UnixMilli())
	}
}

// wake ends a snooze. Whether that is an opening depends on whether anybody saw the snooze, or the chat before it.
func (s *modelShop) wake(c *modelChat) {
	at := s.now()
	c.State, c.OpenedAt = sandboxOpened, at
	c.openings[len(c.openings)-1].maybe = true
	c.openings = append(c.openings, modelOpening{at: []int64{at.UnixMilli()}, maybe: true})
}

func (s *modelShop) ask(ctx context.Context) error {
	s.mu.Lock()
	s.asked++
	slow, fault := s.slow > 0, error(nil)
	if slow {
		s.slow--
	}
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if slow {
		wait := time.NewTimer(slowAnswer)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fault
}

func (s *modelShop) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := &channeltalk.ChatPage{ServerTime: time.Now().Add(s.drift)}
	if s.empty > 0 {
		s.empty--
		return page, nil
	}
	key, offset, _ := strings.Cut(q.Since, ":")
	at, _ := strconv.Atoi(offset)
	if key == "" {
		key = strconv.Itoa(len(s.listings))
		s.listings[key] = s.list(q.State)
	}
	list := s.listings[key]
	end := min(at+modelPage, len(list))
	for _, c := range list[at:end] {
		if c.State != q.State {
			continue // it has left the list since the first page
		}
		page.UserChats = append(page.UserChats, c.UserChat)
		if u := s.user(c.UserID); !slices.ContainsFunc(page.Users, func(o channeltalk.User) bool { return o.ID == u.ID }) {
			page.Users = append(page.Users, u.User)
		}
	}
	if end < len(list) {
		page.Next = fmt.Sprintf("%s:%d", key, end-s.overlap)
	} else {
		delete(s.listings, key)
	}
	return page, nil
}

func (s *modelShop) list(state string) []*modelChat {
	var list []*modelChat
	for _, c := range s.chats {
		if c.State == state {
			list = append(list, c)
		}
	}
	if s.shuffle != 0 {
		s.shuffle++
		rand.New(rand.NewPCG(s.shuffle, 0)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	}
	came := func(c *modelChat) int64 {
		return max(c.OpenedAt.UnixMilli(), c.QueuedAt.UnixMilli(), c.ClosedAt.UnixMilli())
	}
	slices.SortStableFunc(list, func(a, b *modelChat) int { return cmp.Compare(came(b), came(a)) })
	return list
}

func (s *modelShop) user(id string) *modelUser {
	i, _ := strconv.Atoi(id[1:])
	return s.users[i]
}

func (s *modelShop) UserChat(ctx context.Context, id string) (*channeltalk.UserChat, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := strconv.Atoi(id[1:])
	c := s.chats[i].UserChat
	return &c, nil
}

func (s *modelShop) User(ctx context.Context, id string) (*channeltalk.User, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(id).User
	return &u, nil
}

func (s *modelShop) Messages(ctx context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	if err := s.ask(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := strconv.Atoi(chatID[1:])
	at, _ := strconv.Atoi(q.Since)
	log := s.chats[i].log
	end := min(at+modelPage, len(log))
	page := &channeltalk.MessagePage{Messages: slices.Clone(log[at:end])}
	if end < len(log) {
		page.Next = strconv.Itoa(end)
	}
	return page, nil
}

// Groups and GroupMessages are no part of the model: there is no team chat.
func (s *modelShop) Groups(context.Context, string, int) (*channeltalk.GroupPage, error) {
	return &channeltalk.GroupPage{}, nil
}

func (s *modelShop) GroupMessages(context.Context, string, channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	return nil, &channeltalk.Error{Op: "read messages of a team chat", Kind: channeltalk.Gone, Status: 404}
}

func (s *modelShop) Managers(ctx context.Context, _ string, _ int) (*channeltalk.ManagerPage, error) {
	return &channeltalk.ManagerPage{}, s.ask(ctx)
}

// missing compares what was told with what had to be: every opening once, under one of its times, and nothing else.
func (s *modelShop) missing(told map[string]int) error {
	left := len(told)
	for _, c := range s.chats {
		for _, o := range c.openings {
			n := 0
			for _, at := range o.at {
				if times, ok := told[openingID(c.ID, at)]; ok {
					n, left = n+times, left-1
				}
			}
			if n > 1 || n == 0 && !o.maybe {
				return fmt.Errorf("chat %s, opened at %v, is told %d times", c.ID, o.at, n)
			}
		}
	}
	if left > 0 {
		return fmt.Errorf("%d openings are told that never were", left)
	}
	return nil
}

func openingID(chat string, at int64) string {
	return fmt.Sprintf("%s/%s/%d", talkrelay.UserChatOpened, chat, at)
}

// changed compares the contact changes told of a customer, in order, with the numbers they had: each begins where the one
// before ended, none goes back, and the last one ends at the number they have now.
func (u *modelUser) changed(told []talkrelay.Event) error {
	at := -1
	for _, e := range told {
		from, to := slices.Index(u.numbers, e.Old.MobileNumber), slices.Index(u.numbers, e.User.MobileNumber)
		if from < 0 || to <= from || at >= 0 && from != at {
			return fmt.Errorf("customer %s: after number %d a change from number %d to %d is told", u.ID, at, from, to)
		}
		at = to
	}
	if at >= 0 && at != len(u.numbers)-1 {
		return fmt.Errorf("customer %s: the last change told is to number %d of %d", u.ID, at, len(u.numbers))
	}
	return nil
}
