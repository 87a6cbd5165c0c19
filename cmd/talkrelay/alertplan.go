package main

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"talkrelay"
	"talkrelay/alert"
	"talkrelay/sink"
)

// alertPlan is the table [alert]: when to speak, and over which paths. A path whose table is empty is nil.
type alertPlan struct {
	times          alert.Times
	voice          alert.Voice
	noPoll         time.Duration
	queueAge       time.Duration
	diskFree       int    // MiB
	diskOf         string // directory of the state file
	timeout        time.Duration
	slack          *alert.Slack
	webhook        *alert.Webhook
	email          *alert.Email
	heartbeat      *alert.Heartbeat
	heartbeatEvery time.Duration
}

// on reports whether there is anybody to tell.
func (p alertPlan) on() bool {
	return p.slack != nil || p.webhook != nil || p.email != nil || p.heartbeat != nil
}

// minAlertWait bounds the thresholds from below: less would call one slow answer an outage.
const minAlertWait = time.Second

func (c *config) alertPlan(statePath string, secrets *secretReader, problems *talkrelay.Problems) alertPlan {
	a := c.Alert
	p := alertPlan{
		times:  alert.Times{After: a.After, Gather: a.Gather, Apart: a.Apart, Repeat: a.Repeat, RepeatMax: a.RepeatMax},
		voice:  alert.Voice{Language: string(c.language), Location: c.location},
		noPoll: a.NoPoll, queueAge: a.QueueAge, diskFree: a.DiskFreeMB, timeout: a.Timeout,
		diskOf: filepath.Dir(statePath), heartbeatEvery: a.Heartbeat.Every,
	}
	p.voice.Host, _ = os.Hostname() // without one, messages do not say which machine speaks
	c.checkAlertWaits(problems)
	c.alertPaths(&p, secrets, problems)
	return p
}

func (c *config) checkAlertWaits(problems *talkrelay.Problems) {
	a := c.Alert
	for _, w := range []struct {
		key  string
		wait time.Duration
	}{
		{"after", a.After}, {"gather", a.Gather}, {"apart", a.Apart}, {"repeat", a.Repeat}, {"repeat_max", a.RepeatMax},
		{"no_poll", a.NoPoll}, {"queue_age", a.QueueAge}, {"timeout", a.Timeout}, {"heartbeat.every", a.Heartbeat.Every},
	} {
		if w.wait < minAlertWait {
			problems.Add("alert."+w.key, "must be at least %s", minAlertWait)
		}
	}
	if a.RepeatMax < a.Repeat {
		problems.Add("alert.repeat_max", "must not be less than repeat, %s", a.Repeat)
	}
	if a.DiskFreeMB < 0 {
		problems.Add("alert.disk_free_mb", "must not be negative; 0 turns it off")
	}
}

// alertPaths makes the paths whose tables hold something.
func (c *config) alertPaths(p *alertPlan, secrets *secretReader, problems *talkrelay.Problems) {
	a := c.Alert
	if a.Slack.Token.set || a.Slack.Channel != "" {
		p.slack = &alert.Slack{Channel: a.Slack.Channel, APIURL: withSlash(a.Slack.APIURL)}
		check := pathCheck(problems, "alert.slack", p.slack.Validate)
		p.slack.Token = secretValue(secrets, a.Slack.Token, "alert.slack.token", problems)
		check()
	}
	if a.Webhook.URL.set {
		p.webhook = &alert.Webhook{}
		check := pathCheck(problems, "alert.webhook", p.webhook.Validate)
		p.webhook.URL = secretValue(secrets, a.Webhook.URL, "alert.webhook.url", problems)
		check()
	}
	if e := a.Email; e.SMTP != "" || e.From != "" || len(e.To) > 0 || e.Username != "" || e.Password.set {
		p.email = &alert.Email{Server: e.SMTP, Username: e.Username, From: e.From, To: e.To, Timeout: a.Timeout}
		check := pathCheck(problems, "alert.email", p.email.Validate)
		if e.Password.set {
			p.email.Password = secretValue(secrets, e.Password, "alert.email.password", problems)
		}
		check()
	}
	if h := a.Heartbeat; h.URL.set || h.FailURL.set {
		p.heartbeat = &alert.Heartbeat{}
		check := pathCheck(problems, "alert.heartbeat", p.heartbeat.Validate)
		p.heartbeat.URL = secretValue(secrets, h.URL, "alert.heartbeat.url", problems)
		if h.FailURL.set {
			p.heartbeat.FailURL = secretValue(secrets, h.FailURL, "alert.heartbeat.fail_url", problems)
		}
		check()
	}
}

// pathCheck returns what adds the findings of validate, unless secrets were at fault meanwhile: the findings would only
// be what follows from that.
func pathCheck(problems *talkrelay.Problems, key string, validate func() talkrelay.Problems) func() {
	before := len(*problems)
	return func() {
		if len(*problems) == before {
			addAll(problems, key, validate())
		}
	}
}

func withSlash(address string) string {
	if n := len(address); n > 0 && address[n-1] != '/' {
		return address + "/"
	}
	return address
}

// holdsSecret reports whether a secret of a path stands in the config file itself.
func (a alertFile) holdsSecret() bool {
	return a.Slack.Token.inline() || a.Webhook.URL.inline() || a.Email.Password.inline() ||
		a.Heartbeat.URL.inline() || a.Heartbeat.FailURL.inline()
}

// connect gives the paths the network, and returns those that messages go over. Each is its own copy: a plan is not
// changed once it is made.
func (p alertPlan) connect(base *http.Transport) (paths []alert.Path, heartbeat *alert.Heartbeat) {
	client := sink.NewHTTPClient(base, p.timeout)
	if p.slack != nil {
		s := *p.slack
		s.Client = client
		paths = append(paths, &s)
	}
	if p.webhook != nil {
		w := *p.webhook
		w.Client, w.Proxy = client, base.Proxy
		paths = append(paths, &w)
	}
	if p.email != nil {
		e := *p.email
		e.TLS = &tls.Config{RootCAs: base.TLSClientConfig.RootCAs}
		paths = append(paths, &e)
	}
	if p.heartbeat != nil {
		h := *p.heartbeat
		h.Client, h.Proxy = client, base.Proxy
		heartbeat = &h
		if h.FailURL != "" {
			paths = append(paths, heartbeat)
		}
	}
	return paths, heartbeat
}
