package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
)

func newPreviewCommand() *cobra.Command {
	o := previewOptions{last: 20}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show what the routes would make of real recent chats; sends nothing",
		Long: `Read the latest chats of Channel Talk, send them through the routes of the config in memory, and show for each: which
routes match and why the others do not, the Slack message, with a link that opens it in Slack's Block Kit Builder, and the
row of the sheet. Nothing is sent, no state file is opened, and a daemon that runs is not disturbed.

Each chat is taken as a new inquiry, and its customer's contact as seen for the first time (change == "created"). Customers'
names, words, phone numbers and addresses are masked, in the links too, unless --reveal is given; filters see them as they
are.

Exit codes: 0 good, 1 failed, 2 usage, 78 bad config.`,
		Example: `  talkrelay preview --config talkrelay.toml --last 5
  talkrelay preview --route "환불 문의"     only this route: why does it match, why not?
  talkrelay preview --json                  for programs, a line each`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.out = cmd.OutOrStdout()
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", defaultConfig, "config file")
	f.IntVar(&o.last, "last", o.last, "how many chats")
	f.StringVar(&o.route, "route", "", "show this route alone")
	f.BoolVar((*bool)(&o.reveal), "reveal", false, "show customers' data as it is")
	o.lang.add(cmd)
	f.BoolVar(&o.json, "json", false, "print JSON, one event an object")
	_ = cmd.RegisterFlagCompletionFunc("route", completeRoutes) // fails only for a flag that is not there
	return cmd
}

// completeRoutes offers the names of the routes in the config that the command line names.
func completeRoutes(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return routeNames(path), cobra.ShellCompDirectiveNoFileComp
}

// previewOptions are what `preview` was told.
type previewOptions struct {
	config string
	last   int
	route  string
	reveal reveal
	json   bool
	lang   languageFlag
	out    io.Writer
}

// maxPreview is what one page of chats can hold.
const maxPreview = 500

// run reads, routes and prints. Its error is an exitError.
func (o previewOptions) run(ctx context.Context) error {
	if o.last < 1 || o.last > maxPreview {
		return exitError{exitUsage, fmt.Errorf("--last must be 1 to %d", maxPreview)}
	}
	cfg, err := loadConfig(o.config, os.Getenv)
	if err != nil {
		return err
	}
	if o.route != "" && !slices.ContainsFunc(cfg.Routes, func(r routeFile) bool { return r.Name == o.route }) {
		return exitError{exitUsage, unknownRoute(cfg, o.route)}
	}
	base, err := sink.BaseTransport(cfg.plan.base.caPEM, cfg.plan.base.proxy)
	if err != nil {
		return failed(err)
	}
	events, err := readRecent(ctx, cfg, base, o.last)
	if err == nil {
		err = o.print(cfg, base, events)
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted; nothing was sent")
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

func unknownRoute(cfg *config, name string) error {
	var names []string
	for _, r := range cfg.Routes {
		names = append(names, r.Name)
	}
	if near := talkrelay.Nearest(name, names); near != "" {
		return fmt.Errorf("--route: %s has no route %q; did you mean %q?", cfg.path, name, near)
	}
	return fmt.Errorf("--route: %s has no route %q; it has %q", cfg.path, name, names)
}

// print shows the events one by one.
func (o previewOptions) print(cfg *config, base *http.Transport, events []talkrelay.Event) error {
	targets, err := makeTargets(cfg, base, func(string) sink.Memory { return forgetful{} }, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	p, words := previewer{cfg: cfg, targets: targets, route: o.route, reveal: o.reveal}, o.lang.words(cfg.language)
	width := terminalWidth(o.out)
	if len(events) == 0 && !o.json {
		_, err := fmt.Fprintln(o.out, words.NoChat)
		return err
	}
	for i, e := range events {
		view := p.preview(e)
		if o.json {
			err = json.NewEncoder(o.out).Encode(view)
		} else {
			if i > 0 {
				fmt.Fprintln(o.out)
			}
			_, err = io.WriteString(o.out, view.text(width, words))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// chatStates are the lists that chats are looked for in.
var chatStates = []string{"opened", "queued", "snoozed", "closed"}

// readRecent returns the events of the last n chats of all channels, oldest first.
func readRecent(ctx context.Context, cfg *config, base http.RoundTripper, n int) ([]talkrelay.Event, error) {
	var all []recentChats
	var newest []time.Time
	for _, ch := range cfg.plan.channels {
		found, err := readChannel(ctx, ch, base, n)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w\n%s", ch.poller.Name, err, channelFix(err))
		}
		found.config.Kinds = cfg.plan.router.Kinds(ch.poller.Name)
		all = append(all, found)
		for _, c := range found.page.UserChats {
			newest = append(newest, chatTime(c))
		}
	}
	slices.SortFunc(newest, func(a, b time.Time) int { return b.Compare(a) })
	var events []talkrelay.Event
	for _, found := range all {
		if len(newest) > n {
			found.dropBefore(newest[n-1])
		}
		some, err := poller.NewReplay(found.config).Events(ctx, found.page)
		if err != nil {
			return nil, err
		}
		events = append(events, some...)
	}
	slices.SortStableFunc(events, func(a, b talkrelay.Event) int { return a.At.Compare(b.At) })
	return events, ctx.Err()
}

// recentChats are chats of one channel as one page, and what turns them into events.
type recentChats struct {
	page   *channeltalk.ChatPage
	config poller.Config
}

// readChannel reads n chats of each state.
func readChannel(ctx context.Context, p channelPlan, base http.RoundTripper, n int) (recentChats, error) {
	p.client.Transport = base
	client := channeltalk.New(p.client)
	all := recentChats{page: &channeltalk.ChatPage{}, config: p.poller}
	all.config.API, all.config.MessageLookupsPerMinute = client, maxPreview
	for _, state := range chatStates {
		page, err := client.UserChats(ctx, channeltalk.Query{State: state, Limit: n})
		if err != nil {
			return all, err
		}
		all.page.UserChats = append(all.page.UserChats, page.UserChats...)
		all.page.Users = append(all.page.Users, page.Users...)
		all.page.Messages = append(all.page.Messages, page.Messages...)
		all.page.Managers = append(all.page.Managers, page.Managers...)
	}
	return all, nil
}

// chatTime is when a chat last began.
func chatTime(c channeltalk.UserChat) time.Time {
	return slices.MaxFunc([]time.Time{c.CreatedAt, c.OpenedAt, c.QueuedAt}, time.Time.Compare)
}

// dropBefore leaves out chats that began before t, and the customers who have none left.
func (r recentChats) dropBefore(t time.Time) {
	r.page.UserChats = slices.DeleteFunc(r.page.UserChats, func(c channeltalk.UserChat) bool { return chatTime(c).Before(t) })
	r.page.Users = slices.DeleteFunc(r.page.Users, func(u channeltalk.User) bool {
		return !slices.ContainsFunc(r.page.UserChats, func(c channeltalk.UserChat) bool { return c.UserID == u.ID })
	})
}

// previewer shows what the routes make of events.
type previewer struct {
	cfg     *config
	targets []target
	route   string // "" = all
	reveal  reveal
}

// preview returns what becomes of e. Filters see it as it is, people masked.
func (p previewer) preview(e talkrelay.Event) previewView {
	shown := e
	if !p.reveal {
		shown = maskEvent(e)
	}
	v := previewView{
		ID: e.ID, Kind: e.Kind, Change: e.Change, Channel: e.Channel, At: e.At, ChatID: e.Chat.ID, UserID: e.User.ID,
		Name: shown.User.Name, DeskURL: e.DeskURL, Routes: []previewRoute{}, Sinks: []previewSink{}, Held: p.held(e),
	}
	for i, x := range p.cfg.plan.router.Explain(e) {
		if p.route != "" && x.Route != p.route {
			continue
		}
		v.Routes = append(v.Routes, previewRoute{Route: x.Route, Matched: x.Matched, Sinks: x.Sinks, Reason: explain(x, p.cfg.Routes[i])})
		for _, name := range x.Sinks {
			i := slices.IndexFunc(p.targets, func(t target) bool { return t.name == name })
			if i >= 0 {
				v.Sinks = append(v.Sinks, previewOf(p.targets[i], sink.Item{Event: shown, Route: x.Route}))
			}
		}
	}
	return v
}

// held reports that a poll would wait with e, because only a bot has spoken.
func (p previewer) held(e talkrelay.Event) bool {
	i := slices.IndexFunc(p.cfg.Channels, func(c channelFile) bool { return c.Name == e.Channel })
	return i >= 0 && e.Kind == talkrelay.UserChatOpened && e.Chat.BotOnly && cmp.Or(p.cfg.Channels[i].BotOnly, poller.BotOnlyWait) == poller.BotOnlyWait
}

// explain says why a route did or did not match, in the words of the config.
func explain(x dispatch.Explanation, r routeFile) string {
	switch x.Reason {
	case dispatch.ReasonKind:
		return x.Reason + fmt.Sprintf(" (on = %q)", r.On)
	case dispatch.ReasonChannel:
		return x.Reason + fmt.Sprintf(" (channel = %q)", r.Channel)
	case dispatch.ReasonWhere:
		if x.Untrue != "" {
			return x.Reason + ": " + x.Untrue + " is not true"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.TakenBy)) {
		x.Reason += fmt.Sprintf("; %q had decided for %s", x.TakenBy[name], name)
	}
	return x.Reason
}

// routeNames reads the names of the routes in a config, whatever else may be wrong with it.
func routeNames(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var table map[string]any
	if _, err := toml.Decode(string(data), &table); err != nil {
		return nil
	}
	var f file
	decodeStrict(table, &f) // problems are for whoever runs it
	var names []string
	for _, r := range f.Routes {
		names = append(names, r.Name)
	}
	return names
}
