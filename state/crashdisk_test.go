package state_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// crashDisk is one directory of a disk, made from the system calls of the processes that used it. It knows what was
// synced. Of all else it makes the images that a power cut may leave.
//
// It promises as little as POSIX does: what was written, and how long a file has become, is certain once fsync or
// fdatasync of that file returned; names are certain once fsync of the directory did. Until then each write may be
// there, or not, or some of its sectors, in any order.
//
// The processes must make their calls one after another, as one goroutine does.
type crashDisk struct {
	dir     string
	synced  map[string]*crashFile
	changes []change              // of names since the directory was synced
	now     map[string]*crashFile // as processes see it
	open    map[int64]*handle
}

// crashFile is a file with or without a name.
type crashFile struct {
	synced []byte
	writes []write // since
}

// write changes a file at an offset. Without data it sets the size to that offset.
type write struct {
	at   int64
	data string
}

// change gives name to file and takes away the name gone; either may be "".
type change struct {
	gone, name string
	file       *crashFile
}

type handle struct {
	file *crashFile // nil: it is the directory
	at   int64
}

func newCrashDisk() *crashDisk {
	return &crashDisk{synced: map[string]*crashFile{}, now: map[string]*crashFile{}}
}

// boot says that another process begins, which sees the directory as dir.
func (d *crashDisk) boot(dir string) { d.dir, d.open = dir, map[int64]*handle{} }

// clone returns a disk in the same condition.
func (d *crashDisk) clone() *crashDisk {
	copies := map[*crashFile]*crashFile{}
	copied := func(f *crashFile) *crashFile {
		if f != nil && copies[f] == nil {
			copies[f] = &crashFile{bytes.Clone(f.synced), slices.Clone(f.writes)}
		}
		return copies[f]
	}
	c := newCrashDisk()
	for name, f := range d.synced {
		c.synced[name] = copied(f)
	}
	for name, f := range d.now {
		c.now[name] = copied(f)
	}
	for _, e := range d.changes {
		c.changes = append(c.changes, change{e.gone, e.name, copied(e.file)})
	}
	return c
}

// do takes note of a call. It reports whether the disk has changed or was synced.
func (d *crashDisk) do(c call) (bool, error) {
	if c.ret < 0 {
		return false, nil
	}
	h := d.open[c.number(0)]
	switch c.name {
	case "openat":
		return d.doOpen(c)
	case "close":
		delete(d.open, c.number(0))
		return false, nil
	case "renameat", "renameat2":
		return d.rename(d.name(c.text(1)), d.name(c.text(3))), nil
	case "linkat":
		return d.link(d.name(c.text(1)), d.name(c.text(3))), nil
	case "unlinkat":
		return d.rename(d.name(c.text(1)), ""), nil
	case "mmap":
		if d.open[c.number(4)] != nil && strings.Contains(c.args[2], "PROT_WRITE") && !strings.Contains(c.args[3], "MAP_PRIVATE") {
			return false, fmt.Errorf("the replay cannot follow a file that is mapped to be written to")
		}
		return false, nil
	}
	if h == nil {
		return false, d.foreign(c)
	}
	return h.do(d, c)
}

// do is crashDisk.do for a call on an open file.
func (h *handle) do(d *crashDisk, c call) (bool, error) {
	switch {
	case c.name == "fsync" && h.file == nil:
		d.synced, d.changes = maps.Clone(d.now), nil
	case h.file == nil:
		return false, fmt.Errorf("the replay does not know %s of a directory", c.name)
	case c.name == "lseek":
		h.at = c.ret
		return false, nil
	case c.name == "write":
		h.file.write(h.at, c.text(1)[:c.ret])
		h.at += c.ret
	case c.name == "pwrite64":
		h.file.write(c.number(3), c.text(1)[:c.ret])
	case c.name == "ftruncate":
		h.file.write(c.number(1), "")
	case c.name == "fsync", c.name == "fdatasync":
		h.file.sync()
	default:
		return false, fmt.Errorf("the replay does not know %s", c.name)
	}
	return true, nil
}

// foreign returns an error if a call that has to do with none of our files, at first sight, has.
func (d *crashDisk) foreign(c call) error {
	switch c.name {
	case "write", "pwrite64", "lseek", "fsync", "fdatasync", "ftruncate":
		return nil
	}
	for i := range c.args {
		if d.open[c.number(i)] != nil || d.name(c.text(i)) != "" {
			return fmt.Errorf("the replay does not know %s", c.name)
		}
	}
	return nil
}

// name returns the name of a path in the directory, "" if it is elsewhere.
func (d *crashDisk) name(path string) string {
	if filepath.Dir(path) != d.dir {
		return ""
	}
	return filepath.Base(path)
}

func (d *crashDisk) doOpen(c call) (changed bool, err error) {
	delete(d.open, c.ret)
	if c.text(1) == d.dir {
		d.open[c.ret] = &handle{}
		return false, nil
	}
	name := d.name(c.text(1))
	if name == "" {
		return false, nil
	}
	if strings.Contains(c.args[2], "O_TRUNC") || strings.Contains(c.args[2], "O_APPEND") {
		return false, fmt.Errorf("the replay does not know openat with %s", c.args[2])
	}
	if d.now[name] == nil {
		changed = true
		d.change(change{name: name, file: &crashFile{}})
	}
	d.open[c.ret] = &handle{file: d.now[name]}
	return changed, nil
}

func (d *crashDisk) rename(from, to string) bool {
	file := d.now[from]
	if to == "" {
		file = nil
	}
	return from != "" && d.change(change{from, to, file})
}

func (d *crashDisk) link(from, to string) bool {
	return from != "" && d.change(change{name: to, file: d.now[from]})
}

func (d *crashDisk) change(e change) bool {
	d.changes = append(d.changes, e)
	e.apply(d.now)
	return true
}

func (e change) apply(names map[string]*crashFile) {
	delete(names, e.gone)
	if e.name != "" {
		names[e.name] = e.file
	}
}

func (f *crashFile) write(at int64, data string) { f.writes = append(f.writes, write{at, data}) }

func (f *crashFile) sync() {
	f.synced = f.content(cut{})
	f.writes = nil
}

// content returns what is in the file after a cut.
func (f *crashFile) content(c cut) []byte {
	text := bytes.Clone(f.synced)
	for _, w := range f.writes {
		text = c.write(text, w)
	}
	return text
}

// pending reports whether anything is not synced, the lock file aside.
func (d *crashDisk) pending() bool {
	if len(d.changes) > 0 {
		return true
	}
	for name, f := range d.now {
		if len(f.writes) > 0 && !strings.HasSuffix(name, ".lock") {
			return true
		}
	}
	return false
}

// cut says what a power cut leaves of that which was not synced. The zero cut leaves everything.
type cut struct {
	rand *rand.Rand // nil: nothing is lost

	keep    float64 // chance of a write, or of a sector of a torn one
	tear    float64 // chance of a write to be torn
	sector  int
	ordered bool // names change in order, as on a file system with a journal
	fill    byte // what is read where a file grew and nothing was written
}

// nothing leaves only what was synced.
func nothing(r *rand.Rand) cut { return cut{rand: r} }

// anything leaves a random part.
func anything(r *rand.Rand) cut {
	c := cut{rand: r, keep: []float64{0.1, 0.5, 0.9}[r.IntN(3)], sector: []int{512, 4096}[r.IntN(2)], ordered: r.IntN(2) == 0}
	c.tear = []float64{0, 0.2, 0.7}[r.IntN(3)]
	if r.IntN(4) == 0 {
		c.fill = byte(r.Uint32())
	}
	return c
}

func (c cut) kept() bool { return c.rand == nil || c.rand.Float64() < c.keep }

// write applies to text what is left of w.
func (c cut) write(text []byte, w write) []byte {
	if c.rand != nil && len(w.data) > c.sector && c.rand.Float64() < c.tear {
		for at := 0; at < len(w.data); at += c.sector {
			if c.kept() {
				text = c.put(text, w.at+int64(at), w.data[at:min(at+c.sector, len(w.data))])
			}
		}
		return text
	}
	switch {
	case !c.kept():
		return text
	case w.data == "":
		return c.resize(text, int(w.at))
	}
	return c.put(text, w.at, w.data)
}

func (c cut) put(text []byte, at int64, data string) []byte {
	if end := int(at) + len(data); end > len(text) {
		text = c.resize(text, end)
	}
	copy(text[at:], data)
	return text
}

func (c cut) resize(text []byte, size int) []byte {
	if size <= len(text) {
		return text[:size]
	}
	return append(text, bytes.Repeat([]byte{c.fill}, size-len(text))...)
}

// image is a directory: file names with the number of the content behind them, which two names may share.
type image struct {
	names   []string
	numbers []int
	content [][]byte
}

// seen returns the directory as processes see it, with what a lock file says left out.
func (d *crashDisk) seen() image { return d.image(cut{}) }

// image returns what is found after a power cut.
func (d *crashDisk) image(c cut) image {
	names, lost := maps.Clone(d.synced), false
	for _, e := range d.changes {
		if lost = !c.kept() || lost && c.ordered; !lost {
			e.apply(names)
		}
	}
	var m image
	numbers := map[*crashFile]int{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.HasSuffix(name, ".lock") { // nothing depends on it
			continue
		}
		f := names[name]
		if _, ok := numbers[f]; !ok {
			numbers[f] = len(m.content)
			m.content = append(m.content, f.content(c))
		}
		m.names, m.numbers = append(m.names, name), append(m.numbers, numbers[f])
	}
	return m
}

// sum tells images apart.
func (m image) sum() (sum [32]byte) {
	h := sha256.New()
	for i, name := range m.names {
		fmt.Fprintf(h, "%s %d\n", name, m.numbers[i])
	}
	for _, text := range m.content {
		_ = binary.Write(h, binary.BigEndian, int64(len(text)))
		h.Write(text)
	}
	h.Sum(sum[:0])
	return sum
}

// save writes the image to an empty directory.
func (m image) save(dir string) error {
	first := map[int]string{}
	for i, name := range m.names {
		path, number := filepath.Join(dir, name), m.numbers[i]
		var err error
		if first[number] != "" {
			err = os.Link(first[number], path)
		} else {
			first[number] = path
			err = os.WriteFile(path, m.content[number], 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
