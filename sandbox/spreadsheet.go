package sandbox

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Spreadsheet is one document with its tabs.
type Spreadsheet struct {
	ID    string
	Title string

	g        *Google
	unshared map[string]bool // accounts it is not shared with
	office   bool
	book     book
}

// book is what a batchUpdate changes: whole or not at all. Rows are never changed in place, so that a copy of the
// slices is a copy of the book.
type book struct {
	tabs     []*tab
	metadata map[int32]*developerMetadata
	zone     string
	nextTab  int32
}

// tab is one sheet of a spreadsheet.
type tab struct {
	id        int32
	title     string
	index     int
	rows      [][]Cell
	rowCount  int
	colCount  int
	frozen    int
	frozenCol int
	hidden    bool
	protected bool
	filter    bool
}

// CellKind says what a cell holds.
type CellKind string

// The kinds of cell.
const (
	EmptyCell   CellKind = ""
	TextCell    CellKind = "text"
	NumberCell  CellKind = "number"
	BoolCell    CellKind = "bool"
	FormulaCell CellKind = "formula"
)

// Cell is one cell. The zero Cell is empty.
type Cell struct {
	Kind    CellKind
	Text    string  // of a text or formula
	Number  float64 // of a number, a date, or a truth value (1 = true)
	Format  string  // number format type, as TEXT or DATE_TIME; "" = automatic
	Pattern string  // number format pattern, as yyyy-mm-dd hh:mm
	Bold    bool
}

// epoch is day 0 of a sheet's dates.
var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// Time reads a date cell, whose clock is that of the spreadsheet's time zone loc. The zero time if it is none.
func (c Cell) Time(loc *time.Location) time.Time {
	if c.Kind != NumberCell {
		return time.Time{}
	}
	t := epoch.Add(time.Duration(math.Round(c.Number*86_400)) * time.Second)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, loc)
}

// String returns what the cell shows.
func (c Cell) String() string {
	switch c.Kind {
	case NumberCell:
		return c.number()
	case BoolCell:
		return strings.ToUpper(strconv.FormatBool(c.Number != 0))
	}
	return c.Text
}

func (c Cell) number() string {
	layout := map[string]string{"DATE": "2006-01-02", "TIME": "15:04:05", "DATE_TIME": "2006-01-02 15:04:05"}[c.Format]
	if layout == "" {
		return strconv.FormatFloat(c.Number, 'f', -1, 64)
	}
	if c.Pattern != "" {
		layout = dateLayout(c.Pattern)
	}
	return c.Time(time.UTC).Format(layout)
}

// dateLayout turns the usual parts of a sheet's date pattern into Go's. mm is the month unless it stands beside hours.
func dateLayout(pattern string) string {
	pattern = strings.NewReplacer(`"`, "", `\`, "").Replace(strings.ToLower(pattern))
	pattern = strings.NewReplacer("hh:mm", "15:04", "h:mm", "15:04").Replace(pattern)
	return strings.NewReplacer("yyyy", "2006", "yy", "06", "mm", "01", "m", "1", "dd", "02", "d", "2", "ss", "05").Replace(pattern)
}

// AddSpreadsheet makes a spreadsheet with one empty tab, "시트1", which has the numeric id 0.
func (g *Google) AddSpreadsheet(title string) *Spreadsheet {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Spreadsheet{
		ID: "1" + g.names.upper(21) + g.names.hex(16) + g.names.hex(6), Title: title, g: g, unshared: make(map[string]bool),
		book: book{zone: "Asia/Seoul", metadata: make(map[int32]*developerMetadata), nextTab: 1000},
	}
	s.book.tabs = []*tab{{title: "시트1", rowCount: 1000, colCount: 26}}
	g.spreadsheets[s.ID] = s
	return s
}

// edit runs f on the book, as a person at a browser would change it.
func (s *Spreadsheet) edit(f func(b *book)) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	f(&s.book)
}

func (s *Spreadsheet) editTab(title string, f func(t *tab)) {
	s.edit(func(b *book) {
		if t := b.titled(title); t != nil {
			f(t)
		}
	})
}

// SetShared shares the spreadsheet with an account, as all are at first, or takes it away.
func (s *Spreadsheet) SetShared(with *ServiceAccount, shared bool) {
	s.edit(func(*book) { s.unshared[with.Email] = !shared })
}

// SetOffice makes the document an .xlsx file that only looks like a spreadsheet.
func (s *Spreadsheet) SetOffice(office bool) { s.edit(func(*book) { s.office = office }) }

// SetTimeZone sets the spreadsheet's time zone, an IANA name; Asia/Seoul at first.
func (s *Spreadsheet) SetTimeZone(zone string) { s.edit(func(b *book) { b.zone = zone }) }

// Delete removes the whole spreadsheet.
func (s *Spreadsheet) Delete() { s.edit(func(*book) { delete(s.g.spreadsheets, s.ID) }) }

// AddTab makes a tab, and returns its numeric id.
func (s *Spreadsheet) AddTab(title string) (id int32) {
	s.edit(func(b *book) {
		id = b.addTab(&tab{title: title, rowCount: 1000, colCount: 26}).id
	})
	return id
}

// RenameTab gives a tab another title; its id stays.
func (s *Spreadsheet) RenameTab(title, to string) { s.editTab(title, func(t *tab) { t.title = to }) }

// DeleteTab removes a tab and the metadata on it.
func (s *Spreadsheet) DeleteTab(title string) {
	s.edit(func(b *book) {
		t := b.titled(title)
		if t == nil {
			return
		}
		b.tabs = slices.DeleteFunc(b.tabs, func(o *tab) bool { return o == t })
		maps.DeleteFunc(b.metadata, func(_ int32, m *developerMetadata) bool { return m.on(t.id) })
	})
}

// SetProtected protects a tab from everybody but its owner, or ends that.
func (s *Spreadsheet) SetProtected(title string, protected bool) {
	s.editTab(title, func(t *tab) { t.protected = protected })
}

// SetFilter switches a basic filter on the tab on or off.
func (s *Spreadsheet) SetFilter(title string, on bool) {
	s.editTab(title, func(t *tab) { t.filter = on })
}

// Resize sets the size of a tab's grid.
func (s *Spreadsheet) Resize(title string, rows, columns int) {
	s.editTab(title, func(t *tab) { t.rowCount, t.colCount = rows, columns })
}

// SetRow writes one row as a person would, counted from 0; the cells become text.
func (s *Spreadsheet) SetRow(title string, row int, texts ...string) {
	s.editTab(title, func(t *tab) {
		cells := make([]Cell, len(texts))
		for i, text := range texts {
			if text != "" {
				cells[i] = Cell{Kind: TextCell, Text: text}
			}
		}
		t.set(row, cells)
	})
}

// DeleteRow removes one row, counted from 0, as a person would.
func (s *Spreadsheet) DeleteRow(title string, row int) {
	s.editTab(title, func(t *tab) {
		if row < len(t.rows) {
			t.rows = slices.Delete(slices.Clone(t.rows), row, row+1)
		}
	})
}

// SortRows sorts the rows below the first one by what a column shows, as a person would.
func (s *Spreadsheet) SortRows(title string, column int) {
	s.editTab(title, func(t *tab) {
		t.rows = slices.Clone(t.rows)
		at := func(row []Cell) string {
			if column < len(row) {
				return row[column].String()
			}
			return ""
		}
		slices.SortStableFunc(t.rows[min(1, len(t.rows)):], func(a, b []Cell) int { return cmp.Compare(at(a), at(b)) })
	})
}

// Rows returns the rows of a tab, the last ones without data left out; nil if there is no such tab.
func (s *Spreadsheet) Rows(title string) [][]Cell {
	var rows [][]Cell
	s.editTab(title, func(t *tab) {
		for _, r := range t.rows[:t.dataRows()] {
			rows = append(rows, slices.Clone(r))
		}
	})
	return rows
}

// Texts returns what the rows of a tab show.
func (s *Spreadsheet) Texts(title string) [][]string {
	var rows [][]string
	for _, r := range s.Rows(title) {
		texts := make([]string, len(r))
		for i, c := range r {
			texts[i] = c.String()
		}
		rows = append(rows, texts)
	}
	return rows
}

// Column returns what one column of a tab shows, from the row on that is given, counted from 0.
func (s *Spreadsheet) Column(title string, column, from int) []string {
	var texts []string
	rows := s.Texts(title)
	for _, r := range rows[min(from, len(rows)):] {
		if column < len(r) {
			texts = append(texts, r[column])
		}
	}
	return texts
}

// Tabs returns the titles of the tabs in order.
func (s *Spreadsheet) Tabs() []string {
	var titles []string
	s.edit(func(b *book) {
		for _, t := range b.tabs {
			titles = append(titles, t.title)
		}
	})
	return titles
}

// MetadataIDs returns the ids of all developer metadata, rising.
func (s *Spreadsheet) MetadataIDs() []int32 {
	var ids []int32
	s.edit(func(b *book) { ids = slices.Sorted(maps.Keys(b.metadata)) })
	return ids
}

// copy returns a book that can be changed without changing b.
func (b book) copy() book {
	b.metadata = maps.Clone(b.metadata)
	b.tabs = slices.Clone(b.tabs)
	for i, t := range b.tabs {
		c := *t
		c.rows = slices.Clone(t.rows)
		b.tabs[i] = &c
	}
	return b
}

func (b *book) titled(title string) *tab {
	for _, t := range b.tabs {
		if t.title == title {
			return t
		}
	}
	return nil
}

func (b *book) numbered(id int32) *tab {
	for _, t := range b.tabs {
		if t.id == id {
			return t
		}
	}
	return nil
}

// addTab adds t, with a free id if it has none.
func (b *book) addTab(t *tab) *tab {
	for t.id == 0 {
		b.nextTab += 7919
		if b.numbered(b.nextTab) == nil {
			t.id = b.nextTab
		}
	}
	t.index = len(b.tabs)
	b.tabs = append(b.tabs, t)
	return t
}

// cells counts the cells of all grids, empty ones too.
func (b *book) cells() int {
	n := 0
	for _, t := range b.tabs {
		n += t.rowCount * t.colCount
	}
	return n
}

// dataRows returns how many rows there are up to the last one that has a value.
func (t *tab) dataRows() int {
	for n := len(t.rows); n > 0; n-- {
		if slices.ContainsFunc(t.rows[n-1], func(c Cell) bool { return c.Kind != EmptyCell }) {
			return n
		}
	}
	return 0
}

// set replaces a whole row.
func (t *tab) set(row int, cells []Cell) {
	for len(t.rows) <= row {
		t.rows = append(t.rows, nil)
	}
	t.rows[row] = cells
}
