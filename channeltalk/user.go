package channeltalk

import (
	"encoding/json"
	"time"
)

// User is a customer. Any field but ID may be missing, and is zero then.
type User struct {
	ID       string
	MemberID string // the customer's own id for the user; also set for anonymous visitors
	Type     string // member, lead, unified; an open set
	Member   bool
	Name     string // top level, else profile.name; likewise the three below

	Email          string
	MobileNumber   string // usually E.164
	LandlineNumber string // usually E.164

	Tags     []string
	Language string
	Country  string
	Profile  map[string]string // members of profile that are text, number or boolean, as text; nil = none

	UnsubscribeEmail   bool
	UnsubscribeTexting bool
	UnsubscribeAppPush bool // only told of a user read alone

	UpdatedAt time.Time // moves on ordinary visits, so it is no sign of a change

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

func readUser(r *reader) (u User, ok bool) {
	at := r.start()
	for key := range r.members {
		switch string(key) {
		case "id":
			u.ID = r.text()
		case "memberId":
			u.MemberID = r.text()
		case "type":
			u.Type = r.text()
		case "member":
			u.Member = r.flag()
		case "name":
			u.Name = r.text()
		case "email":
			u.Email = r.text()
		case "mobileNumber":
			u.MobileNumber = r.text()
		case "landlineNumber":
			u.LandlineNumber = r.text()
		case "tags":
			u.Tags = r.texts()
		case "language":
			u.Language = r.text()
		case "country":
			u.Country = r.text()
		case "profile":
			u.Profile = r.scalars()
		case "unsubscribeEmail":
			u.UnsubscribeEmail = r.flag()
		case "unsubscribeTexting":
			u.UnsubscribeTexting = r.flag()
		case "unsubscribeAppPush":
			u.UnsubscribeAppPush = r.flag()
		case "updatedAt":
			u.UpdatedAt = r.time()
		}
	}
	u.Name = firstOf(u.Name, u.Profile["name"])
	u.Email = firstOf(u.Email, u.Profile["email"])
	u.MobileNumber = firstOf(u.MobileNumber, u.Profile["mobileNumber"])
	u.LandlineNumber = firstOf(u.LandlineNumber, u.Profile["landlineNumber"])
	u.Raw = r.since(at)
	return u, u.ID != ""
}

// Manager is a member of the support team. Any field but ID may be missing, and is empty then.
type Manager struct {
	ID    string
	Name  string
	Email string

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

func readManager(r *reader) (m Manager, ok bool) {
	at := r.start()
	for key := range r.members {
		switch string(key) {
		case "id":
			m.ID = r.text()
		case "name":
			m.Name = r.text()
		case "email":
			m.Email = r.text()
		}
	}
	m.Raw = r.since(at)
	return m, m.ID != ""
}

// Bot is one of the channel's bots. Name may be empty.
type Bot struct {
	ID   string
	Name string

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

func readBot(r *reader) (b Bot, ok bool) {
	at := r.start()
	for key := range r.members {
		switch string(key) {
		case "id":
			b.ID = r.text()
		case "name":
			b.Name = r.text()
		}
	}
	b.Raw = r.since(at)
	return b, b.ID != ""
}

// Channel is the customer's Channel Talk channel, which the access key belongs to.
type Channel struct {
	ID       string
	Name     string
	TimeZone string // IANA name, as in Asia/Seoul; may be empty
}

func readChannel(r *reader) (c Channel, ok bool) {
	for key := range r.members {
		switch string(key) {
		case "id":
			c.ID = r.text()
		case "name":
			c.Name = r.text()
		case "timeZone":
			c.TimeZone = r.text()
		}
	}
	return c, c.ID != ""
}
