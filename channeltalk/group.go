package channeltalk

import (
	"encoding/json"
	"time"
)

// Group is a team chat. Any field but ID may be missing, and is zero then. The API shows public ones only.
type Group struct {
	ID         string
	ChannelID  string
	Title      string // what people call it; name, which is deprecated, if there is none
	Scope      string // all, public, private; an open set
	CreatedAt  time.Time
	ArchivedAt time.Time // zero = in use

	// Raw is the object as it came, without NULs. It shares memory with its whole page: copy what outlives that.
	Raw json.RawMessage
}

func readGroup(r *reader) (g Group, ok bool) {
	at := r.start()
	var name string
	for key := range r.members {
		switch string(key) {
		case "id":
			g.ID = r.text()
		case "channelId":
			g.ChannelID = r.text()
		case "title":
			g.Title = r.text()
		case "name":
			name = r.text()
		case "scope":
			g.Scope = r.text()
		case "createdAt":
			g.CreatedAt = r.time()
		case "archivedAt":
			g.ArchivedAt = r.time()
		}
	}
	g.Title = firstOf(g.Title, name)
	g.Raw = r.since(at)
	return g, g.ID != ""
}
