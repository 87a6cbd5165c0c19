package slack

import (
	"cmp"
	"strings"

	"talkrelay"
	"talkrelay/sink"
)

// view returns what a message may show of e: in the sink's language, in the event's time zone, masked if the sink
// masks.
func (s *Sink) view(e talkrelay.Event) sink.View {
	v := sink.NewViewIn(e, s.cfg.Language, s.cfg.Location)
	v = sink.MapTexts(v, talkrelay.CleanText) // ids and media come from outside as well
	v.DeskURL = e.DeskURL                     // linkURL decides on it as it is
	if s.cfg.masked() {
		sink.MaskView(&v)
	}
	v.AssigneeMention = s.people.mention(e.Assignee.Email) // markup, unlike the rest
	return v
}

// What mrkdwn gives a meaning to, and what stands for it while a template runs. Unicode reserves these three for use
// inside a program, each is one character like what it stands for, and so functions that cut or count work as they
// would on the text itself.
var (
	guards  = strings.NewReplacer("&", "\ufdd0", "<", "\ufdd1", ">", "\ufdd2", "\ufdd0", "", "\ufdd1", "", "\ufdd2", "")
	escapes = strings.NewReplacer("\ufdd0", "&amp;", "\ufdd1", "&lt;", "\ufdd2", "&gt;")
)

// execute runs an own template. What it writes of v can neither mention nor link; what the operator wrote can.
func execute(t *sink.Template, v sink.View) (string, error) {
	guarded := sink.MapTexts(v, guards.Replace)
	guarded.AssigneeMention = cmp.Or(v.AssigneeMention, guarded.Assignee.Name)
	guarded.DeskURL = linkURL(v.DeskURL) // escaped and fit for <{{.DeskURL}}|label>, or nothing
	text, err := t.Execute(guarded)
	if err != nil {
		return "", err
	}
	return escapes.Replace(sink.Clean(text)), nil
}
