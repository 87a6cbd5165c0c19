package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// people are those of the team whose place in Slack is known, by a mark of their e-mail address: the address itself is not
// kept. Edits are made by another goroutine.
type people struct {
	health *talkrelay.Health

	mu    sync.Mutex
	ids   map[string]string    // Slack's user id
	again map[string]time.Time // who was not found, and when to ask again
	quiet time.Time            // nobody is asked for before
}

const (
	lookUpTime   = 3 * time.Second // an alert waits no longer for a mention
	unknownFor   = time.Hour
	lookUpPause  = time.Minute // after a failure
	withoutScope = time.Hour
	maxPeople    = 1000
)

// recallPeople returns those that were found before.
func (s *Sink) recallPeople() *people {
	p := &people{
		health: talkrelay.NewHealth(s.log, "assignees not mentioned", "assignees mentioned again"),
		ids:    map[string]string{}, again: map[string]time.Time{},
	}
	if !s.cfg.MentionAssignee {
		return p
	}
	for mark, id := range s.remembered().People {
		if userID.MatchString(id) {
			p.ids[mark] = id
		}
	}
	return p
}

// mention returns what calls the one with the address, "" if that is not known. It is made of nothing but Slack's own id.
func (p *people) mention(email string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := p.ids[markOf(email)]; id != "" {
		return "<@" + id + ">"
	}
	return ""
}

func markOf(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
	return hex.EncodeToString(sum[:12])
}

// unknown reports whether the one with the mark is to be asked for now.
func (p *people) unknown(mark string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[mark] == "" && !now.Before(p.again[mark]) && !now.Before(p.quiet)
}

// Scout looks up whom the next message is to call. It is asked once for each person.
func (s *Sink) Scout(ctx context.Context, items []sink.Item) {
	if !s.cfg.MentionAssignee || len(items) == 0 || s.held(items) > 0 {
		return
	}
	email := strings.TrimSpace(items[0].Event.Assignee.Email)
	if mark := markOf(email); email != "" && s.people.unknown(mark, time.Now()) {
		s.lookUpPerson(ctx, email, mark)
	}
}

func (s *Sink) lookUpPerson(ctx context.Context, email, mark string) {
	ctx, cancel := context.WithTimeout(ctx, min(lookUpTime, s.cfg.Timeout))
	defer cancel()
	o := s.ws.call(ctx, "users.lookupByEmail", []byte(url.Values{"email": {email}}.Encode()))
	var found struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	p, now := s.people, time.Now()
	switch {
	case o.class == applied && json.Unmarshal(o.body, &found) == nil && userID.MatchString(found.User.ID):
		p.mu.Lock()
		if len(p.ids) >= maxPeople {
			clear(p.ids)
		}
		p.ids[mark] = found.User.ID
		p.mu.Unlock()
		s.remember(func(r *remembered) {
			if r.People == nil || len(r.People) >= maxPeople {
				r.People = map[string]string{}
			}
			r.People[mark] = found.User.ID
		})
	case o.class == applied, o.code == "users_not_found":
		p.mu.Lock()
		if len(p.again) >= maxPeople {
			clear(p.again)
		}
		p.again[mark] = now.Add(unknownFor)
		p.mu.Unlock()
	case o.code == "missing_scope":
		p.rest(now.Add(withoutScope))
		p.health.Broken(errors.New("look up a person by e-mail: missing_scope: add users:read and users:read.email to the app and install it again, or set mention_assignee = false"))
		return
	default:
		p.rest(now.Add(max(lookUpPause, o.after)))
		p.health.Broken(errors.New("look up a person by e-mail: " + o.what))
		return
	}
	p.health.OK()
}

// rest asks for nobody until then.
func (p *people) rest(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = until
}
