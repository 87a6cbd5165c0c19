package poller

import (
	"strings"
	"testing"
	"time"

	"talkrelay"
)

func TestCompareUser(t *testing.T) {
	t.Parallel()
	user := func(phone string, updated int64, change func(*userRow)) userRow {
		u := userRow{
			User:      talkrelay.User{ID: "u", Contact: talkrelay.Contact{MobileNumber: phone}},
			updatedAt: at(updated), hasProfile: true,
		}
		if change != nil {
			change(&u)
		}
		return u
	}
	known := func(phone string, updated int64) *userSnapshot {
		return &userSnapshot{Mobile: phone, Updated: ms(updated), Changes: 2, Day: epochDay(at(1)), Chat: "c1"}
	}
	now := sighting{active: at(1)}
	tests := []struct {
		name     string
		prev     *userSnapshot
		user     userRow
		sighting sighting
		change   talkrelay.Change
		store    bool
		phone    string // in the snapshot after it
	}{
		{"new with an inquiry", nil, user("010", 5, nil), sighting{announce: true, chat: "c"}, talkrelay.Created, true, "010"},
		{"new with an inquiry, no contact", nil, user("", 5, nil), sighting{announce: true}, "", true, ""},
		{"new in the baseline", nil, user("010", 5, nil), now, "", true, "010"},
		{"unread till now", &userSnapshot{Unread: true, Chat: "c"}, user("010", 5, nil), now, talkrelay.Created, true, "010"},
		{"unread till now, no contact", &userSnapshot{Unread: true}, user("", 5, nil), now, "", true, ""},
		{"unchanged", known("010", 5), user("010", 5, nil), now, "", false, "010"},
		{"unchanged, just visited", known("010", 5), user("010", 50, nil), now, "", false, "010"},
		{"changed", known("010", 5), user("011", 6, nil), now, talkrelay.Updated, true, "011"},
		{"changed, updatedAt unknown", known("010", 5), user("011", 0, nil), now, talkrelay.Updated, true, "011"},
		{"changed within a millisecond", known("010", 5), user("011", 5, nil), now, talkrelay.Updated, true, "011"},
		{"first contact", known("", 5), user("010", 6, nil), now, talkrelay.Updated, true, "010"},
		{"old reply", known("010", 5), user("009", 4, nil), now, "", false, "010"},
		{"removed", known("010", 5), user("", 6, nil), now, talkrelay.Updated, true, ""},
		{"removed, profile empty too", known("010", 5), user("", 6, func(u *userRow) { u.hasProfile = false }), now, talkrelay.Updated, true, ""},
		{"shortened object", known("010", 5), user("", 0, func(u *userRow) { u.hasProfile = false }), now, "", false, "010"},
		{"shortened object of the same time", known("010", 5), user("", 5, func(u *userRow) { u.hasProfile = false }), now, "", false, "010"},
		{"became a member", known("010", 5), user("010", 6, func(u *userRow) { u.Member = true }), now, "", true, "010"},
		{"another chat", known("010", 5), user("010", 5, nil), sighting{active: at(1), chat: "c2"}, "", true, "010"},
		{"active six days later", known("010", 5), user("010", 5, nil), sighting{active: at(1).AddDate(0, 0, 6)}, "", false, "010"},
		{"active seven days later", known("010", 5), user("010", 5, nil), sighting{active: at(1).AddDate(0, 0, 7)}, "", true, "010"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := compareUser(tt.prev, tt.user, tt.sighting)
			if c.change != tt.change || c.store != tt.store || c.snap.Mobile != tt.phone {
				t.Fatalf("change %q, store %v, phone %q; want %q, %v, %q", c.change, c.store, c.snap.Mobile, tt.change, tt.store, tt.phone)
			}
			if tt.change == talkrelay.Updated && (c.old != tt.prev.contact() || c.snap.Changes != tt.prev.Changes+1) {
				t.Errorf("old %+v, changes %d", c.old, c.snap.Changes)
			}
			if c.snap.Unread {
				t.Error("still unread")
			}
			if again := compareUser(&c.snap, tt.user, tt.sighting); again.change != "" || again.store {
				t.Errorf("the same reply changes %q, store %v", again.change, again.store)
			}
		})
	}
}

func TestContactEventID(t *testing.T) {
	t.Parallel()
	a, b := talkrelay.Contact{MobileNumber: "+821011112222"}, talkrelay.Contact{MobileNumber: "+821033334444"}
	ids := map[string]bool{}
	for n, c := range []talkrelay.Contact{a, b, a, b} {
		ids[contactEventID(talkrelay.LeadContact, "u", c, n)] = true
	}
	if len(ids) != 4 {
		t.Errorf("A, B, A, B are %d events: %v", len(ids), ids)
	}
	if again := a; contactEventID(talkrelay.LeadContact, "u", again, 0) != contactEventID(talkrelay.LeadContact, "u", a, 0) {
		t.Error("the same change has two ids")
	}
	if id := contactEventID(talkrelay.LeadContact, "u", a, 0); !strings.HasPrefix(id, "lead.upserted.contact/u/") || strings.Contains(id, "1111") {
		t.Errorf("id = %q", id)
	}
}

func TestSnapshotSize(t *testing.T) {
	t.Parallel()
	s := userSnapshot{
		Email: "gildong.hong@example.co.kr", Mobile: "+821012345678", Updated: time.Now().UnixMilli(), Changes: 1,
		Chat: "6641c0ffee6641c0ffee6641", Day: 20_500,
	}
	if n := len(encode(s)); n > 140 {
		t.Errorf("a usual user snapshot is %d bytes: %s", n, encode(s))
	}
	c := chatSnapshot{Opened: time.Now().UnixMilli(), Queued: time.Now().UnixMilli(), State: "opened"}
	if n := len(encode(c)); n > 60 {
		t.Errorf("a usual chat snapshot is %d bytes: %s", n, encode(c))
	}
}
