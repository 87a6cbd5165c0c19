package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
)

// Names of the buckets and of the keys in meta. They never change within a schema version.
var (
	bucketMeta     = []byte("meta")
	bucketCursor   = []byte("cursor")
	bucketEntity   = []byte("entity")
	bucketEvent    = []byte("event")
	bucketDone     = []byte("done")
	bucketQueue    = []byte("queue")
	bucketOutbox   = []byte("outbox")
	bucketInFlight = []byte("inflight")
	bucketDead     = []byte("dead")
	bucketReceipt  = []byte("receipt")
	bucketRecheck  = []byte("recheck")
	bucketMemory   = []byte("memory")
	bucketFollow   = []byte("follow") // this and edit are made when they are needed first
	bucketEdit     = []byte("edit")

	keySchema   = []byte("schema")
	keyEpoch    = []byte("epoch")
	keyInstance = []byte("instance")
	keyResidue  = []byte("residue")
	keyCopied   = []byte("copied")
	keyRestored = []byte("restored")
)

func buckets() [][]byte {
	return [][]byte{
		bucketMeta, bucketCursor, bucketEntity, bucketEvent, bucketDone, bucketQueue,
		bucketOutbox, bucketInFlight, bucketDead, bucketReceipt, bucketRecheck, bucketMemory,
	}
}

// The structs below are what is on disk, as JSON. Old files survive a new field whose zero value means what its
// absence meant, and nothing else: a renamed, retyped or reused field needs a migration.

// queueRecord is what is known of one sink's queue without reading it.
type queueRecord struct {
	Seq     uint64 `json:"seq"`               // the last one given away
	Waiting int    `json:"waiting,omitempty"` // rows in outbox
	Dead    int    `json:"dead,omitempty"`    // rows in dead
	Receipt string `json:"receipt,omitempty"` // of the last confirmed delivery

	Recent recentRecord `json:"recent,omitzero"` // how many were delivered in the last hours

	DoubtTo    uint64 `json:"doubtTo,omitempty"`    // up to this seq, deliveries are in doubt since a restore
	DoubtAfter string `json:"doubtAfter,omitempty"` // last receipt before what is in doubt
}

type outboxRecord struct {
	Event string `json:"event"`
	Route string `json:"route,omitempty"`
	Doubt bool   `json:"doubt,omitempty"` // in doubt whatever its seq: found after a restore, and perhaps before it too

	Refresh bool `json:"refresh,omitempty"` // see talkrelay.Pending
}

type deadRecord struct {
	Event  string    `json:"event,omitempty"`
	Route  string    `json:"route,omitempty"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at,omitzero"`
}

type receiptRecord struct {
	Receipt string    `json:"receipt"`
	Route   string    `json:"route,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Dropped bool      `json:"dropped,omitempty"` // given up undelivered, by somebody's wish
}

// doneRecord is kept for every event until the retention ends, so it is 12 bytes and not JSON: seen in milliseconds
// since 1970 (8), unsettled (4). Bytes may be added at the end.
type doneRecord struct {
	seen      time.Time
	unsettled uint32 // deliveries that are neither delivered nor dropped
}

const doneSize = 12

func (r doneRecord) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, doneSize), uint64(r.seen.UnixMilli()))
	return binary.BigEndian.AppendUint32(b, r.unsettled)
}

func decodeDone(b []byte) (doneRecord, error) {
	if len(b) < doneSize {
		return doneRecord{}, fmt.Errorf("%d bytes where %d belong", len(b), doneSize)
	}
	seen := time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	return doneRecord{seen, binary.BigEndian.Uint32(b[8:])}, nil
}

var errMissing = errors.New("not there")

// decode reads a JSON record that must be there.
func decode[T any](b []byte) (T, error) {
	var v T
	if b == nil {
		return v, errMissing
	}
	err := json.Unmarshal(b, &v)
	return v, err
}

// putJSON stores v under key.
func putJSON(b *bolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// seqKey makes keys that sort as their numbers do.
func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func seqOf(key []byte) (uint64, bool) {
	if len(key) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(key), true
}

// encodeEvent writes an event as one line of JSON and, behind it, its envelope as it came: that is most of the event,
// and reading or writing it as JSON once more would cost most of the time.
func encodeEvent(e *talkrelay.Event) ([]byte, error) {
	head := *e
	head.Envelope = nil
	text, err := json.Marshal(&head)
	if err != nil {
		return nil, err
	}
	return append(append(text, '\n'), e.Envelope...), nil
}

// decodeEvent reads what encodeEvent wrote. The event shares no memory with text.
func decodeEvent(text []byte) (talkrelay.Event, error) {
	head, envelope, _ := bytes.Cut(text, []byte("\n"))
	e, err := decode[talkrelay.Event](head)
	if len(envelope) > 0 {
		e.Envelope = bytes.Clone(envelope)
	}
	return e, err
}
