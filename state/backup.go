package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A backup is a copy of the file as it is at one moment, without the free pages, which may hold what was erased. It is
// marked as a copy: the first Open of it knows that time has passed since (restore.go).

// Backup says what is in a backup.
type Backup struct {
	Size    int64 // in bytes
	Waiting int   // deliveries that are not settled, dead letters not among them
}

// Snapshot is a backup to be read once. It has no name, and nothing is left of it once it is closed.
type Snapshot struct {
	Backup
	file *os.File
}

// Read reads on in the backup.
func (s *Snapshot) Read(b []byte) (int, error) { return s.file.Read(b) }

// Close overwrites the backup and gives its room back.
func (s *Snapshot) Close() error {
	if _, err := s.file.Seek(0, io.SeekStart); err == nil {
		overwrite(context.Background(), s.file)
	}
	return s.file.Close()
}

// Snapshot makes a backup of the open file. Readers and writers go on meanwhile; Sweep, Close and another Snapshot wait
// for it. It needs as much room beside the file as is in use in it.
func (db *DB) Snapshot(ctx context.Context) (*Snapshot, error) {
	s, err := db.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("copy state file: %w", err)
	}
	return s, nil
}

func (db *DB) snapshot(ctx context.Context) (*Snapshot, error) {
	db.sweeping.Lock() // whoever replaces or closes the file holds it too
	defer db.sweeping.Unlock()
	db.mu.RLock()
	err, source := db.usable(), db.file
	db.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	name := db.path + ".copy"
	made, err := backup(ctx, source, db.path, name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if removeErr := os.Remove(name); err == nil {
		err = removeErr
	}
	if err != nil {
		return nil, cannotCopy(name, err)
	}
	return &Snapshot{made, f}, nil
}

// BackUp makes a backup of the state file at path, which no process may have open (else ErrLocked), at name, which is
// overwritten. It writes to nothing else, so that it also works where path is read-only and by another user.
func BackUp(ctx context.Context, path, name string) (Backup, error) {
	made, err := backUp(ctx, path, name)
	if err != nil {
		return Backup{}, fmt.Errorf("copy state file: %w", err)
	}
	return made, nil
}

func backUp(ctx context.Context, path, name string) (made Backup, err error) {
	if path, err = realPath(path); err != nil {
		return made, err
	}
	f, err := os.Open(path)
	if err != nil {
		return made, err
	}
	_ = f.Close()
	lock, err := acquire(path, lockExisting)
	if err != nil {
		return made, err
	}
	defer lock.release()
	if err := verifyFile(path, os.O_RDONLY); err != nil {
		return made, err
	}
	source, err := openWith(path, bolt.Options{ReadOnly: true})
	if err != nil {
		return made, err
	}
	defer source.bolt.Close()
	return backup(ctx, source, path, name)
}

// backup makes a backup of source, the open file of path, at name.
func backup(ctx context.Context, source *boltFile, path, name string) (made Backup, err error) {
	err = guard(func() error { return source.bolt.View(func(tx *bolt.Tx) error { return ours(tx, path) }) })
	if err != nil {
		return made, err
	}
	fresh, err := writeCopy(ctx, source, name, func(tx *bolt.Tx) error {
		made.Waiting = waitingIn(tx)
		return markCopy(tx, time.Now())
	})
	if err != nil {
		return made, copyFailed(ctx, path, cannotCopy(name, err))
	}
	info, err := fresh.os.Stat()
	if err == nil {
		made.Size = info.Size()
	}
	if err = errors.Join(err, guard(fresh.bolt.Close)); err != nil {
		_ = os.Remove(name)
		return made, cannotCopy(name, err)
	}
	return made, nil
}

// waitingIn counts the deliveries that are not settled. A queue whose record is damaged counts as empty.
func waitingIn(tx *bolt.Tx) (n int) {
	_ = tx.Bucket(bucketQueue).ForEach(func(_, text []byte) error {
		record, _ := decode[queueRecord](text)
		n += record.Waiting
		return nil
	})
	return n
}

// Keeps reports whether name is one of the files that belong to the state file at path, which a backup must not take
// the place of.
func Keeps(path, name string) bool {
	a, errA := realPath(path)
	b, errB := realPath(name)
	if errA != nil || errB != nil {
		return false
	}
	end, ok := strings.CutPrefix(b, a)
	return ok && (slices.Contains([]string{"", ".lock", ".new", ".compact", ".old", ".copy"}, end) || strings.HasPrefix(end, ".before-v"))
}

// cannotCopy explains why a backup cannot be written.
func cannotCopy(name string, cause error) error {
	text := fmt.Sprintf("cannot write the copy %s: %v", name, reason(cause))
	switch {
	case causedBy(cause, syscall.ENOSPC), causedBy(cause, syscall.EDQUOT):
		text += "; free some space on that disk"
	case errors.Is(cause, fs.ErrNotExist):
		text += "; make its directory first"
	case causedBy(cause, syscall.EROFS), causedBy(cause, syscall.EACCES), causedBy(cause, syscall.EPERM):
		text += "; name a file in a directory that you may write to"
	}
	return &fileError{ErrUnwritable, cause, text}
}
