package poller

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"talkrelay"
)

// userSnapshot is what is remembered of a customer. There can be a million of them, so the names are short and what
// changes with every visit is not here. Its JSON form is in the state file: fields are added, never renamed or reused.
type userSnapshot struct {
	Email    string `json:"e,omitempty"`
	Mobile   string `json:"m,omitempty"`
	Landline string `json:"l,omitempty"`
	Member   bool   `json:"k,omitempty"`
	Updated  int64  `json:"u,omitempty"` // updatedAt of the reply stored last, Unix milliseconds
	Changes  int    `json:"n,omitempty"` // contact changes seen so far
	Chat     string `json:"c,omitempty"` // the latest chat that was opened, as far as that was seen
	Day      int    `json:"d,omitempty"` // day of the last activity, in days since 1970, up to activeStep days behind
	Unread   bool   `json:"p,omitempty"` // a new chat names the user, but the user itself could not be read yet
	Name     string `json:"a,omitempty"` // when last stored: a new name alone is not worth a write
	Flags    flags  `json:"f,omitempty"` // what the customer does not want to be sent
	Gone     int64  `json:"g,omitempty"` // when there was first no such user, Unix milliseconds by our clock; 0 = there is
}

// activeStep is by how many days the last activity must have moved for a snapshot to be written just for that.
const activeStep = 7

func (s userSnapshot) contact() talkrelay.Contact {
	return talkrelay.Contact{Email: s.Email, MobileNumber: s.Mobile, LandlineNumber: s.Landline}
}

// sighting is how a user came into view.
type sighting struct {
	active   time.Time // last activity the API tells of; zero = unknown
	chat     string    // a chat of theirs that has just been opened; "" = none
	latest   string    // their latest chat in view; "" = none
	announce bool      // a first sight is an event: the user came with a new inquiry
	flags    bool      // somebody asks for changes of subscriptions
}

// userChange is what one look at a user means.
type userChange struct {
	snap   userSnapshot
	store  bool             // snap differs from what is stored
	change talkrelay.Change // of contact fields; "" = no event
	old    talkrelay.Contact

	resubscribed bool // other subscriptions …
	oldFlags     flags
}

// compareUser compares u with prev (nil = never seen).
//
// An object that is older than the stored one (by updatedAt) changes nothing. Nor does one in which every contact field
// has vanished together with the profile, unless its updatedAt has moved on: Channel Talk leaves out empty fields, so a
// shortened object and a customer without contact look alike, and taking one for the other would erase what is known.
func compareUser(prev *userSnapshot, u userRow, s sighting) userChange {
	if prev == nil || prev.Unread {
		return firstSight(prev, u, s)
	}
	c := userChange{snap: *prev}
	if day := epochDay(s.active); day >= prev.Day+activeStep {
		c.snap.Day, c.store = day, true
	}
	if s.chat != "" && s.chat != prev.Chat {
		c.snap.Chat, c.store = s.chat, true
	}
	if prev.Gone != 0 {
		c.snap.Gone, c.store = 0, true
	}
	updated := millis(u.updatedAt)
	if updated != 0 && updated < prev.Updated {
		return c
	}
	was, now := prev.contact(), u.Contact
	shortened := now == (talkrelay.Contact{}) && !u.hasProfile && updated <= prev.Updated
	if !shortened {
		c.compareFlags(prev, u, s.flags)
	}
	switch {
	case was != now && shortened:
		return c
	case was != now:
		c.store, c.change, c.old = true, talkrelay.Updated, was
	case u.Member != prev.Member:
		c.store = true
	}
	if c.change != "" || c.resubscribed {
		c.snap.Changes++
	}
	if c.store {
		c.snap.set(u)
	}
	return c
}

func firstSight(prev *userSnapshot, u userRow, s sighting) userChange {
	c := userChange{store: true}
	c.snap.set(u)
	c.snap.Flags = c.snap.Flags.next(u)
	c.snap.Chat, c.snap.Day = cmp.Or(s.chat, s.latest), epochDay(s.active)
	announce := s.announce
	if prev != nil {
		announce = true
		if s.chat == "" {
			c.snap.Chat = cmp.Or(prev.Chat, s.latest)
		}
	}
	if announce && u.Contact != (talkrelay.Contact{}) {
		c.change = talkrelay.Created
	}
	return c
}

func (s *userSnapshot) set(u userRow) {
	s.Email, s.Mobile, s.Landline = u.Email, u.MobileNumber, u.LandlineNumber
	s.Member, s.Name = u.Member, u.Name
	s.Updated = max(s.Updated, millis(u.updatedAt))
}

// contactKind is the kind of event a contact change of u is. Anonymous visitors have a memberId too, so that says nothing.
func contactKind(u talkrelay.User) talkrelay.Kind {
	if u.Member {
		return talkrelay.MemberContact
	}
	return talkrelay.LeadContact
}

func subscriptionKind(u talkrelay.User) talkrelay.Kind {
	if u.Member {
		return talkrelay.MemberSubscription
	}
	return talkrelay.LeadSubscription
}

func deletedKind(member bool) talkrelay.Kind {
	if member {
		return talkrelay.MemberDeleted
	}
	return talkrelay.LeadDeleted
}

// contactEventID names the change that led to c. The counter tells A → B → A → B apart, and the same change found again
// from the same snapshot has the same name. Only four digits of the hash are used: event ids stand in logs, and a
// longer hash of a phone number is as good as the number.
func contactEventID(kind talkrelay.Kind, userID string, c talkrelay.Contact, changes int) string {
	sum := sha256.Sum256([]byte(userID + "\x00" + c.Email + "\x00" + c.MobileNumber + "\x00" + c.LandlineNumber))
	return fmt.Sprintf("%s/%s/%s-%d", kind, userID, hex.EncodeToString(sum[:2]), changes)
}

// epochDay returns the days from 1970 to t, 0 for the zero time.
func epochDay(t time.Time) int { return int(millis(t) / (24 * time.Hour).Milliseconds()) }

// ContactOf returns the contact fields in a customer's snapshot, and whether it is one.
func ContactOf(snapshot []byte) (talkrelay.Contact, bool) {
	var s userSnapshot
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return talkrelay.Contact{}, false
	}
	return s.contact(), true
}
