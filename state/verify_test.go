package state_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"talkrelay/state"
)

const pageSize = 4096

// pagesOf returns the numbers of the pages of a type in a bbolt file.
func pagesOf(text []byte, typ uint16) (list []int) {
	for n := range len(text) / pageSize {
		if binary.NativeEndian.Uint16(text[n*pageSize+8:]) == typ {
			list = append(list, n)
		}
	}
	return list
}

func TestVerify(t *testing.T) {
	t.Parallel()
	if os.Getpagesize() != pageSize {
		t.Skip("the offsets below are of a file with pages of 4 KiB")
	}
	path := tempPath(t)
	db := mustOpen(t, state.Config{Path: path})
	must(t, db.Commit(users(db, 0, 500)))
	must(t, db.Close())
	good, err := os.ReadFile(path)
	must(t, err)
	branches := pagesOf(good, 1)
	if len(branches) != 1 {
		t.Fatalf("branch pages: %v", branches)
	}
	branch := branches[0] * pageSize
	child := binary.NativeEndian.Uint64(good[branch+16+8:])
	leaf := int(child) * pageSize
	order := binary.NativeEndian

	for _, test := range []struct {
		name   string
		inLeaf bool // seen only where leaves are read
		damage func(b []byte)
	}{
		{"branch points to itself", false, func(b []byte) { order.PutUint64(b[branch+24:], uint64(branches[0])) }},
		{"branch points beyond the file", false, func(b []byte) { order.PutUint64(b[branch+24:], math.MaxUint64) }},
		{"branch points to one page twice", false, func(b []byte) { order.PutUint64(b[branch+40:], child) }},
		{"branch with an element beyond it", false, func(b []byte) { order.PutUint32(b[branch+16:], 1<<20) }},
		{"branch with more elements than fit", false, func(b []byte) { order.PutUint16(b[branch+10:], math.MaxUint16) }},
		{"branch without elements", false, func(b []byte) { order.PutUint16(b[branch+10:], 0) }},
		{"branch of another number", false, func(b []byte) { order.PutUint64(b[branch:], 77) }},
		{"branch that overflows", false, func(b []byte) { order.PutUint32(b[branch+12:], math.MaxUint32) }},
		{"keys of a branch out of order", false, func(b []byte) { // the second element takes the key of the first
			order.PutUint32(b[branch+32:], order.Uint32(b[branch+16:])-16)
		}},
		{"used page is free", false, func(b []byte) {
			for _, n := range pagesOf(b, 0x10) { // one of them is the one in use
				order.PutUint16(b[n*pageSize+10:], 1)
				order.PutUint64(b[n*pageSize+16:], child)
			}
		}},
		{"more free pages than fit", false, func(b []byte) {
			for _, n := range pagesOf(b, 0x10) {
				order.PutUint16(b[n*pageSize+10:], math.MaxUint16)
				order.PutUint64(b[n*pageSize+16:], 1<<60)
			}
		}},
		{"leaf of no type", true, func(b []byte) { b[leaf+8] = 0x20 }},
		{"value beyond its leaf", true, func(b []byte) { order.PutUint32(b[leaf+16+12:], 1<<20) }},
		{"bucket among data", true, func(b []byte) { order.PutUint32(b[leaf+16:], 1) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "talkrelay.db")
			must(t, os.WriteFile(path, good, 0o600))
			must(t, state.Verify(path, 0))
			must(t, state.Verify(path, math.MaxInt64))

			bad := slices.Clone(good)
			test.damage(bad)
			must(t, os.WriteFile(path, bad, 0o600))
			if err := state.Verify(path, math.MaxInt64); err == nil {
				t.Error("all pages: no error")
			}
			if err := state.Verify(path, 0); (err == nil) != test.inLeaf {
				t.Errorf("without the leaves: %v", err)
			}
			_, err := state.Open(state.Config{Path: path})
			wantError(t, err, state.ErrDamaged)
		})
	}
}

// A meta page that is lost is made up for by the other one.
func TestLostMetaPage(t *testing.T) {
	t.Parallel()
	path := tempPath(t)
	must(t, mustOpen(t, state.Config{Path: path}).Close())
	good, err := os.ReadFile(path)
	must(t, err)
	for n := range 2 {
		bad := slices.Clone(good)
		clear(bad[n*os.Getpagesize() : (n+1)*os.Getpagesize()])
		path := filepath.Join(t.TempDir(), fmt.Sprint(n))
		must(t, os.WriteFile(path, bad, 0o600))
		db, err := state.Open(state.Config{Path: path})
		if err != nil {
			t.Errorf("page %d lost: %v", n, err)
			continue
		}
		must(t, db.Close())
	}
}
