package sheets

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normal is the form in which headers are compared: letters of any case and width, without spaces.
func normal(header string) string {
	return strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(header)), ""))
}

// layout says in which column of the sheet each of ours stands.
type layout struct {
	sheetID int64
	places  []int // by column of ours: index in the sheet, from 0
	width   int   // cells in a row: up to our last column
}

// match finds columns in the header row of a sheet. The first header that fits counts. missing are the indexes of
// columns that have none; each gets a place right of everything in the header row.
func match(header []string, columns []column) (places []int, missing []int) {
	first := make(map[string]int, len(header))
	used := 0
	for i, h := range header {
		n := normal(h)
		if n == "" {
			continue
		}
		used = i + 1
		if _, ok := first[n]; !ok {
			first[n] = i
		}
	}
	places = make([]int, len(columns))
	for i, col := range columns {
		place, ok := find(first, col.names)
		if !ok {
			place = used + len(missing)
			missing = append(missing, i)
		}
		places[i] = place
	}
	return places, missing
}

// find returns the place of the first of names, and takes that place so that no other column gets it.
func find(places map[string]int, names []string) (int, bool) {
	for _, n := range names {
		if place, ok := places[n]; ok {
			delete(places, n)
			return place, true
		}
	}
	return 0, false
}

func newLayout(sheetID int64, places []int) *layout {
	l := &layout{sheetID: sheetID, places: places}
	for _, p := range places {
		l.width = max(l.width, p+1)
	}
	return l
}
