package alert

import (
	"slices"
	"time"
)

// Report is one message: everything that has changed since the last one, and what still stands besides.
type Report struct {
	At        time.Time   `json:"at"`
	Test      bool        `json:"test,omitempty"` // nothing is wrong, somebody wants to see a message arrive
	Raised    []Condition `json:"raised,omitempty"`
	Standing  []Condition `json:"standing,omitempty"`
	Recovered []Condition `json:"recovered,omitempty"`
}

// merge returns what is to be told when old could not be sent before next came: one message, true at the time of next.
// What was raised and is over was never told, but somebody was in trouble meanwhile: it is told as recovered.
func merge(old, next Report) Report {
	r := next
	now := slices.Concat(next.Raised, next.Standing)
	r.Raised = slices.Clone(next.Raised)
	for _, c := range old.Raised {
		if i := find(now, c); i >= 0 && find(r.Raised, c) < 0 {
			r.Raised = append(r.Raised, now[i])
		}
	}
	r.Standing = slices.DeleteFunc(slices.Clone(next.Standing), func(c Condition) bool { return find(r.Raised, c) >= 0 })
	r.Recovered = slices.Clone(next.Recovered)
	for _, c := range old.Recovered {
		if find(now, c) < 0 && find(r.Recovered, c) < 0 {
			r.Recovered = append(r.Recovered, c)
		}
	}
	return r
}

// find returns the place of the condition with c's key, -1 if there is none.
func find(all []Condition, c Condition) int {
	return slices.IndexFunc(all, func(x Condition) bool { return x.key() == c.key() })
}

// status names what matters most of r.
func (r Report) status() string {
	switch {
	case r.Test:
		return "test"
	case len(r.Raised) > 0:
		return "raised"
	case len(r.Standing) > 0:
		return "standing"
	}
	return "recovered"
}
