package sandbox

import "strings"

// Diff is what went wrong between what was to arrive and what did. All empty = nothing.
type Diff struct {
	Lost       []string // wanted, never came
	Doubled    []string // came again, once for each time too many
	Extra      []string // came, never wanted
	Disordered []string // the fewest that would have to move for the order to be right
}

// OK reports whether nothing went wrong.
func (d Diff) OK() bool {
	return len(d.Lost) == 0 && len(d.Doubled) == 0 && len(d.Extra) == 0 && len(d.Disordered) == 0
}

// Compare compares keys that were to arrive, each once and in this order, with those that did. The order counts by each
// key's first arrival. Keys in want are distinct.
func Compare(want, got []string) Diff {
	var d Diff
	place := make(map[string]int, len(want))
	for i, k := range want {
		place[k] = i
	}
	seen := make(map[string]bool, len(got))
	var order []int // places of want, as they came
	for _, k := range got {
		i, wanted := place[k]
		switch {
		case !wanted:
			d.Extra = append(d.Extra, k)
		case seen[k]:
			d.Doubled = append(d.Doubled, k)
		default:
			seen[k] = true
			order = append(order, i)
		}
	}
	for _, k := range want {
		if !seen[k] {
			d.Lost = append(d.Lost, k)
		}
	}
	for _, i := range outOfOrder(order) {
		d.Disordered = append(d.Disordered, want[i])
	}
	return d
}

// outOfOrder returns the elements outside one longest rising subsequence of distinct numbers.
func outOfOrder(order []int) []int {
	tails := []int{}                  // tails[n] = index of the smallest element that ends a rising run of n+1
	before := make([]int, len(order)) // index of the element before it in its run; -1 = none
	for i, v := range order {
		lo, hi := 0, len(tails)
		for lo < hi {
			if mid := (lo + hi) / 2; order[tails[mid]] < v {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		before[i] = -1
		if lo > 0 {
			before[i] = tails[lo-1]
		}
		if lo == len(tails) {
			tails = append(tails, i)
		} else {
			tails[lo] = i
		}
	}
	inRun := make([]bool, len(order))
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = before[i] {
			inRun[i] = true
		}
	}
	var out []int
	for i, v := range order {
		if !inRun[i] {
			out = append(out, v)
		}
	}
	return out
}

// KeysIn returns, for each text in order, the first of keys that stands in it as a word of its own (between characters
// that are neither letters nor digits). Texts without one are passed over.
func KeysIn(texts []string, keys ...string) []string {
	known := make(map[string]bool, len(keys))
	for _, k := range keys {
		known[k] = true
	}
	var found []string
	for _, t := range texts {
		for word := range strings.FieldsFuncSeq(t, notAlphanumeric) {
			if known[word] {
				found = append(found, word)
				break
			}
		}
	}
	return found
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
