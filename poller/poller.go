package poller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
)

// Poller runs the jobs of one channel: poll, sweep, full_sweep, messages, groups, contacts. They run one at a time, so streams that share
// snapshots never race and no job overlaps itself; a step is one page and one commit.
type Poller struct {
	cfg  Config
	jobs []*job // in order of priority

	contacts *contacts // nil = no rotation
	messages *messages // nil = nobody asks for messages
	store    *talkrelay.Health

	mu       sync.Mutex // guards what Status shows
	lastGood time.Time
	lastRead time.Time
	requests int64
}

// Names of the jobs, for PollOnce.
const (
	JobPoll      = "poll"
	JobSweep     = "sweep"
	JobMessages  = "messages"
	JobGroups    = "groups"
	JobContacts  = "contacts"
	JobFullSweep = "full_sweep"
)

// New returns the poller of a channel. The error is what Config.Validate found.
func New(cfg Config) (*Poller, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, problems
	}
	cfg = cfg.withDefaults()
	p := &Poller{cfg: cfg, store: talkrelay.NewHealth(cfg.Logger, "state not written", "state written again")}
	p.cfg.API = &countedAPI{api: cfg.API, count: p.countRequest}
	shared := newChatReader(&p.cfg)
	p.add(JobPoll, cfg.Poll, &chats{tick, shared}, 0)
	p.add(JobSweep, cfg.Sweep, &chats{sweep, shared}, time.Minute)
	if n := cfg.MessageRequestsPerMinute; n > 0 && shared.events.wants(talkrelay.UserChatMessage) {
		p.messages = newMessages(&p.cfg, shared)
		shared.threads = p.messages.threads
		every := time.Minute / time.Duration(n)
		p.jobs = append(p.jobs, p.newJob(JobMessages, Schedule{spec: "@every " + every.String(), every: every}, p.messages, 2*time.Second))
		p.jobs[len(p.jobs)-1].paced = true
	}
	p.addGroups(shared)
	if cfg.ContactRequestsPerMinute > 0 {
		every, n := contactPace(cfg.ContactRequestsPerMinute)
		p.contacts = newContacts(&p.cfg, shared.details, n)
		p.jobs = append(p.jobs, p.newJob(JobContacts, Schedule{spec: "@every " + every.String(), every: every}, p.contacts, 2*time.Minute))
		p.jobs[len(p.jobs)-1].paced = true
	}
	p.add(JobFullSweep, cfg.FullSweep, &chats{fullSweep, shared}, 5*time.Minute)
	return p, nil
}

// add makes a job of a spec that Validate has accepted.
func (p *Poller) add(name, spec string, s Stream, patience time.Duration) {
	schedule, err := ParseSchedule(spec, p.cfg.Location)
	if err != nil {
		schedule = Schedule{} // cannot be: Validate has read it
	}
	p.jobs = append(p.jobs, p.newJob(name, schedule, s, patience))
}

func (p *Poller) newJob(name string, schedule Schedule, s Stream, patience time.Duration) *job {
	return &job{
		name: name, schedule: schedule, stream: s, patience: patience,
		health: talkrelay.NewHealth(p.cfg.Logger.With("job", name), "channel not read", "channel read again"),
	}
}

func newChatReader(cfg *Config) *chatReader {
	events, details := newEventMaker(cfg), newDetails(cfg)
	return &chatReader{
		api:     cfg.API,
		rules:   rules{snoozeEndOpens: cfg.SnoozeEndOpens, holdBotOnly: cfg.BotOnly == BotOnlyWait},
		overlap: cfg.Overlap,
		events:  events,
		details: details,
		ladder:  newLadder(cfg, events, details),
		log:     cfg.Logger,

		detailTime: detailTime,
	}
}

// Name returns the name of the channel.
func (p *Poller) Name() string { return p.cfg.Name }

// Once runs one poll and one sweep to their ends; in the sweep's place a full one, if that is due since the last one.
// It must not be called while Run runs.
func (p *Poller) Once(ctx context.Context) error {
	if err := p.PollOnce(ctx, JobPoll); err != nil {
		return err
	}
	walk := JobSweep
	if p.missedFullSweep(time.Now()) {
		walk = JobFullSweep
	}
	if err := p.PollOnce(ctx, walk); err != nil {
		return err
	}
	for p.messages != nil && p.messages.threads.waiting.Load() {
		if err := p.PollOnce(ctx, JobMessages); err != nil {
			return err
		}
	}
	return p.readGroups(ctx)
}

// FirstLook runs polls until the silent first walk through all chats is complete; it does nothing if it is. It must not be
// called while Run runs.
func (p *Poller) FirstLook(ctx context.Context) error {
	data, err := p.cfg.Store.Cursor(p.cfg.Name, chatsStream)
	if err != nil {
		return err
	}
	if cur, err := readChatCursor(data); err != nil || cur.Done {
		return err
	}
	return p.PollOnce(ctx, JobPoll)
}

// PollOnce runs one job, from its start to its end, whatever its schedule says; of contacts, messages and
// groups, which have no end, it runs one step. It must not be called while Run runs.
func (p *Poller) PollOnce(ctx context.Context, name string) error {
	j := p.job(name)
	if j == nil {
		return fmt.Errorf("no job %q", name)
	}
	if !j.paced {
		j.from = nil
	}
	for {
		if err := p.step(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if j.from == nil || j.paced {
			return nil
		}
	}
}

// job returns the job of this name, nil if there is none.
func (p *Poller) job(name string) *job {
	for _, j := range p.jobs {
		if j.name == name {
			return j
		}
	}
	return nil
}

// Status is a snapshot of how a Poller does.
type Status struct {
	LastGood time.Time // end of the last poll that read all it wanted; zero = none yet
	LastRead time.Time // when Channel Talk last gave what a job asked for; zero = not yet
	Trouble  string    // why what is found cannot be written, or why the first job in trouble fails; "" = all is well
	Since    time.Time // since when
	Refused  bool      // Channel Talk refuses the access key
	Requests int64     // made to Channel Talk since the start
	Rotation Rotation
}

// Rotation says how far the budget for re-reading customers goes.
type Rotation struct {
	Known  int // customers, as counted last; 0 = not counted yet
	PerDay int // requests the budget allows; 0 = none are re-read
}

// Short reports that the budget does not reach to re-read every known customer once a day.
func (r Rotation) Short() bool { return r.PerDay > 0 && r.Known > r.PerDay }

// Status returns how p does. It may be called at any time.
func (p *Poller) Status() Status {
	p.mu.Lock()
	s := Status{LastGood: p.lastGood, LastRead: p.lastRead, Requests: p.requests}
	p.mu.Unlock()
	s.Trouble, s.Since = p.store.Trouble()
	for _, j := range p.jobs {
		if s.Trouble != "" {
			break
		}
		s.Trouble, s.Since = j.health.Trouble()
		s.Refused = errors.Is(j.health.Cause(), channeltalk.Credentials)
	}
	if p.contacts != nil {
		s.Rotation = Rotation{Known: int(p.contacts.known.Load()), PerDay: p.contacts.perDay}
	}
	return s
}

func (p *Poller) countRequest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
}

func (p *Poller) setLastGood() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastGood = time.Now()
}

func (p *Poller) setLastRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastRead = time.Now()
}

// countedAPI counts the requests that go through it.
type countedAPI struct {
	api   API
	count func()
}

func (a *countedAPI) UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error) {
	a.count()
	return a.api.UserChats(ctx, q)
}

func (a *countedAPI) UserChat(ctx context.Context, id string) (*channeltalk.UserChat, error) {
	a.count()
	return a.api.UserChat(ctx, id)
}

func (a *countedAPI) User(ctx context.Context, id string) (*channeltalk.User, error) {
	a.count()
	return a.api.User(ctx, id)
}

func (a *countedAPI) Messages(ctx context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	a.count()
	return a.api.Messages(ctx, chatID, q)
}

func (a *countedAPI) Groups(ctx context.Context, since string, limit int) (*channeltalk.GroupPage, error) {
	a.count()
	return a.api.Groups(ctx, since, limit)
}

func (a *countedAPI) GroupMessages(ctx context.Context, groupID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error) {
	a.count()
	return a.api.GroupMessages(ctx, groupID, q)
}

func (a *countedAPI) Managers(ctx context.Context, since string, limit int) (*channeltalk.ManagerPage, error) {
	a.count()
	return a.api.Managers(ctx, since, limit)
}
