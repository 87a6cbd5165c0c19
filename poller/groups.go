package poller

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// groups is the stream of what is written in team chats. No list shows which of them has something new, so they take turns:
// a step reads one group, latest message first, until it meets what has been read before. How far that is stands in the
// group's snapshot, which begins with what is there when the group is first read.
type groups struct {
	api     API
	events  eventMaker
	details *details
	choice  []string // names or ids of the groups to read; empty = all
	include []string // classes of messages that count
	health  *talkrelay.Health
	missing *talkrelay.Health // of groups that choice names
	beat    func()

	list   []group         // to be read, in order of id; nil = not listed yet
	listed time.Time       // when
	broken map[string]bool // ids of groups that could not be read when last tried; "" = the list itself
}

const (
	groupsStream = "groups" // key of the cursor: never changes
	groupLimit   = 25       // messages in the first request for a group: mostly none is new
)

// group is a team chat in our own types.
type group struct {
	talkrelay.Group
	channelID string
	archived  bool
	raw       json.RawMessage
}

// groupThread is how far the messages of a group have been read. Its JSON form is in the state file: fields are added, never
// renamed or reused.
type groupThread struct {
	thread
	Base bool `json:"b,omitempty"` // not read yet: what is there is the baseline; At is for a group in which nothing is
}

// turn is a place in a round through the groups; its JSON form is the Position.
type turn struct {
	After string `json:",omitempty"` // the group read last
	Owed  int    `json:",omitempty"` // requests made beyond one a step: so many steps are sat out
	Done  bool   `json:",omitempty"` // the round is through
}

func newGroups(cfg *Config, r *chatReader) *groups {
	return &groups{
		api: cfg.API, events: r.events, details: r.details, choice: cfg.Groups, include: cfg.Include, beat: cfg.Beat,
		health:  talkrelay.NewHealth(cfg.Logger, "team chats not read", "team chats read again"),
		missing: talkrelay.NewHealth(cfg.Logger, "team chats not found", "team chats found"),
		broken:  map[string]bool{},
	}
}

// addGroups adds the job that reads team chats; where nobody asks for them, one that forgets them once.
func (p *Poller) addGroups(r *chatReader) {
	if !r.events.wants(talkrelay.TeamChatMessage) {
		p.jobs = append(p.jobs, p.newJob(JobGroups, Schedule{}, unaskedGroups{}, time.Minute))
		return
	}
	every := time.Minute / time.Duration(p.cfg.GroupRequestsPerMinute)
	j := p.newJob(JobGroups, Schedule{spec: "@every " + every.String(), every: every}, newGroups(&p.cfg, r), 5*time.Second)
	j.paced = true
	p.jobs = append(p.jobs, j)
}

// readGroups reads every team chat once.
func (p *Poller) readGroups(ctx context.Context) error {
	j := p.job(JobGroups)
	j.from = nil
	for {
		if err := p.PollOnce(ctx, JobGroups); err != nil || j.from == nil {
			return err
		}
	}
}

// Name implements Stream.
func (s *groups) Name() string { return groupsStream }

// Poll implements Stream. A round ends with the last group.
func (s *groups) Poll(ctx context.Context, prev View, from Position) (Batch, error) {
	var t turn
	if from != nil {
		if err := json.Unmarshal(from, &t); err != nil {
			return Batch{}, fmt.Errorf("decode position in team chats: %q", from)
		}
	}
	if t.Owed > 0 {
		t.Owed--
		return Batch{Next: t.position()}, nil
	}
	if s.list == nil || time.Since(s.listed) >= groupsFor {
		return s.look(ctx, prev, t)
	}
	i := slices.IndexFunc(s.list, func(g group) bool { return g.ID > t.After })
	if i < 0 {
		return Batch{}, nil
	}
	g, last := s.list[i], i == len(s.list)-1
	b, asked, err := s.read(ctx, prev, &g)
	if err != nil && !perhapsAlone(err) {
		return Batch{}, err
	}
	if s.list == nil { // list once more first
		return Batch{Next: t.position()}, nil
	}
	s.settle(g.ID, err)
	t = turn{After: g.ID, Owed: max(asked-1, 0), Done: last}
	if t.Done { // what is archived does not change
		s.list = slices.DeleteFunc(s.list, func(g group) bool { return g.archived })
	}
	b.Next = t.position()
	return b, nil
}

// position is where the walk goes on, nil when the round is through and paid for.
func (t turn) position() Position {
	if t.Done && t.Owed == 0 {
		return nil
	}
	return encode(t)
}

// settle records whether a group could be read. The trouble is over when it is over for all of them.
func (s *groups) settle(id string, err error) {
	if err != nil {
		s.broken[id] = true
		s.health.Broken(err)
		return
	}
	delete(s.broken, id)
	if len(s.broken) == 0 {
		s.health.OK()
	}
}

// read makes the events of what is new in a group. asked is how many requests that took.
func (s *groups) read(ctx context.Context, prev View, g *group) (b Batch, asked int, err error) {
	ref := talkrelay.Ref{Type: talkrelay.EntityGroup, ID: g.ID}
	var known groupThread
	seen, err := readSnapshot(prev, ref, &known)
	if err != nil {
		return Batch{}, 0, err
	}
	if !seen { // what the list brought was not written
		s.list = nil
		return Batch{}, 0, nil
	}
	ask := func(q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
		defer s.beat()
		asked++
		return s.api.GroupMessages(ctx, g.ID, q)
	}
	var told []channeltalk.Message
	var bots []channeltalk.Bot
	next := known
	if known.Base {
		next, err = known.begin(ask)
	} else {
		told, bots, err = readFresh(ask, groupLimit, known.thread)
		next.thread = known.after(told)
	}
	if channeltalk.KindOf(err) == channeltalk.Gone { // until a list shows it again
		s.list = slices.DeleteFunc(slices.Clone(s.list), func(other group) bool { return other.ID == g.ID })
		return Batch{}, asked, nil
	}
	if err != nil {
		return Batch{}, asked, err
	}
	if known.Base || len(told) > 0 {
		b.Entities = map[talkrelay.Ref][]byte{ref: encode(next)}
	}
	for i := range slices.Backward(told) {
		if m := &told[i]; counts(m, s.include) {
			b.Events = append(b.Events, s.events.wroteInGroup(m, g, s.details.author(ctx, m, nil, bots)))
		}
	}
	return b, asked, ctx.Err() // what could not be looked up is left to the next start
}

// begin returns what is known of a group once its latest messages have been read for the first time.
func (t groupThread) begin(ask func(channeltalk.MessageQuery) (*channeltalk.MessagePage, error)) (groupThread, error) {
	page, err := ask(channeltalk.MessageQuery{SortOrder: "desc", Limit: groupLimit})
	if err != nil {
		return t, err
	}
	if len(page.Messages) == 0 {
		return groupThread{thread: t.thread}, nil
	}
	return groupThread{thread: thread{}.after(page.Messages)}, nil
}

// wroteInGroup makes the event of a message in a team chat.
func (m *eventMaker) wroteInGroup(msg *channeltalk.Message, g *group, by author) talkrelay.Event {
	now := time.Now()
	e := talkrelay.Event{
		ID:       fmt.Sprintf("%s/%s/%s", talkrelay.TeamChatMessage, g.ID, msg.ID),
		Kind:     talkrelay.TeamChatMessage,
		Channel:  m.channel,
		At:       msg.CreatedAt,
		Seen:     now,
		Group:    g.Group,
		Message:  newMessage(msg),
		DeskURL:  teamDeskURL(m.teamURL, cmp.Or(g.channelID, channelOf(msg.Raw)), g.ID, cmp.Or(msg.RootID, msg.ID)),
		TimeZone: m.timeZone,
		Envelope: newEnvelope("push", "message", msg.Raw, referred{"group", g.raw}, by.refer),
	}
	if e.At.IsZero() {
		e.At = now
	}
	e.Message.PersonName = by.name
	return e
}

// teamDeskURL fills in the address of a message in a team chat. "" if an id it needs is unknown.
func teamDeskURL(template, channelID, groupID, messageID string) string {
	if channelID == "" && strings.Contains(template, "{channelId}") {
		return ""
	}
	return strings.NewReplacer(
		"{channelId}", url.PathEscape(channelID), "{groupId}", url.PathEscape(groupID), "{messageId}", url.PathEscape(messageID),
	).Replace(template)
}
