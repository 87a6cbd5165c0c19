package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// shelf holds the chats of one state in the order they came to it. A chat that leaves leaves a gap; gaps are closed
// when there are too many. So a page costs what is on it, however many chats there are.
type shelf struct {
	rows []row // by key, rising
	live int
}

type row struct {
	key  uint64
	chat *Chat // nil = a gap
}

func (s *shelf) put(c *Chat, key uint64) {
	c.place = key
	s.rows = append(s.rows, row{key, c})
	s.live++
}

func (s *shelf) take(c *Chat) {
	i, ok := slices.BinarySearchFunc(s.rows, c.place, func(r row, key uint64) int { return cmp.Compare(r.key, key) })
	if !ok {
		return
	}
	s.rows[i].chat = nil
	s.live--
	if len(s.rows) > 64 && s.live < len(s.rows)/2 {
		s.rows = slices.DeleteFunc(s.rows, func(r row) bool { return r.chat == nil })
	}
}

// ordered returns the rows by rising key in the order asked for, and whether "descending" means by rising key in it.
func (s *shelf) ordered(o Order) (rows []row, rising bool) {
	switch o {
	case CreatedFirst:
		return s.sorted(func(c *Chat) uint64 { return c.number }), false
	case OldestFirst:
		return s.rows, true
	case Shuffled:
		return s.sorted(func(c *Chat) uint64 {
			h := fnv.New64a()
			_, _ = h.Write([]byte(c.wire.ID)) // a hash takes everything
			return h.Sum64()
		}), false
	}
	return s.rows, false
}

func (s *shelf) sorted(key func(*Chat) uint64) []row {
	rows := make([]row, 0, s.live)
	for _, r := range s.rows {
		if r.chat != nil {
			rows = append(rows, row{key(r.chat), r.chat})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
	return rows
}

// cursor is a place between two rows: behind the row with this key, in the direction the list is read.
type cursor struct {
	rising bool
	key    uint64
}

// cursorMark makes a cursor begin with characters that a careless client spoils in a URL.
const cursorMark = "\xfb\xef\xbe\xff\xff\xff"

// String returns the cursor as the client sees it: opaque, and in need of URL-encoding.
func (c cursor) String() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%t:%d", cursorMark, c.rising, c.key))
}

func parseCursor(s string) (cursor, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, false
	}
	text, marked := strings.CutPrefix(string(b), cursorMark)
	rising, key, cut := strings.Cut(text, ":")
	n, err := strconv.ParseUint(key, 10, 64)
	return cursor{rising == "true", n}, marked && cut && err == nil
}

// page returns up to limit rows behind from (nil = from the start), and whether more follow. again makes the row at from
// come once more.
func page(rows []row, rising bool, from *cursor, again bool, limit int) (out []row, more bool) {
	i, step := 0, 1
	if !rising {
		i, step = len(rows)-1, -1
	}
	if from != nil {
		at, found := slices.BinarySearchFunc(rows, from.key, func(r row, key uint64) int { return cmp.Compare(r.key, key) })
		switch {
		case !rising && found && again:
			i = at
		case !rising:
			i = at - 1
		case found && !again:
			i = at + 1
		default:
			i = at
		}
	}
	for ; i >= 0 && i < len(rows); i += step {
		if rows[i].chat == nil {
			continue
		}
		if len(out) == limit {
			return out, true
		}
		out = append(out, rows[i])
	}
	return out, false
}
