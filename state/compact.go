package state

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

const (
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

// compact replaces the file by a copy of what is in use. Ended by ctx, it leaves the file as it was, or the old one to be
// removed by the next sweep. Killed at any point it leaves one good file at path: before
// the rename the old one, after it the new one, which was synced before.
func (db *DB) compact(ctx context.Context) error {
	if err := db.replace(ctx); err != nil {
		return err
	}
	db.at("replaced")
	removeOld(ctx, db.path)
	db.at("removed")
	return nil
}

// replace does that with writers kept out, and leaves the old file at PATH.old.
func (db *DB) replace(ctx context.Context) error {
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
	fresh, err := db.copyTo(ctx, tmp, source)
	if err != nil {
		return err
	}
	db.at("copied")
	return db.swap(fresh, tmp)
}

// copyTo makes a synced copy of source without its free pages and without the mark that it has any.
func (db *DB) copyTo(ctx context.Context, tmp string, source *boltFile) (*boltFile, error) {
	fresh, err := writeCopy(ctx, source, tmp, func(tx *bolt.Tx) error {
		db.at("unsynced")
		return tx.Bucket(bucketMeta).Delete(keyResidue)
	})
	if err != nil {
		return nil, copyFailed(ctx, db.path, unwritable(db.path, 0, err))
	}
	return fresh, nil
}

// copyFailed returns why the file at path could not be copied: err, unless it was ended or cannot be read.
func copyFailed(ctx context.Context, path string, err error) error {
	switch p := (panicked{}); {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &p):
		return damaged(path, p)
	}
	return err
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
func removeOld(ctx context.Context, path string) {
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
		wipe(ctx, old)
	}
}

// wipe overwrites a file with zeros, if this is its only name, and removes it. It does what it can; a file that ctx did
// not leave it the time for stays.
func wipe(ctx context.Context, name string) {
	if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
		overwrite(ctx, f)
		_ = f.Close()
	}
	if ctx.Err() == nil {
		_ = os.Remove(name)
	}
}

func overwrite(ctx context.Context, f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Nlink > 1 {
		return
	}
	zeros := make([]byte, 1<<20)
	for left := info.Size(); left > 0 && ctx.Err() == nil; left -= int64(len(zeros)) {
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
