package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"
)

// bbolt trusts its pages: one flipped bit can send it round in a circle for ever, let it write to a page that is in use,
// or end the process. verify reads the pages itself, before bbolt does, and finds what would do that. It cannot tell
// whether a value is the one that was written: bbolt keeps no sums.
//
// Of a small file it reads everything. Of a large one it leaves out the leaves with the data, which are nearly all of
// it: start must not take longer with every customer. It reads by ReadAt and not from the mapping, so that what it
// has read is not counted as memory of ours.
//
// The layout is that of bbolt's file format version 2, in the byte order of the machine.
const (
	verifyAll = 32 << 20 // size in bytes up to which leaves with data are read too

	pageHeader    = 16 // id uint64, flags uint16, count uint16, overflow uint32
	elementSize   = 16 // branch: pos, ksize uint32, page uint64; leaf: flags, pos, ksize, vsize uint32
	bucketHeader  = 16 // root page uint64 (0: the page follows inline), sequence uint64
	metaChecksum  = 56 // offset of the sum within the meta page, which is over all before it
	metaSize      = 64
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagFreelist  = 0x10
	elementBucket = 0x01
	boltMagic     = 0xED0CDAED
)

// nested says how many levels of buckets are in a bucket of the first level; of the rest, none.
func nested(name []byte) int {
	switch string(name) {
	case "entity":
		return 2
	case "cursor", "outbox", "dead", "receipt", "recheck":
		return 1
	}
	return 0
}

type verifier struct {
	file  io.ReaderAt
	all   bool
	size  int    // of a page
	pages uint64 // the first that is not in use, and none after it
	used  []bool // pages seen so far: none may be met twice
}

// meta is what a meta page says.
type meta struct {
	pageSize                  uint32
	root, freelist, end, txid uint64
}

// verifyFile verifies the file at path under bbolt's own lock, so that a tool that is writing to it is not taken for damage.
// flag says how to open it: os.O_RDWR where it is about to be written to.
func verifyFile(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return unwritable(path, 0, err)
	}
	defer f.Close()
	for start := time.Now(); flock(f) != nil; time.Sleep(lockRetry) {
		if time.Since(start) > lockWait {
			return locked(path, "")
		}
	}
	defer unlock(f)
	if err := verify(f, verifyAll); err != nil {
		return damaged(path, err)
	}
	return nil
}

// verify returns the first thing that is wrong with the bbolt file f. Of a file of more than limit bytes it does not
// read the leaves with data.
func verify(f *os.File, limit int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := readMeta(f)
	if err != nil {
		return err
	}
	if have, want := info.Size(), int64(m.end)*int64(m.pageSize); m.end > 1<<40 || have < want {
		return fmt.Errorf("only %d of its %d bytes are there", have, want)
	}
	v := &verifier{
		file: f, all: int64(m.end)*int64(m.pageSize) <= limit,
		size: int(m.pageSize), pages: m.end, used: make([]bool, m.end),
	}
	if err := v.tree(m.root, -1); err != nil {
		return err
	}
	return v.freelist(m.freelist)
}

// readMeta returns the newer of the two meta pages, or the one that is good.
func readMeta(f io.ReaderAt) (meta, error) {
	first, err := metaAt(f, 0)
	size := int64(first.pageSize)
	if err != nil {
		size = int64(os.Getpagesize())
	}
	second, err2 := metaAt(f, size)
	switch {
	case err != nil && err2 != nil:
		return meta{}, err
	case err != nil || err2 == nil && second.txid > first.txid:
		return second, nil
	}
	return first, nil
}

func metaAt(f io.ReaderAt, offset int64) (meta, error) {
	b := make([]byte, metaSize)
	if _, err := f.ReadAt(b, offset+pageHeader); err != nil {
		return meta{}, err
	}
	sum := fnv.New64a()
	sum.Write(b[:metaChecksum])
	order := binary.NativeEndian
	m := meta{order.Uint32(b[8:]), order.Uint64(b[16:]), order.Uint64(b[32:]), order.Uint64(b[40:]), order.Uint64(b[48:])}
	if order.Uint32(b) != boltMagic || order.Uint64(b[metaChecksum:]) != sum.Sum64() || m.pageSize < 1024 || m.pageSize > 1<<20 {
		return meta{}, errors.New("its first pages are not those of a database")
	}
	return m, nil
}

// tree verifies the bucket whose root is the page id. levels is how deep buckets are nested in it; -1 is for the bucket
// of buckets, where each says that for itself.
func (v *verifier) tree(id uint64, levels int) error {
	height := 0 // number of branch pages above a leaf
	if !v.all && levels == 0 {
		var err error
		if height, err = v.height(id); err != nil {
			return err
		}
		if height == 0 {
			return v.take(id, 0)
		}
	}
	return v.page(id, levels, height)
}

// height counts the branch pages on the way to the first leaf.
func (v *verifier) height(id uint64) (int, error) {
	b := make([]byte, pageHeader+elementSize)
	for height := range 64 {
		if id >= v.pages {
			break
		}
		if _, err := v.file.ReadAt(b, int64(id)*int64(v.size)); err != nil {
			return 0, err
		}
		if binary.NativeEndian.Uint16(b[8:])&flagBranch == 0 {
			return height, nil
		}
		id = binary.NativeEndian.Uint64(b[pageHeader+8:])
	}
	return 0, fmt.Errorf("page %d is part of a circle or does not exist", id)
}

// take marks a page and those that overflow from it as used.
func (v *verifier) take(id uint64, overflow uint32) error {
	for n := id; n <= id+uint64(overflow); n++ {
		if n < 2 || n >= v.pages || v.used[n] {
			return fmt.Errorf("page %d does not exist or is used twice", n)
		}
		v.used[n] = true
	}
	return nil
}

// read takes a page and returns it whole.
func (v *verifier) read(id uint64) (b []byte, err error) {
	if id >= v.pages {
		return nil, fmt.Errorf("page %d does not exist", id)
	}
	b = make([]byte, v.size)
	offset := int64(id) * int64(v.size)
	if _, err := v.file.ReadAt(b, offset); err != nil {
		return nil, err
	}
	overflow := binary.NativeEndian.Uint32(b[12:])
	if got := binary.NativeEndian.Uint64(b); got != id {
		return nil, fmt.Errorf("page %d says it is page %d", id, got)
	}
	if err := v.take(id, overflow); err != nil || overflow == 0 {
		return b, err
	}
	b = make([]byte, (int(overflow)+1)*v.size)
	_, err = v.file.ReadAt(b, offset)
	return b, err
}

// page verifies a page and what is below it. With height > 0 it stops above the leaves, which are height pages down.
func (v *verifier) page(id uint64, levels, height int) error {
	b, err := v.read(id)
	if err != nil {
		return err
	}
	if binary.NativeEndian.Uint16(b[8:]) == flagBranch {
		return v.branch(id, b, levels, height)
	}
	return v.leaf(id, b, levels)
}

func (v *verifier) branch(id uint64, b []byte, levels, height int) error {
	if binary.NativeEndian.Uint16(b[10:]) == 0 {
		return fmt.Errorf("page %d is an empty branch", id)
	}
	return eachElement(id, b, func(e, _, _ []byte) error {
		child := binary.NativeEndian.Uint64(e[8:])
		if height == 1 {
			return v.take(child, 0)
		}
		return v.page(child, levels, max(height-1, 0))
	})
}

func (v *verifier) leaf(id uint64, b []byte, levels int) error {
	if flags := binary.NativeEndian.Uint16(b[8:]); flags != flagLeaf {
		return fmt.Errorf("page %d is of type %#x", id, flags)
	}
	return eachElement(id, b, func(e, key, value []byte) error {
		if binary.NativeEndian.Uint32(e) != elementBucket {
			return nil
		}
		if len(value) < bucketHeader {
			return fmt.Errorf("page %d: bucket without a root", id)
		}
		if root := binary.NativeEndian.Uint64(value); root != 0 {
			if levels < 0 {
				return v.tree(root, nested(key))
			}
			return v.tree(root, max(levels-1, 0))
		}
		inline := value[bucketHeader:]
		if len(inline) < pageHeader {
			return fmt.Errorf("page %d: bucket without a page", id)
		}
		return v.leaf(id, inline, max(levels-1, 0))
	})
}

// eachElement calls f with each element of a page, its key and, in a leaf, its value. Keys must rise, and everything
// must lie within the page.
func eachElement(id uint64, b []byte, f func(e, key, value []byte) error) error {
	order := binary.NativeEndian
	branch := order.Uint16(b[8:]) == flagBranch
	var last []byte
	for i := range int(order.Uint16(b[10:])) {
		at := pageHeader + i*elementSize
		if at+elementSize > len(b) {
			return fmt.Errorf("page %d is too short for its elements", id)
		}
		e := b[at : at+elementSize]
		pos, ksize, vsize := uint64(order.Uint32(e)), uint64(order.Uint32(e[4:])), uint64(0)
		if !branch {
			pos, ksize, vsize = uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		}
		start := uint64(at) + pos
		if start+ksize+vsize > uint64(len(b)) {
			return fmt.Errorf("page %d: element %d reaches beyond it", id, i)
		}
		key := b[start : start+ksize]
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("page %d: keys out of order", id)
		}
		last = key
		if err := f(e, key, b[start+ksize:start+ksize+vsize]); err != nil {
			return err
		}
	}
	return nil
}

// freelist verifies that no page is both free and used.
func (v *verifier) freelist(id uint64) error {
	b, err := v.read(id)
	if err != nil {
		return err
	}
	if flags := binary.NativeEndian.Uint16(b[8:]); flags != flagFreelist {
		return fmt.Errorf("page %d is of type %#x where the free pages belong", id, flags)
	}
	ids, count := b[pageHeader:], uint64(binary.NativeEndian.Uint16(b[10:]))
	if count == 0xFFFF { // the first number is the count
		ids, count = ids[8:], binary.NativeEndian.Uint64(ids)
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("page %d is too short for %d free pages", id, count)
	}
	for i := range count {
		if err := v.take(binary.NativeEndian.Uint64(ids[8*i:]), 0); err != nil {
			return fmt.Errorf("free pages: %w", err)
		}
	}
	return nil
}
