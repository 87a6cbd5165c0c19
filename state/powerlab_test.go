package state_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay/state"
)

// lab looks at images.
type lab struct {
	t    *testing.T
	rand *rand.Rand
	dir  string // empty between two images

	moment    string     // when the power is cut
	now       []specimen // of this moment
	each, due float64    // images of a moment with something unsynced; of them, not yet made

	known                       map[key][32]byte // sums of what was found
	images, distinct, continued int
}

// specimen is an image with its sum, and how much is left in it of what was not synced.
type specimen struct {
	image image
	sum   [32]byte
	left  string
}

// key names an image and the version of the program that opens it.
type key struct {
	sum    [32]byte
	schema int
}

// cutPower makes some of the images that a power cut at this moment can leave.
func (l *lab) cutPower(d *crashDisk, p *promise) {
	l.now = nil
	if !d.pending() { // there is one image: what the last sync has left
		l.add("all", d.image(cut{}))
		return
	}
	l.due += l.each
	if p.opening { // a process builds on what another did not finish: few moments, and the hardest
		l.due += 5
	}
	turn := 0
	if l.each < 3 { // not enough for each kind
		turn = l.rand.IntN(5)
	}
	for ; l.due >= 1; l.due-- {
		switch turn {
		case 0:
			l.add("all", d.image(cut{}))
		case 1:
			l.add("nothing", d.image(nothing(l.rand)))
		default:
			l.add("a part", l.part(d, p.schema))
		}
		turn++
	}
}

func (l *lab) add(left string, m image) {
	l.images++
	l.now = append(l.now, specimen{m, m.sum(), left})
}

// part returns an image of what is left by chance, one that was not seen before if that is soon found.
func (l *lab) part(d *crashDisk, schema int) (m image) {
	for range 5 {
		m = d.image(anything(l.rand))
		if _, ok := l.known[key{m.sum(), schema}]; !ok {
			break
		}
	}
	return m
}

// judge opens the images of this moment, if the like was not seen before, and compares what it finds with what was promised.
func (l *lab) judge(p *promise) {
	l.t.Helper()
	for _, s := range l.now {
		k := key{s.sum, p.schema}
		found, ok := l.known[k]
		if !ok {
			l.distinct++
			text, err := l.open(s.image, p)
			if err != nil {
				l.refuse(s, err)
			}
			found = sha256.Sum256([]byte(text))
			l.known[k] = found
		}
		if p.keptBy(found) {
			continue
		}
		text, err := l.open(s.image, p)
		if err == nil {
			want := p.allowed[len(p.allowed)-1].text()
			err = fmt.Errorf("neither what was acknowledged nor the step after it (-) is in it, but (+):\n%s", cmp.Diff(want, text))
		}
		l.refuse(s, err)
	}
}

// refuse ends the test and keeps the image.
func (l *lab) refuse(s specimen, err error) {
	l.t.Helper()
	_ = s.image.save(l.t.ArtifactDir())
	l.t.Fatalf("%s, %s left of what was not synced: %v", l.moment, s.left, err)
}

// open returns what is in an image. From some it goes on.
func (l *lab) open(m image, p *promise) (text string, err error) {
	path := filepath.Join(l.dir, "talkrelay.db")
	defer func() { err = errors.Join(err, empty(l.dir)) }()
	if err := m.save(l.dir); err != nil {
		return "", err
	}
	db, err := state.OpenWith(state.Config{Path: path}, migrationsTo(p.schema))
	if err != nil {
		return "", err
	}
	defer db.Close()
	if text, err = contents(db, db.Epoch()-1); err != nil {
		return "", err
	}
	if err := state.Verify(path, 1<<40); err != nil {
		return "", err
	}
	if strings.Contains(text, "memory/upgrades") {
		if err := state.Verify(path+".before-v2", 1<<40); err != nil {
			return "", fmt.Errorf("copy from before the upgrade: %w", err)
		}
	}
	if l.distinct%8 == 0 {
		err = l.goOn(db, p, text)
	}
	return text, err
}

// goOn works with the file for a while, as a shift does, and closes it.
func (l *lab) goOn(db *state.DB, p *promise, text string) error {
	for _, w := range p.allowed {
		if w.text() != text {
			continue
		}
		l.continued++
		w.Epoch++
		s := shift{db: db, rand: l.rand, now: w, say: func(string, world) error { return nil }}
		if err := s.steps(10); err != nil {
			return err
		}
		text, err := contents(db, db.Epoch())
		if err == nil && text != s.now.text() {
			err = fmt.Errorf("after ten steps more:\n%s", cmp.Diff(s.now.text(), text))
		}
		return errors.Join(err, db.Close(), state.Verify(filepath.Join(l.dir, "talkrelay.db"), 1<<40))
	}
	return nil // judge tells
}

// memoryDir returns a directory in memory where there is one, because looking at an image syncs a few times.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "talkrelay")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// empty removes what is in dir.
func empty(dir string) error {
	list, err := os.ReadDir(dir)
	for _, e := range list {
		err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
	}
	return err
}
