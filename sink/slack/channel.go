package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"talkrelay/sink"
)

// remembered is what a sink keeps in its Memory. It is stored: fields are added, never renamed.
type remembered struct {
	Name string `json:"name"` // as in the config file
	ID   string `json:"id"`

	People map[string]string `json:"people,omitempty"` // see people
}

// knownChannel returns the channel's id, "" if its name has not been resolved yet.
func (s *Sink) knownChannel() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// channel returns the channel's id. A name is looked up once and remembered, so that renaming the channel changes
// nothing. The error is a *sink.Error or the context's; nothing has been posted.
func (s *Sink) channel(ctx context.Context) (string, error) {
	if id := s.knownChannel(); id != "" {
		return id, nil
	}
	id := s.recall()
	if id == "" {
		var err error
		if id, err = s.findChannel(ctx); err != nil {
			return "", err
		}
		s.remember(func(r *remembered) { r.Name, r.ID = s.cfg.Channel, id })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = id
	return id, nil
}

func (s *Sink) recall() string {
	r := s.remembered()
	if r.Name != s.cfg.Channel || !channelID.MatchString(r.ID) {
		return ""
	}
	return r.ID
}

// remembered returns what is in Memory. Losing it costs a look-up.
func (s *Sink) remembered() (r remembered) {
	if s.cfg.Memory == nil {
		return r
	}
	data, err := s.cfg.Memory.Load()
	if err != nil || json.Unmarshal(data, &r) != nil {
		return remembered{}
	}
	return r
}

func (s *Sink) remember(change func(*remembered)) {
	if s.cfg.Memory == nil {
		return
	}
	s.memory.Lock()
	defer s.memory.Unlock()
	r := s.remembered()
	change(&r)
	if data, err := json.Marshal(r); err == nil {
		_ = s.cfg.Memory.Save(data) // losing it costs a look-up
	}
}

// forget drops a resolved id that Slack does not know any more: the name may belong to a new channel.
func (s *Sink) forget(code string) {
	if code != "channel_not_found" || channelID.MatchString(s.cfg.Channel) {
		return
	}
	s.mu.Lock()
	s.id = ""
	s.mu.Unlock()
	s.remember(func(r *remembered) { r.Name, r.ID = "", "" })
}

// findChannel looks the channel's name up among those the bot may see.
func (s *Sink) findChannel(ctx context.Context) (string, error) {
	kinds := []string{"public_channel", "private_channel"}
	id, o := s.listChannels(ctx, kinds)
	if o.code == "missing_scope" {
		id, o = s.listChannels(ctx, kinds[:1]) // the app may have been given public ones only
	}
	if o.class != applied {
		return "", s.setupError(ctx, opChannel, o)
	}
	if id == "" {
		return "", s.fail(sink.PauseDestination, opChannel, fmt.Sprintf(
			"there is no channel named %s that the bot may see: if it is private, invite the bot there; else change %s (the id, C…, always works)",
			s.cfg.Channel, s.setting("channel")), o)
	}
	return id, nil
}

func (s *Sink) listChannels(ctx context.Context, kinds []string) (id string, o outcome) {
	o = s.ws.eachChannel(ctx, kinds, s.cfg.Timeout, func(ch slackgo.Channel) bool {
		if strings.EqualFold(ch.Name, s.cfg.Channel) || strings.EqualFold(ch.NameNormalized, s.cfg.Channel) {
			id = ch.ID
		}
		return id != ""
	})
	return id, o
}

// eachChannel shows see the channels of these kinds that are not archived, page by page, until it returns true. timeout is
// that of one page.
func (w *Workspace) eachChannel(ctx context.Context, kinds []string, timeout time.Duration, see func(slackgo.Channel) bool) outcome {
	params := slackgo.GetConversationsParameters{ExcludeArchived: true, Limit: 999, Types: kinds}
	for {
		channels, next, o := w.channelPage(ctx, &params, timeout)
		if o.class == throttled && params.Cursor != "" && o.after <= maxPageWait && sleep(ctx, o.after) == nil {
			continue
		}
		if o.class != applied || slices.ContainsFunc(channels, see) || next == "" || next == params.Cursor {
			return o
		}
		params.Cursor = next
	}
}

func (w *Workspace) channelPage(ctx context.Context, params *slackgo.GetConversationsParameters, timeout time.Duration) ([]slackgo.Channel, string, outcome) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx, trace := sink.WithTrace(ctx)
	channels, next, err := w.lib.GetConversationsContext(ctx, params)
	w.noteDate(trace)
	return channels, next, libraryOutcome(err, trace)
}
