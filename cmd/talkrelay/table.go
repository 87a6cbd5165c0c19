package main

import (
	"io"
	"os"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// terminalWidth returns how many columns w has, 0 = any number: it is a pipe or a file.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// isTerminal reports whether somebody looks at w, so that lines may be drawn over.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// displayWidth returns how many columns s takes in a terminal: two for Hangul, kana, kanji and emoji.
func displayWidth(s string) int { return uniseg.StringWidth(s) }

// padRight fills s with spaces to width columns.
func padRight(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displayWidth(s)))
}

// truncateTo cuts s to width columns, the last of which is then an ellipsis. Nothing that is one character to a reader
// is cut in two.
func truncateTo(s string, width int) string {
	if displayWidth(s) <= width {
		return s
	}
	var b strings.Builder
	left := width - 1
	for g := uniseg.NewGraphemes(s); g.Next() && g.Width() <= left; {
		b.WriteString(g.Str())
		left -= g.Width()
	}
	if width > 0 {
		b.WriteString("…")
	}
	return b.String()
}

// table prints rows under titles, each column as wide as its widest cell. Where the terminal is too narrow for that, it
// prints every row as a block of lines instead, a title and its cell each.
type table struct {
	titles []string
	rows   [][]string
}

// add appends a row. Line breaks in a cell become spaces.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.Join(strings.Fields(c), " ")
	}
	t.rows = append(t.rows, cells)
}

// print writes the table to w, which has width columns; 0 = any number.
func (t *table) print(w io.Writer, width int) error {
	text := t.wide()
	if width > 0 && widest(text) > width {
		text = t.narrow(width)
	}
	_, err := io.WriteString(w, strings.Join(text, "\n")+"\n")
	return err
}

func widest(lines []string) int {
	most := 0
	for _, l := range lines {
		most = max(most, displayWidth(l))
	}
	return most
}

const tableGap = 2

func (t *table) wide() []string {
	widths := make([]int, len(t.titles))
	all := append([][]string{t.titles}, t.rows...)
	for _, row := range all {
		for i, c := range row {
			widths[i] = max(widths[i], displayWidth(c))
		}
	}
	lines := make([]string, len(all))
	for n, row := range all {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(padRight(c, widths[i]+tableGap))
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// narrow writes a row as a block: its first cell alone, the others below it with their titles.
func (t *table) narrow(width int) []string {
	title := widest(t.titles[1:])
	var lines []string
	for _, row := range t.rows {
		lines = append(lines, truncateTo(row[0], width))
		for i, c := range row[1:] {
			for n, part := range wrap(c, max(8, width-title-2*tableGap)) {
				name := ""
				if n == 0 {
					name = t.titles[i+1]
				}
				lines = append(lines, strings.TrimRight("  "+padRight(name, title+tableGap)+part, " "))
			}
		}
	}
	return lines
}

// wrap breaks s into lines of at most width columns, between words where there are any. It returns at least one line.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for line == "" && displayWidth(word) > width { // no space to break at, as in a URL or in Japanese
			head := cutAt(word, width)
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case displayWidth(line)+1+displayWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), ""
			rest := wrap(word, width)
			lines, line = append(lines, rest[:len(rest)-1]...), rest[len(rest)-1]
		}
	}
	return append(lines, line)
}

// cutAt returns the beginning of s that fits in width columns, at least one character.
func cutAt(s string, width int) string {
	end := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if width -= g.Width(); width < 0 && end > 0 {
			break
		}
		_, end = g.Positions()
	}
	return s[:end]
}
