package slack

import (
	"regexp"

	"talkrelay/sink"
)

var _ sink.Linker = (*Sink)(nil)

var messageTS = regexp.MustCompile(`^(\d+)\.(\d+)$`)

// Link returns the address of a message. Slack's own permalinks have the workspace's host in them, which is not known
// here; slack.com sends a browser that is signed in on to it.
func (s *Sink) Link(r sink.Receipt) string {
	ts, channel := messageTS.FindStringSubmatch(string(r)), s.knownChannel()
	if ts == nil || channel == "" {
		return ""
	}
	return "https://slack.com/archives/" + channel + "/p" + ts[1] + ts[2]
}
