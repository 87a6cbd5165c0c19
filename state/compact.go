package state

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

const (
	compactTx   = 1 << 20 // bytes copied in one transaction
	worthwhile  = 1 << 20 // free bytes below which a file without residue is left alone,
	worthwhile4 = 4       // and so it is with less than this part of the file free
)

// worthCompacting reports whether a file of this size holds erased data, or is free to more than a quarter.
func (db *DB) worthCompacting(size int64) (worth bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		free := int64(db.file.bolt.Stats().FreePageN) * int64(db.file.bolt.Info().PageSize)
		worth = tx.Bucket(bucketMeta).Get(keyResidue) != nil || free > worthwhile && free > size/worthwhile4
		return nil
	})
	return worth, err
}

func (db *DB) size() (n int64, err error) {
	err = db.view(func(*bolt.Tx) error {
		info, err := db.file.os.Stat()
		if err == nil {
			n = info.Size()
		}
		return err
	})
	return n, err
}

// compact replaces the file by a copy of what is in use. Killed at any point it leaves one good file at path: before
// the rename the old one, after it the new one, which was synced before.
func (db *DB) compact() error {
	if err := db.replace(); err != nil {
		return err
	}
	db.at("replaced")
	removeOld(db.path)
	db.at("removed")
	return nil
}

// replace does that with writers kept out, and leaves the old file at PATH.old.
func (db *DB) replace() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	db.mu.RLock()
	err := db.usable()
	source := db.file
	db.mu.RUnlock()
	if err != nil {
		return err
	}
	tmp := db.path + ".compact"
	fresh, err := db.copyTo(tmp, source)
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	db.at("copied")
	return db.swap(fresh, tmp)
}

// copyTo makes a synced copy of source without its free pages and without the mark that it has any.
func (db *DB) copyTo(tmp string, source *boltFile) (*boltFile, error) {
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unwritable(db.path, 0, err)
	}
	fresh, err := openBolt(tmp)
	if err != nil {
		return nil, err
	}
	fresh.bolt.MaxSize = int(db.maxWithSpare())
	err = guard(func() error {
		fresh.bolt.NoSync = true // one sync at the end will do: a copy that is not finished is thrown away
		if err := bolt.Compact(fresh.bolt, source.bolt, compactTx); err != nil {
			return err
		}
		db.at("unsynced")
		fresh.bolt.NoSync = false
		return fresh.bolt.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyResidue) })
	})
	if err == nil {
		err = fresh.os.Sync()
	}
	if err == nil {
		return fresh, nil
	}
	_ = guard(fresh.bolt.Close)
	fresh.abandon()
	if errors.As(err, new(panicked)) {
		return nil, damaged(db.path, err)
	}
	return nil, unwritable(db.path, db.maxWithSpare(), err)
}

// swap gives fresh the name of the file and makes it the one in use. Readers wait for it; one that has begun is waited for.
func (db *DB) swap(fresh *boltFile, tmp string) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	_ = os.Link(db.path, db.path+".old") // a name to find it by and overwrite it, even after a crash; not every file system can
	db.at("linked")
	if err := os.Rename(tmp, db.path); err != nil {
		_ = os.Remove(db.path + ".old")
		_ = fresh.bolt.Close()
		_ = os.Remove(tmp)
		return unwritable(db.path, 0, err)
	}
	db.at("renamed")
	old := db.file
	db.file = fresh
	_ = guard(old.bolt.Close) // it is not in use any more and nothing in it is wanted
	if err := syncDir(db.path); err != nil {
		return unwritable(db.path, 0, err)
	}
	return nil
}

// removeOld overwrites and removes what a compaction replaced. After a crash PATH.old may be the file itself, which is
// then left as it is. The rename must be on disk first: a power cut could undo it and bring the old file back.
func removeOld(path string) {
	old := path + ".old"
	a, err := os.Stat(old)
	if err != nil {
		return
	}
	b, err := os.Stat(path)
	if err != nil || os.SameFile(a, b) {
		_ = os.Remove(old)
		return
	}
	if syncDir(path) == nil {
		wipe(old)
	}
}

// wipe overwrites a file with zeros, if this is its only name, and removes it. It does what it can.
func wipe(name string) {
	if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
		overwrite(f)
		_ = f.Close()
	}
	_ = os.Remove(name)
}

func overwrite(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Nlink > 1 {
		return
	}
	zeros := make([]byte, 1<<20)
	for left := info.Size(); left > 0; left -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
			return
		}
	}
	_ = f.Sync()
}

// escapeGlob makes filepath.Glob take path literally.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
