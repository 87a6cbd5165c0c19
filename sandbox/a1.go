package sandbox

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// area is a rectangle of cells, ends exclusive, counted from 0.
type area struct{ row, column, endRow, endColumn int }

var a1Pattern = regexp.MustCompile(`^([A-Za-z]{0,3})([0-9]{0,8})(?::([A-Za-z]{0,3})([0-9]{0,8}))?$`)

// parseA1 reads a range as in 'My tab'!A2:C, My tab, A1:B2 (of the first tab).
func (b *book) parseA1(text string) (*tab, area, *googleError) {
	unknown := badRequest("Unable to parse range: %s", text)
	title, cells, found := cutTitle(text)
	if !found {
		if t := b.titled(title); t != nil {
			return t, t.all(), nil
		}
		title, cells = b.tabs[0].title, text
	}
	t := b.titled(title)
	if t == nil {
		return nil, area{}, unknown
	}
	m := a1Pattern.FindStringSubmatch(cells)
	if m == nil || cells == "" {
		return nil, area{}, unknown
	}
	a := t.all()
	single := !strings.Contains(cells, ":")
	if single && (m[1] == "" || m[2] == "") || !single && (m[1]+m[2] == "" || m[3]+m[4] == "") {
		return nil, area{}, unknown
	}
	if m[1] != "" {
		a.column = columnNumber(m[1])
	}
	if m[2] != "" {
		a.row = atoi(m[2]) - 1
	}
	if single {
		a.endColumn, a.endRow = a.column+1, a.row+1
	}
	if m[3] != "" {
		a.endColumn = columnNumber(m[3]) + 1
	}
	if m[4] != "" {
		a.endRow = atoi(m[4])
	}
	if a.row < 0 || a.row >= t.rowCount || a.column >= t.colCount {
		return nil, area{}, badRequest("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d", text, t.rowCount, t.colCount)
	}
	return t, a, nil
}

// cutTitle splits 'title'!cells. Without a ! the whole text is the title.
func cutTitle(text string) (title, cells string, found bool) {
	at := strings.LastIndex(text, "!")
	if at >= 0 {
		title, cells, found = text[:at], text[at+1:], true
	} else {
		title = text
	}
	if quoted, ok := strings.CutPrefix(title, "'"); ok && strings.HasSuffix(quoted, "'") {
		title = strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), "''", "'")
	}
	return title, cells, found
}

func (t *tab) all() area { return area{0, 0, t.rowCount, t.colCount} }

// a1 names an area of the tab.
func (t *tab) a1(a area) string {
	title := "'" + strings.ReplaceAll(t.title, "'", "''") + "'"
	return fmt.Sprintf("%s!%s%d:%s%d", title, columnName(a.column), a.row+1,
		columnName(min(a.endColumn, t.colCount)-1), min(a.endRow, t.rowCount))
}

// columnNumber is 0 for A.
func columnNumber(name string) int {
	n := 0
	for _, r := range strings.ToUpper(name) {
		n = n*26 + int(r-'A') + 1
	}
	return n - 1
}

func columnName(n int) string {
	name := ""
	for n++; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// atoi reads digits that a pattern has found.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
