package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// User describes a customer to add. Every field may be empty.
type User struct {
	Name     string
	MemberID string // of a registered customer; anonymous visitors get one too
	Member   bool   // registered
	Contact
	Tags     []string
	Language string         // "" = ko
	Country  string         // "" = KR
	Profile  map[string]any // beside name and contact fields, which are in it anyway
	At       time.Time      // when the user was first seen; zero = now
}

// Contact holds a customer's contact fields. Phone numbers are in E.164.
type Contact struct {
	Email          string
	MobileNumber   string
	LandlineNumber string
}

// Customer is a user of a channel.
type Customer struct {
	c       *Channel
	wire    wireUser
	json    []byte // as in a list; nil = to be made
	deleted bool
}

// AddUser makes a customer.
func (c *Channel) AddUser(u User) *Customer {
	ct := c.ct
	ct.mu.Lock()
	defer ct.mu.Unlock()
	at := ct.at(u.At)
	if u.MemberID == "" {
		u.MemberID = ct.names.hex(16)
	}
	if u.Language == "" {
		u.Language = "ko"
	}
	if u.Country == "" {
		u.Country = "KR"
	}
	kind := "lead"
	if u.Member {
		kind = "member"
	}
	p := &Customer{c: c, wire: wireUser{
		ID: ct.names.timed(at), ChannelID: c.ID, MemberID: u.MemberID, VeilID: ct.names.hex(16), UnifiedID: ct.names.hex(16),
		Type: kind, Member: u.Member, Name: u.Name, Named: u.Name != "", Tags: u.Tags, Profile: maps.Clone(u.Profile),
		Language: u.Language, SystemLanguage: u.Language, Country: u.Country, TimeZone: "+09:00", Province: "Seoul", City: "Gangnam-gu",
		Latitude: 37.4979, Longitude: 127.0276,
		Web: wireWeb{
			Device: "desktop", OS: "Mac OS X/10.15.7", OSName: "Mac OS X", Browser: "Chrome/131.0.0.0", BrowserName: "Chrome",
			SessionsCount: 1, LastSeenAt: at,
		},
		SessionsCount: 1, LastSeenAt: at, CreatedAt: at, UpdatedAt: at, Version: 1,
		AvatarURL: "https://cf.channel.io/avatar/emoji/" + ct.names.hex(8) + ".png",
	}}
	if p.wire.Profile == nil {
		p.wire.Profile = make(map[string]any)
	}
	if u.Name != "" {
		p.wire.Profile["name"] = u.Name
	}
	p.setContact(u.Contact)
	c.users[p.wire.ID] = p
	c.members[u.MemberID] = p
	return p
}

// ID returns the user's id.
func (p *Customer) ID() string { return p.wire.ID }

// MemberID returns the user's member id.
func (p *Customer) MemberID() string { return p.wire.MemberID }

// Contact returns the present contact fields.
func (p *Customer) Contact() Contact {
	p.c.ct.mu.Lock()
	defer p.c.ct.mu.Unlock()
	return p.contact()
}

func (p *Customer) contact() Contact {
	return Contact{p.wire.Email, p.wire.MobileNumber, p.wire.LandlineNumber}
}

// ChangeContact replaces all contact fields; an empty one is cleared.
func (p *Customer) ChangeContact(to Contact) {
	p.change(func(at int64) {
		if to == p.contact() {
			return
		}
		p.setContact(to)
		p.c.happened(Happening{Kind: ContactChanged, UserID: p.wire.ID, At: time.UnixMilli(at)})
	})
}

func (p *Customer) setContact(to Contact) {
	w := &p.wire
	w.Email, w.MobileNumber, w.LandlineNumber = to.Email, to.MobileNumber, to.LandlineNumber
	w.EmailQualified, w.MobileNumberQualified = to.Email != "", to.MobileNumber != ""
	for key, value := range map[string]string{"email": to.Email, "mobileNumber": to.MobileNumber, "landlineNumber": to.LandlineNumber} {
		if value == "" {
			delete(w.Profile, key)
		} else {
			w.Profile[key] = value
		}
	}
}

// Rename changes the name.
func (p *Customer) Rename(name string) {
	p.change(func(int64) { p.wire.Name, p.wire.Named, p.wire.Profile["name"] = name, name != "", name })
}

// Visit moves what moves when a customer merely looks at the shop: nothing that a watcher should care for.
func (p *Customer) Visit() {
	p.change(func(at int64) {
		p.wire.SessionsCount++
		p.wire.LastSeenAt, p.wire.Web.LastSeenAt = at, at
	})
}

// SetUnsubscribed changes the two consent flags that lists show.
func (p *Customer) SetUnsubscribed(email, texting bool) {
	p.change(func(int64) { p.wire.UnsubscribeEmail, p.wire.UnsubscribeTexting = email, texting })
}

// Delete removes the user: 404 from now on, and lists show the chats without one.
func (p *Customer) Delete() {
	p.change(func(int64) {
		p.deleted = true
		delete(p.c.users, p.wire.ID)
		delete(p.c.members, p.wire.MemberID)
	})
}

func (p *Customer) change(f func(at int64)) {
	ct := p.c.ct
	ct.mu.Lock()
	defer ct.mu.Unlock()
	at := ct.clock.tick()
	f(at)
	p.wire.UpdatedAt = at
	p.wire.Version++
	p.json = nil
}

// at returns a time to use for something new: the given one, or the next of the clock.
func (ct *ChannelTalk) at(t time.Time) int64 {
	if t.IsZero() {
		return ct.clock.tick()
	}
	return t.UnixMilli()
}

// Manager is somebody of the support team.
type Manager struct{ wire wireManager }

// ID returns the manager's id.
func (m *Manager) ID() string { return m.wire.ID }

// AddManager makes a manager.
func (c *Channel) AddManager(name, email string) *Manager {
	ct := c.ct
	ct.mu.Lock()
	defer ct.mu.Unlock()
	id := strconv.Itoa(ct.nextID())
	m := &Manager{wireManager{
		ID: id, ManagerID: id, ChannelID: c.ID, AccountID: strconv.Itoa(ct.nextID()), Name: name, Email: email,
		Profile: map[string]any{"name": name}, RoleID: "1", CreatedAt: ct.clock.tick(), DefaultUserChatWatch: "all", Operator: true,
		AvatarURL: "https://cf.channel.io/avatar/manager/" + id + ".png",
	}}
	c.managers = append(c.managers, m)
	return m
}

// Happening is something that a watcher of the channel must have noticed.
type Happening struct {
	Kind   HappeningKind
	ChatID string // empty for ContactChanged
	UserID string
	At     time.Time
}

// HappeningKind says what happened.
type HappeningKind string

// The kinds of happening.
const (
	ChatOpened     HappeningKind = "opened"   // for the first time, or put into the queue instead
	ChatReopened   HappeningKind = "reopened" // after it had been closed
	ContactChanged HappeningKind = "contact changed"
)

func (c *Channel) happened(h Happening) { c.history = append(c.history, h) }

// Happenings returns what happened so far, in order.
func (c *Channel) Happenings() []Happening {
	c.ct.mu.Lock()
	defer c.ct.mu.Unlock()
	return slices.Clone(c.history)
}
