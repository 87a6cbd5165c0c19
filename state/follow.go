package state

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Names of the buckets below follow/<sink>.
const (
	followChats = "chat"
	followUsers = "user"
)

// maxPosts is how many messages about one chat are kept true: those about its latest openings.
const maxPosts = 50

// followRecord is what is known of a chat that a sink follows.
type followRecord struct {
	Latest  talkrelay.Event `json:"latest"` // see talkrelay.Edit
	Version uint64          `json:"version"`
	Posts   []postRecord    `json:"posts,omitempty"`
	Due     time.Time       `json:"due,omitzero"`    // when a post is to be changed, to the millisecond; zero = all are true
	Edited  time.Time       `json:"edited,omitzero"` // when a post was made or changed last
	Kept    bool            `json:"kept,omitempty"`  // the sink has a row of the chat, see talkrelay.Commit.Keepers
}

// postRecord is a message about an opening of the chat.
type postRecord struct {
	Event   string `json:"event"`
	Route   string `json:"route,omitempty"`
	Receipt string `json:"receipt"`
	Shown   string `json:"shown,omitempty"`
	Stale   bool   `json:"stale,omitempty"` // it shows the chat as it was before
}

// followAll tells the followers in c of the events that are new. A sink follows a chat from the first event about it that
// is to be delivered there. It returns what is to be delivered to keepers beside c.Deliveries: the rest of what is new about
// the chats that they follow.
func followAll(tx *bolt.Tx, c *talkrelay.Commit, fresh map[string]*freshEvent, now time.Time) (refreshes []talkrelay.Delivery, err error) {
	for _, sink := range c.Followers {
		goes, keeps := map[string]bool{}, slices.Contains(c.Keepers, sink)
		for _, d := range c.Deliveries {
			goes[d.EventID] = goes[d.EventID] || d.Sink == sink
		}
		for i := range c.Events {
			e := &c.Events[i]
			if fresh[e.ID] == nil || fresh[e.ID].event != e {
				continue
			}
			begins := goes[e.ID] && e.Chat.ID != "" && !e.Kind.UserEvent()
			news, err := follow(tx, sink, e, begins, keeps, now)
			if err != nil {
				return nil, fmt.Errorf("follow the chat of event %s: %w", e.ID, err)
			}
			if keeps && news && !goes[e.ID] {
				refreshes = append(refreshes, talkrelay.Delivery{EventID: e.ID, Sink: sink})
			}
		}
	}
	return refreshes, nil
}

// follow notes what e tells of its chat, if the sink follows that, or does from e on. It reports whether the sink does and
// the chat may be otherwise than was known.
func follow(tx *bolt.Tx, sink string, e *talkrelay.Event, begins, keeps bool, now time.Time) (news bool, err error) {
	key := chatOf(tx, sink, e)
	r, ok := loadFollow(tx, sink, key)
	if !ok {
		if !begins {
			return false, nil
		}
		r = &followRecord{}
	}
	r.Kept = keeps
	if news = r.learn(e); news {
		for i := range r.Posts {
			r.Posts[i].Stale = true
		}
	}
	if begins && e.User.ID != "" {
		users, err := makeSub(tx, bucketFollow, sink, followUsers)
		if err != nil {
			return news, err
		}
		if err := users.Put([]byte(ofChannel(e.Channel, e.User.ID)), []byte(key)); err != nil {
			return news, err
		}
	}
	return news, r.save(tx, sink, key, now)
}

// learn takes from e what is newer than what is known, and reports whether that may be anything. Only an event about the
// chat itself knows how the chat is. One about a message shows it as some list did before: whatever is new of that has an
// event of its own.
func (r *followRecord) learn(e *talkrelay.Event) (news bool) {
	switch known := r.Latest.Chat.ID != ""; {
	case known && e.Kind.MessageEvent():
		r.Latest.Seen = e.Seen
		return false
	case known && r.bare() && e.Kind.UserEvent(): // the rest of the chat is not known any more
		return false
	}
	r.Version++
	l := &r.Latest
	l.ID, l.Kind, l.Channel, l.At, l.Seen, l.User = e.ID, e.Kind, e.Channel, e.At, e.Seen, e.User
	if e.Chat.ID != "" && !e.Kind.UserEvent() {
		l.Chat, l.Assignee, l.Team = e.Chat, e.Assignee, e.Team
	}
	return true
}

// chatOf returns the key of the chat that e is about: its own, else the one that its customer had last. "" = none.
func chatOf(tx *bolt.Tx, sink string, e *talkrelay.Event) string {
	if e.Chat.ID != "" {
		return ofChannel(e.Channel, e.Chat.ID)
	}
	return string(get(sub(tx, bucketFollow, sink, followUsers), ofChannel(e.Channel, e.User.ID)))
}

func ofChannel(channel, id string) string { return channel + "\x00" + id }

// loadFollow returns what is known of a followed chat. A damaged record is as good as none: a message stays as it is.
func loadFollow(tx *bolt.Tx, sink, key string) (*followRecord, bool) {
	r, err := decode[followRecord](get(sub(tx, bucketFollow, sink, followChats), key))
	return &r, err == nil
}

// save stores r with its next edit.
func (r *followRecord) save(tx *bolt.Tx, sink, key string, now time.Time) error {
	return r.put(tx, sink, key, r.due(now))
}

// due returns when a message about the chat is to be changed: when EditPace has passed since the last time. What is due
// already stays so, however often the chat changes.
func (r *followRecord) due(now time.Time) time.Time {
	if !slices.ContainsFunc(r.Posts, func(p postRecord) bool { return p.Stale }) {
		return time.Time{}
	}
	due := r.Edited.Add(talkrelay.EditPace)
	switch limit := now.Add(talkrelay.EditPace); {
	case !r.Due.Before(due.Truncate(time.Millisecond)) && r.Due.Before(now.Add(maxPostponed)):
		return r.Due
	case due.After(limit): // the clock was set back
		return limit
	case due.Before(now):
		return now
	}
	return due
}

// put stores r, to be edited at due; zero = not at all.
func (r *followRecord) put(tx *bolt.Tx, sink, key string, due time.Time) error {
	due = due.Truncate(time.Millisecond)
	if err := moveDue(tx, sink, key, r.Due, due); err != nil {
		return err
	}
	r.Due = due
	b, err := makeSub(tx, bucketFollow, sink, followChats)
	if err != nil {
		return err
	}
	return putJSON(b, []byte(key), r)
}

// moveDue moves a chat in the list of what is to be edited. A zero time stands for not being in it.
func moveDue(tx *bolt.Tx, sink, key string, from, to time.Time) error {
	if from.Equal(to) {
		return nil
	}
	b, err := makeSub(tx, bucketEdit, sink)
	if err != nil {
		return err
	}
	if !from.IsZero() {
		if err := b.Delete(recheckKey(from, key)); err != nil {
			return err
		}
	}
	if to.IsZero() {
		return nil
	}
	return b.Put(recheckKey(to, key), []byte{})
}

// notePost notes the message that ends s as one about its chat, if the chat is followed. One that tells of several events
// is about no chat.
func notePost(tx *bolt.Tx, sink string, s *talkrelay.Shipment, o talkrelay.Outcome) error {
	if o.Dead != "" || o.Receipt == "" || len(s.Seqs) != 1 || sub(tx, bucketFollow, sink) == nil {
		return nil
	}
	row, e, _, err := readDelivery(tx, get(sub(tx, bucketOutbox, sink), string(seqKey(s.Seqs[0]))))
	if err != nil || e.Kind != talkrelay.UserChatOpened {
		return nil // what cannot be read is settled all the same
	}
	key := chatOf(tx, sink, &e)
	r, ok := loadFollow(tx, sink, key)
	if !ok {
		return nil
	}
	r.Posts = append(r.Posts, postRecord{Event: e.ID, Route: row.Route, Receipt: o.Receipt, Stale: r.Latest.ID != e.ID})
	r.Posts = r.Posts[max(0, len(r.Posts)-maxPosts):]
	r.Edited = o.At
	return r.save(tx, sink, key, o.At)
}

// present returns how the chat of e is, nil if it is not followed, and the receipt of the newest message about it: "" if
// there is none or e makes one itself.
func present(tx *bolt.Tx, sink string, e *talkrelay.Event) (thread string, latest *talkrelay.Event) {
	if sub(tx, bucketFollow, sink) == nil {
		return "", nil
	}
	r, ok := loadFollow(tx, sink, chatOf(tx, sink, e))
	if !ok || r.bare() {
		return "", nil
	}
	if len(r.Posts) > 0 && e.Kind != talkrelay.UserChatOpened {
		thread = r.Posts[len(r.Posts)-1].Receipt
	}
	return thread, &r.Latest
}

// bare reports whether it is only known that the sink has a row of the chat.
func (r *followRecord) bare() bool { return r.Latest.ID == "" }

// strip returns what stays of r when the customer's data is to go: that there is a row, if the chat may yet become
// otherwise by itself. ok = something stays.
func (r *followRecord) strip() (bare followRecord, ok bool) {
	l := &r.Latest
	bare = followRecord{Kept: true, Version: r.Version, Latest: talkrelay.Event{Channel: l.Channel, Chat: talkrelay.Chat{ID: l.Chat.ID}}}
	return bare, r.Kept && l.Chat.State != "closed"
}

// eraseFollowed erases the followed chats whose latest event match is true for. Their messages stay as they are. With
// rows, it goes on being known which chats have one and are not closed.
func (db *DB) eraseFollowed(match func(*talkrelay.Event) bool, rows bool) error {
	type found struct{ sink, key string }
	var old []found
	err := db.view(func(tx *bolt.Tx) error {
		return eachFollowed(tx, func(sink, key string, r *followRecord) {
			if !r.bare() && match(&r.Latest) {
				old = append(old, found{sink, key})
			}
		})
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return db.update(db.maxWithSpare(), func(tx *bolt.Tx) error {
		for _, f := range old {
			r, ok := loadFollow(tx, f.sink, f.key)
			if !ok || !match(&r.Latest) {
				continue
			}
			if err := unfollow(tx, f.sink, f.key, r); err != nil {
				return err
			}
			if bare, ok := r.strip(); ok && rows {
				if err := bare.put(tx, f.sink, f.key, time.Time{}); err != nil {
					return err
				}
			}
		}
		return markResidue(tx)
	})
}

func eachFollowed(tx *bolt.Tx, f func(sink, key string, r *followRecord)) error {
	top := tx.Bucket(bucketFollow)
	if top == nil {
		return nil
	}
	return top.ForEachBucket(func(sink []byte) error {
		chats := top.Bucket(sink).Bucket([]byte(followChats))
		if chats == nil {
			return nil
		}
		return chats.ForEach(func(k, v []byte) error {
			if r, err := decode[followRecord](v); err == nil {
				f(string(sink), string(k), &r)
			}
			return nil
		})
	})
}

// unfollow removes all that is known of a followed chat.
func unfollow(tx *bolt.Tx, sink, key string, r *followRecord) error {
	if err := moveDue(tx, sink, key, r.Due, time.Time{}); err != nil {
		return err
	}
	user := []byte(ofChannel(r.Latest.Channel, r.Latest.User.ID))
	if users := sub(tx, bucketFollow, sink, followUsers); users != nil && bytes.Equal(users.Get(user), []byte(key)) {
		if err := users.Delete(user); err != nil {
			return err
		}
	}
	return sub(tx, bucketFollow, sink, followChats).Delete([]byte(key))
}
