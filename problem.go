package talkrelay

import (
	"fmt"
	"strings"
)

// Problem is something wrong with one setting. Key is relative to the part of the config it was found in ("columns[2].value").
type Problem struct {
	Key  string
	Text string // what is wrong and what is allowed, as a sentence part
}

// Problems collects what Validate finds, so that all of it is shown at once.
type Problems []Problem

// Add records a problem with key.
func (p *Problems) Add(key, format string, args ...any) {
	*p = append(*p, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

// Error joins the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, q := range p {
		lines[i] = q.Key + ": " + q.Text
	}
	return strings.Join(lines, "\n")
}
