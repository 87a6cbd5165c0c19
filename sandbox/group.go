package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Group is one team chat, where managers write to each other.
type Group struct {
	c        *Channel
	wire     wireGroup
	messages []*chatMessage // oldest first
}

// AddGroup makes a public team chat of all managers there are.
func (c *Channel) AddGroup(title string) *Group {
	c.ct.mu.Lock()
	defer c.ct.mu.Unlock()
	at := c.ct.clock.tick()
	g := &Group{c: c, wire: wireGroup{
		ID: strconv.Itoa(c.ct.nextID()), ChannelID: c.ID, Title: title, Name: title, Scope: "public", Icon: "💬", Active: true,
		CreatedAt: at, UpdatedAt: at,
	}}
	for _, m := range c.managers {
		g.wire.ManagerIDs = append(g.wire.ManagerIDs, m.wire.ID)
	}
	c.groups = append(c.groups, g)
	return g
}

// ID returns the group's id.
func (g *Group) ID() string { return g.wire.ID }

// Says adds a message by m and returns its id.
func (g *Group) Says(m *Manager, text string) string {
	return g.add("manager", m.wire.ID, text, sayOptions{})
}

// Sends adds a message by m that has files and no text, and returns its id.
func (g *Group) Sends(m *Manager, files int) string {
	return g.add("manager", m.wire.ID, "", sayOptions{files: files})
}

// BotSays adds a message by the channel's bot, as of an integration, and returns its id.
func (g *Group) BotSays(text string) string {
	return g.add("bot", g.c.bot.ID, text, sayOptions{})
}

// Log adds a record of what was done to the group, and returns its id.
func (g *Group) Log(action string) string {
	return g.add("bot", g.c.bot.ID, "", sayOptions{log: &wireLog{Action: action, TriggerType: "system"}})
}

func (g *Group) add(personType, personID, text string, o sayOptions) string {
	g.c.ct.mu.Lock()
	defer g.c.ct.mu.Unlock()
	at := g.c.ct.clock.tick()
	m := g.c.newMessage(at, "group", g.wire.ID, personType, personID, text, o)
	g.messages = append(g.messages, m)
	return m.wire.ID
}

// Edit changes the text of a message.
func (g *Group) Edit(id, text string) {
	g.change(func(at int64) {
		for _, m := range g.messages {
			if m.wire.ID == id {
				m.wire.PlainText, m.wire.Blocks = text, []wireBlock{{Type: "text", Value: markUp.Replace(text)}}
				m.wire.UpdatedAt, m.json = at, nil
			}
		}
	})
}

// Remove takes back a message: it stays in the list, without what was written.
func (g *Group) Remove(id string) {
	g.change(func(at int64) {
		for _, m := range g.messages {
			if m.wire.ID == id {
				m.wire.PlainText, m.wire.Blocks, m.wire.Files, m.wire.State = "", nil, nil, "removed"
				m.wire.UpdatedAt, m.wire.RemovedWriter, m.json = at, true, nil
			}
		}
	})
}

// Rename changes the name.
func (g *Group) Rename(title string) {
	g.change(func(at int64) { g.wire.Title, g.wire.Name, g.wire.UpdatedAt = title, title, at })
}

// SetPrivate hides the group from the API, or shows it again.
func (g *Group) SetPrivate(private bool) {
	g.change(func(at int64) {
		g.wire.Scope, g.wire.UpdatedAt = "public", at
		if private {
			g.wire.Scope = "private"
		}
	})
}

// Archive ends the group; its messages can still be read.
func (g *Group) Archive() {
	g.change(func(at int64) { g.wire.ArchivedAt, g.wire.UpdatedAt, g.wire.Active = at, at, false })
}

// Delete removes the group.
func (g *Group) Delete() {
	g.change(func(int64) {
		g.c.groups = slices.DeleteFunc(g.c.groups, func(other *Group) bool { return other == g })
	})
}

func (g *Group) change(f func(at int64)) {
	g.c.ct.mu.Lock()
	defer g.c.ct.mu.Unlock()
	f(g.c.ct.clock.tick())
}

// getGroups answers GET /groups, GET /groups/{id} and GET /groups/{id}/messages.
func (c *Channel) getGroups(r *Request, path []string) answer {
	if len(path) == 0 {
		c.params(r, "since", "limit")
		return c.listGroups(r)
	}
	i := slices.IndexFunc(c.groups, func(g *Group) bool { return g.wire.ID == path[0] && g.wire.Scope == "public" })
	switch {
	case i < 0:
		return gone("Group", path[0])
	case len(path) == 1:
		c.params(r)
		return ctJSON(map[string]any{"group": c.groups[i].wire})
	case len(path) == 2 && path[1] == "messages":
		c.params(r, "sortOrder", "since", "limit")
		return c.listMessages(r, c.groups[i].messages)
	}
	c.ct.violate(r, "unknown path")
	return ctError(http.StatusNotFound, "notFound", "HTTP 404 Not Found")
}

// listGroups answers GET /groups: the public ones by rising name, its cursor the name of the next one.
func (c *Channel) listGroups(r *Request) answer {
	limit, ok := limitParam(r.Query)
	if !ok {
		c.ct.violate(r, "bad limit")
		return ctError(http.StatusUnprocessableEntity, "validation", "Invalid parameter.")
	}
	var groups []wireGroup
	for _, g := range c.groups {
		if g.wire.Scope == "public" && g.wire.Title >= r.Query.Get("since") {
			groups = append(groups, g.wire)
		}
	}
	slices.SortStableFunc(groups, func(a, b wireGroup) int { return strings.Compare(a.Title, b.Title) })
	reply := make(map[string]any)
	if len(groups) > limit {
		reply["next"] = groups[limit].Title
		groups = groups[:limit]
	}
	if groups != nil {
		reply["groups"] = groups
	}
	return ctJSON(reply)
}
