package poller

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"talkrelay"
)

// Config is what New needs for one channel.
type Config struct {
	Name  string // of the channel, as in routes and logs
	API   API
	Store Store
	Epoch uint64 // of this process, for Store.Commit

	// Match decides where events go. It is called before they are committed, so it must be pure and quick.
	// nil = nowhere.
	Match func([]talkrelay.Event) []talkrelay.Delivery
	// Kinds are those that Match may ask for: events of others are not made, though what they would have told is noted, so
	// that asking for them later begins with what happens then. nil = all kinds.
	Kinds []talkrelay.Kind
	// Followers are the sinks whose messages about a chat are kept true.
	Followers []string
	// Keepers are those of Followers that have a row of a chat, see talkrelay.Commit.
	Keepers []string
	// Committed is called with the deliveries that have just been committed, none if only Followers have news, to wake
	// the workers. nil = nobody.
	Committed func([]talkrelay.Delivery)
	// Beat is called whenever the loop has got on, at least every 10 s while it waits, for the watchdog. nil = nobody.
	Beat func()

	// When the jobs begin, as read by ParseSchedule. A walk that fails is tried again after 1 s, then 2 s … 5 min, but
	// not before the next tick, unless that is more than 5 min away.
	Poll      string // opened and queued chats, newest first; "" = "@every 5s"
	Sweep     string // opened, queued and snoozed chats, and closed ones down to Overlap; "" = "@every 1m"
	FullSweep string // all chats; "" = "30 4 * * *"

	// Location is meant in calendar schedules, and times in messages are shown in it. nil = Asia/Seoul.
	Location *time.Location

	// Overlap is how far a sweep reads closed chats back from the start of the last complete sweep, by Channel Talk's
	// clock, so an outage of any length is made up for. 0 = 24 h.
	Overlap time.Duration

	// ContactRequestsPerMinute is the budget for re-reading known customers. 0 = none are re-read; those who write
	// are compared all the same.
	ContactRequestsPerMinute int
	// MessageLookupsPerMinute is the budget for finding the customer's words where the list shows another message.
	// 0 = none are looked up.
	MessageLookupsPerMinute int

	// MessageRequestsPerMinute is the budget for reading chats in which somebody has written, where Kinds has messages.
	// What it does not reach is read later. 0 = DefaultMessageRequests.
	MessageRequestsPerMinute int
	// Include names the classes of messages that events are made of beside ordinary ones; see talkrelay.Message.Classes.
	Include []string

	// Groups are the team chats that are read, by name or id, where Kinds has their messages. Empty = all public ones.
	Groups []string
	// GroupRequestsPerMinute is the budget for reading team chats, which take turns. 0 = DefaultGroupRequests.
	GroupRequestsPerMinute int

	// BotOnly says what happens to a chat in which only a bot has spoken: BotOnlyWait holds its opening until the
	// customer writes or somebody is assigned, BotOnlyAlert announces it at once. "" = BotOnlyWait.
	BotOnly string
	// SnoozeEndOpens makes the end of a snooze an opening. Whether Channel Talk's own webhook does so is not known.
	SnoozeEndOpens bool

	// Waiting is when events of kind UserChatWaiting are due. The zero value makes none.
	Waiting Waiting

	Teams   map[string]string // team id → name; the Open API gives only ids
	DeskURL string            // opens a chat; {channelId} and {chatId} are filled in. "" = DefaultDeskURL
	// TeamDeskURL opens a message of a team chat; {channelId}, {groupId} and {messageId} are filled in. "" = DefaultTeamDeskURL
	TeamDeskURL string

	Logger *slog.Logger // nil = silent
}

// Values of Config.BotOnly.
const (
	BotOnlyWait  = "wait"
	BotOnlyAlert = "alert"
)

// Defaults of Config.
const (
	DefaultPoll      = "@every 5s"
	DefaultSweep     = "@every 1m"
	DefaultFullSweep = "30 4 * * *"
	DefaultOverlap   = 24 * time.Hour

	DefaultMessageRequests = 120
	DefaultGroupRequests   = 30
	DefaultDeskURL         = "https://desk.channel.io/#/channels/{channelId}/user_chats/{chatId}"
	DefaultTeamDeskURL     = "https://desk.channel.io/#/channels/{channelId}/team_chats/groups/{groupId}/{messageId}"
)

// maxBudget bounds the two budgets: a channel's allowance is refilled at about 600 requests a minute, for all its tools.
const maxBudget = 600

// Validate returns everything wrong with the settings in c. Keys are those of the config file.
func (c Config) Validate() talkrelay.Problems {
	var problems talkrelay.Problems
	c = c.withDefaults()
	for _, s := range []struct{ key, spec string }{{"poll", c.Poll}, {"sweep", c.Sweep}, {"full_sweep", c.FullSweep}} {
		if _, err := ParseSchedule(s.spec, c.Location); err != nil {
			problems.Add(s.key, "%v", err)
		}
	}
	if c.Overlap < time.Minute {
		problems.Add("overlap", "must be at least 1m, as in \"24h\"")
	}
	budget := func(key string, n int) {
		if n < 0 || n > maxBudget {
			problems.Add(key, "must be from 0 (off) to %d", maxBudget)
		}
	}
	budget("contact_requests_per_minute", c.ContactRequestsPerMinute)
	pace := func(key string, n int) {
		if n < 1 || n > maxBudget {
			problems.Add(key, "must be from 1 to %d", maxBudget)
		}
	}
	pace("message_requests_per_minute", c.MessageRequestsPerMinute)
	pace("group_requests_per_minute", c.GroupRequestsPerMinute)
	checkGroups(&problems, c.Groups)
	budget("message_lookups_per_minute", c.MessageLookupsPerMinute)
	if c.BotOnly != BotOnlyWait && c.BotOnly != BotOnlyAlert {
		problems.Add("bot_only", "must be %q or %q", BotOnlyWait, BotOnlyAlert)
	}
	c.Waiting.validate(&problems)
	if fault := deskURLFault(c.DeskURL, "{chatId}", DefaultDeskURL); fault != "" {
		problems.Add("desk_url", "%s", fault)
	}
	if fault := deskURLFault(c.TeamDeskURL, "{groupId}", DefaultTeamDeskURL); fault != "" {
		problems.Add("team_desk_url", "%s", fault)
	}
	return problems
}

func checkGroups(problems *talkrelay.Problems, groups []string) {
	for i, name := range groups {
		key := fmt.Sprintf("groups[%d]", i)
		switch {
		case strings.TrimSpace(name) == "":
			problems.Add(key, "is empty: write the name or the id of a team chat")
		case slices.Index(groups, name) < i:
			problems.Add(key, "%q is listed twice", name)
		}
	}
}

// deskURLFault says what is wrong with an address that must hold a placeholder; "" = nothing.
func deskURLFault(text, needed, example string) string {
	u, err := url.Parse(strings.NewReplacer("{channelId}", "1", "{chatId}", "1", "{groupId}", "1", "{messageId}", "1").Replace(text))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "must be an address like " + example
	case !strings.Contains(text, needed):
		return "must hold " + needed + ", as in " + example
	}
	return ""
}

func (c Config) withDefaults() Config {
	fill := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	fill(&c.Poll, DefaultPoll)
	fill(&c.Sweep, DefaultSweep)
	fill(&c.FullSweep, DefaultFullSweep)
	fill(&c.BotOnly, BotOnlyWait)
	fill(&c.DeskURL, DefaultDeskURL)
	fill(&c.TeamDeskURL, DefaultTeamDeskURL)
	if c.MessageRequestsPerMinute == 0 {
		c.MessageRequestsPerMinute = DefaultMessageRequests
	}
	if c.GroupRequestsPerMinute == 0 {
		c.GroupRequestsPerMinute = DefaultGroupRequests
	}
	if c.Overlap == 0 {
		c.Overlap = DefaultOverlap
	}
	if c.Location == nil {
		c.Location = Seoul()
	}
	if c.Match == nil {
		c.Match = func([]talkrelay.Event) []talkrelay.Delivery { return nil }
	}
	if c.Committed == nil {
		c.Committed = func([]talkrelay.Delivery) {}
	}
	if c.Beat == nil {
		c.Beat = func() {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("channel", c.Name)
	return c
}
