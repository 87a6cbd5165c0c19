package main

import (
	"time"

	"talkrelay/alert"
)

// file is the config file as people write it. The zero value of a field means "left out"; defaults() fills in first
// what a missing key means, so that a reader of this file sees every default in one place; those of a sink are in its own file.
type file struct {
	Language string        `toml:"language"`
	Timezone string        `toml:"timezone"`
	State    stateFile     `toml:"state"`
	Network  networkFile   `toml:"network"`
	Retry    retryFile     `toml:"retry"`
	Alert    alertFile     `toml:"alert"`
	Backfill backfillFile  `toml:"backfill"`
	Verify   verifyFile    `toml:"verify"`
	Channels []channelFile `toml:"channel"`
	Sinks    sinksFile     `toml:"sink"`
	Routes   []routeFile   `toml:"route"`
}

type stateFile struct {
	Path      string        `toml:"path"`
	Retention time.Duration `toml:"retention"`
	MaxSizeMB int           `toml:"max_size_mb"`
	Sweep     string        `toml:"sweep"`
}

type networkFile struct {
	Proxy        string        `toml:"proxy"`
	CAFile       string        `toml:"ca_file"`
	RestartAfter time.Duration `toml:"restart_after"`
}

type retryFile struct {
	Min time.Duration `toml:"min"`
	Max time.Duration `toml:"max"`
}

type backfillFile struct {
	RequestsPerMinute int `toml:"requests_per_minute"`
}

type verifyFile struct {
	At   string `toml:"at"`
	Heal bool   `toml:"heal"`
	Tell string `toml:"tell"`
}

type alertFile struct {
	After      time.Duration      `toml:"after"`
	Gather     time.Duration      `toml:"gather"`
	Apart      time.Duration      `toml:"apart"`
	Repeat     time.Duration      `toml:"repeat"`
	RepeatMax  time.Duration      `toml:"repeat_max"`
	NoPoll     time.Duration      `toml:"no_poll"`
	QueueAge   time.Duration      `toml:"queue_age"`
	DiskFreeMB int                `toml:"disk_free_mb"`
	Timeout    time.Duration      `toml:"timeout"`
	Slack      alertSlackFile     `toml:"slack"`
	Webhook    alertWebhookFile   `toml:"webhook"`
	Email      alertEmailFile     `toml:"email"`
	Heartbeat  alertHeartbeatFile `toml:"heartbeat"`
}

type alertSlackFile struct {
	Token   secret `toml:"token"`
	Channel string `toml:"channel"`
	APIURL  string `toml:"api_url"`
}

type alertWebhookFile struct {
	URL secret `toml:"url"`
}

type alertEmailFile struct {
	SMTP     string   `toml:"smtp"`
	Username string   `toml:"username"`
	Password secret   `toml:"password"`
	From     string   `toml:"from"`
	To       []string `toml:"to"`
}

type alertHeartbeatFile struct {
	URL     secret        `toml:"url"`
	FailURL secret        `toml:"fail_url"`
	Every   time.Duration `toml:"every"`
}

type channelFile struct {
	Name                     string            `toml:"name"`
	AccessKey                secret            `toml:"access_key"`
	AccessSecret             secret            `toml:"access_secret"`
	Timezone                 string            `toml:"timezone"`
	Poll                     string            `toml:"poll"`
	Sweep                    string            `toml:"sweep"`
	FullSweep                string            `toml:"full_sweep"`
	Overlap                  time.Duration     `toml:"overlap"`
	ContactRequestsPerMinute int               `toml:"contact_requests_per_minute"`
	MessageLookupsPerMinute  int               `toml:"message_lookups_per_minute"`
	MessageRequestsPerMinute int               `toml:"message_requests_per_minute"`
	Groups                   []string          `toml:"groups"`
	GroupRequestsPerMinute   int               `toml:"group_requests_per_minute"`
	BotOnly                  string            `toml:"bot_only"`
	SnoozeEndOpens           bool              `toml:"snooze_end_opens"`
	Waiting                  waitingFile       `toml:"waiting"`
	Teams                    map[string]string `toml:"teams"`
	BaseURL                  string            `toml:"base_url"`
	DeskURL                  string            `toml:"desk_url"`
	TeamDeskURL              string            `toml:"team_desk_url"`
	Timeout                  time.Duration     `toml:"timeout"`
	RequestsPerSecond        float64           `toml:"requests_per_second"`
	ListRequestsPerSecond    float64           `toml:"list_requests_per_second"`
	Reserve                  int               `toml:"reserve"`
}

type waitingFile struct {
	Stages       []time.Duration `toml:"stages"`
	Hours        []string        `toml:"hours"`
	HolidaysFile string          `toml:"holidays_file"`
}

type routeFile struct {
	Name    string   `toml:"name"`
	On      []string `toml:"on"`
	Channel []string `toml:"channel"`
	Where   string   `toml:"where"`
	Include []string `toml:"include"`
	To      []string `toml:"to"`
	Text    string   `toml:"text"`
}

// defaulter is a table of the config file that knows what its missing keys mean.
type defaulter interface{ defaults() }

func (f *file) defaults() {
	f.Language, f.Timezone = "ko", "Asia/Seoul"
}

func (s *stateFile) defaults() {
	*s = stateFile{Path: "talkrelay.db", Retention: 720 * time.Hour, MaxSizeMB: 1024, Sweep: "15 4 * * *"}
}

func (n *networkFile) defaults() { *n = networkFile{RestartAfter: 30 * time.Minute} }

func (b *backfillFile) defaults() { *b = backfillFile{RequestsPerMinute: 120} }

func (v *verifyFile) defaults() { *v = verifyFile{Tell: tellNobody} }

func (r *retryFile) defaults() { *r = retryFile{Min: time.Second, Max: 5 * time.Minute} }

func (a *alertFile) defaults() {
	*a = alertFile{
		After:      alert.DefaultAfter,
		Gather:     alert.DefaultGather,
		Apart:      alert.DefaultApart,
		Repeat:     alert.DefaultRepeat,
		RepeatMax:  alert.DefaultRepeatMax,
		NoPoll:     10 * time.Minute,
		QueueAge:   30 * time.Minute,
		DiskFreeMB: 200,
		Timeout:    30 * time.Second,
	}
	a.Slack.defaults()
	a.Heartbeat.defaults()
}

func (s *alertSlackFile) defaults() { *s = alertSlackFile{APIURL: alert.DefaultSlackAPI} }

func (h *alertHeartbeatFile) defaults() { *h = alertHeartbeatFile{Every: time.Minute} }

func (c *channelFile) defaults() {
	*c = channelFile{
		Poll:                     "@every 5s",
		Sweep:                    "@every 1m",
		FullSweep:                "30 4 * * *",
		Overlap:                  24 * time.Hour,
		ContactRequestsPerMinute: 30,
		MessageLookupsPerMinute:  60,
		MessageRequestsPerMinute: 120,
		GroupRequestsPerMinute:   30,
		BotOnly:                  "wait",
		BaseURL:                  "https://api.channel.io",
		DeskURL:                  "https://desk.channel.io/#/channels/{channelId}/user_chats/{chatId}",
		TeamDeskURL:              "https://desk.channel.io/#/channels/{channelId}/team_chats/groups/{groupId}/{messageId}",
		Timeout:                  30 * time.Second,
		RequestsPerSecond:        10,
		ListRequestsPerSecond:    5,
		Reserve:                  100,
	}
}
