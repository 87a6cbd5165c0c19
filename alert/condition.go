// Package alert tells people that the relay is broken, by another path than the one that may be broken: a Slack channel
// of its own, a webhook, an e-mail, a heartbeat that stops.
//
// Whoever uses it says every few seconds what is wrong now, as a list of Conditions. A Book decides from that what is
// worth a message, and when; it knows nothing of paths. A courier for each path carries its Reports, tries again as
// long as it takes, and holds up nobody. Nothing of it touches the queue or the destinations of deliveries, and nothing
// in a message is customer data.
package alert

import (
	"strings"
	"time"

	"talkrelay"
)

// Kind names what is wrong.
type Kind string

// The kinds of condition. Their names are in the webhook's JSON and in the state file: they do not change.
const (
	Refused Kind = "credential_refused" // Channel Talk does not take the key of a channel
	Paused  Kind = "destination_paused" // a sink waits until somebody mends its destination or its credential
	NoPoll  Kind = "no_good_poll"       // a channel has not been read in time
	Queue   Kind = "queue_old"          // a delivery waits for too long
	Dead    Kind = "dead_letters"       // messages that can never be delivered
	Disk    Kind = "disk_nearly_full"   // where the state file is
)

// Condition is one thing that is wrong. Kind and Name together say which.
type Condition struct {
	Kind   Kind      `json:"kind"`
	Name   string    `json:"name,omitempty"` // of the channel or sink in the config; the directory, with Disk
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`   // when it was over; zero = it is not
	Count  int       `json:"count,omitempty"`  // dead letters, deliveries that wait, or MiB left
	Detail string    `json:"detail,omitempty"` // the error behind it, without secrets and customer data
}

func (c Condition) key() string { return string(c.Kind) + "/" + c.Name }

// maxDetail bounds what of an error a message shows.
const maxDetail = 300

// presentable makes what a program or a service said fit for a line of a message.
func (c Condition) presentable() Condition {
	c.Name = oneLine(c.Name)
	c.Detail = talkrelay.MaskText(oneLine(c.Detail))
	if r := []rune(c.Detail); len(r) > maxDetail {
		c.Detail = string(r[:maxDetail]) + "…"
	}
	return c
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}
