package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// told are sentences of one language by the English formats that the daemon and the sinks make them of. These speak
// English everywhere, because the log and programs read the same words; only a screen translates them. Values are taken over
// as they stand in the text, so a translation has %s for each of them, or %[2]s where its order is another one.
type told struct {
	sentences map[string]string

	once    sync.Once
	phrases []phrase
}

// phrase recognises what one format makes.
type phrase struct {
	pattern *regexp.Regexp
	format  string
}

// What values look like in a text. One that goes beyond a clause is not recognised, and its clause stays English.
var valuePatterns = strings.NewReplacer(
	"%s", `((?:[^:;]|[:;][^ ])+)`, "%v", `((?:[^:;]|[:;][^ ])+)`, "%d", `(-?\d+)`, "%q", `("(?:[^"\\]|\\.)*")`,
)

// compile has the formats tried first that say most by themselves.
func (t *told) compile() {
	mostFirst := func(a, b string) int {
		own := func(format string) int { return len(format) - 2*strings.Count(format, "%") }
		return cmp.Or(own(b)-own(a), strings.Compare(a, b))
	}
	for _, english := range slices.SortedFunc(maps.Keys(t.sentences), mostFirst) {
		pattern := "^" + valuePatterns.Replace(regexp.QuoteMeta(english)) + "$"
		t.phrases = append(t.phrases, phrase{regexp.MustCompile(pattern), t.sentences[english]})
	}
}

// clause returns the translation of a whole text that one format makes.
func (t *told) clause(text string) (string, bool) {
	if exact, ok := t.sentences[text]; ok {
		return exact, true
	}
	t.once.Do(t.compile)
	for _, p := range t.phrases {
		found := p.pattern.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		values := make([]any, len(found)-1)
		for i, v := range found[1:] {
			values[i] = v
		}
		return fmt.Sprintf(p.format, values...), true
	}
	return text, false
}

// clauseEnd is where one part of a text ends and what follows explains it, or says what to do.
var clauseEnd = regexp.MustCompile(`[:;] `)

// say translates a text clause by clause, the longest that are known. What is not known stays as it is, and whole is false.
func (t *told) say(text string) (said string, whole bool) {
	if said, ok := t.clause(text); ok {
		return said, true
	}
	ends := clauseEnd.FindAllStringIndex(text, -1)
	for i := len(ends) - 1; i >= 0; i-- {
		if head, ok := t.clause(text[:ends[i][0]]); ok {
			tail, whole := t.say(text[ends[i][1]:])
			return head + text[ends[i][0]:ends[i][1]] + tail, whole
		}
	}
	if len(ends) == 0 {
		return text, false
	}
	tail, _ := t.say(text[ends[0][1]:])
	return text[:ends[0][1]] + tail, false
}
