package state

import (
	"bytes"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// maxPostponed is further ahead than any edit is due: one that is, was due before the clock was set back.
const maxPostponed = time.Hour

// NextEdit returns the message that is to be changed first, and when; nil if all are true. One whose opening is erased
// already stays as it is and is never returned.
func (q *Queue) NextEdit() (e *talkrelay.Edit, due time.Time, err error) {
	for {
		var mend func(*bolt.Tx) error
		err := q.db.view(func(tx *bolt.Tx) error {
			e, due, mend = nextEdit(tx, q.sink)
			return nil
		})
		if err == nil && mend != nil {
			if err = q.db.update(q.db.maxWithSpare(), mend); err == nil {
				continue
			}
		}
		return e, due, q.failed("read edits of", err)
	}
}

// nextEdit returns the first edit, nil if there is none. What cannot be edited is in its way: mend removes that.
func nextEdit(tx *bolt.Tx, sink string) (e *talkrelay.Edit, due time.Time, mend func(*bolt.Tx) error) {
	edits := sub(tx, bucketEdit, sink)
	if edits == nil {
		return nil, time.Time{}, nil
	}
	k, _ := edits.Cursor().First()
	if k == nil {
		return nil, time.Time{}, nil
	}
	due, key, _ := splitRecheck(k)
	r, _ := loadFollow(tx, sink, key)
	i := slices.IndexFunc(r.Posts, func(p postRecord) bool { return p.Stale })
	if i < 0 {
		first := bytes.Clone(k)
		return nil, time.Time{}, func(tx *bolt.Tx) error { return sub(tx, bucketEdit, sink).Delete(first) }
	}
	p := r.Posts[i]
	opening, err := decodeEvent(get(tx.Bucket(bucketEvent), p.Event))
	if err != nil {
		return nil, time.Time{}, func(tx *bolt.Tx) error {
			return editRecord(tx, sink, key, due, func(r *followRecord) { r.drop(p.Receipt) })
		}
	}
	return &talkrelay.Edit{
		Key: key, Version: r.Version, Receipt: p.Receipt, Shown: p.Shown,
		Opening: opening, Route: p.Route, Latest: r.Latest,
	}, due, nil
}

// Edited notes that the message of e now shows what the sink calls shown. It is to be changed once more if the chat has
// changed since e was read.
func (q *Queue) Edited(e *talkrelay.Edit, shown string, now time.Time) error {
	err := q.edit(e.Key, now, func(r *followRecord) {
		r.Edited = now
		for i := range r.Posts {
			if p := &r.Posts[i]; p.Receipt == e.Receipt {
				p.Shown, p.Stale = shown, r.Version != e.Version
			}
		}
	})
	return q.failed("note an edit of", err)
}

// drop leaves the message with a receipt as it is from now on.
func (r *followRecord) drop(receipt string) {
	r.Posts = slices.DeleteFunc(r.Posts, func(p postRecord) bool { return p.Receipt == receipt })
}

// Unfollow leaves the message of e as it is from now on: it is gone, or cannot be changed.
func (q *Queue) Unfollow(e *talkrelay.Edit) error {
	err := q.edit(e.Key, time.Now(), func(r *followRecord) {
		r.drop(e.Receipt)
	})
	return q.failed("drop an edit of", err)
}

// Postpone puts the edits of e's chat off until a time, at most an hour from now.
func (q *Queue) Postpone(e *talkrelay.Edit, until time.Time) error {
	err := q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error {
		r, ok := loadFollow(tx, q.sink, e.Key)
		if !ok || r.Due.IsZero() {
			return nil
		}
		return r.put(tx, q.sink, e.Key, until)
	})
	return q.failed("postpone an edit of", err)
}

// edit changes what is known of a chat after an edit.
func (q *Queue) edit(key string, now time.Time, change func(*followRecord)) error {
	return q.db.update(q.db.maxWithSpare(), func(tx *bolt.Tx) error { return editRecord(tx, q.sink, key, now, change) })
}

// editRecord changes what is known of a chat. One that is no longer followed is left alone.
func editRecord(tx *bolt.Tx, sink, key string, now time.Time, change func(*followRecord)) error {
	r, ok := loadFollow(tx, sink, key)
	if !ok {
		return nil
	}
	change(r)
	return r.save(tx, sink, key, now)
}
