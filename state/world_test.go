package state_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"talkrelay"
	"talkrelay/state"
)

var (
	ctx   = context.Background()
	sinks = [2]string{"slack", "sheets"}
)

// world is all that shifts have made of a state file. What must be in the file follows from it.
type world struct {
	Epoch    uint64
	Upgraded bool // from schema version 1 to 2
	Commits  int  // made so far
	Swept    int  // the events of the commits up to this one are erased, but for those with a dead letter
	Hands    [2]hand
}

// hand is how far the deliveries to one sink have come, in numbers of its queue.
type hand struct {
	Settled int
	Sending int // the last delivery of the shipment in hand; Settled if none is
	Turns   int // how often that shipment was saved: it is being sent when odd
	Receipt int // the last delivery of the shipment confirmed last
}

// settled returns the last commit up to which nothing waits.
func (w world) settled() int {
	last := w.Swept
	for n := w.Swept + 1; n <= w.Commits; n++ {
		for i := range sinks {
			if len(deliveries(i, n)) > w.Hands[i].Settled {
				return last
			}
		}
		last = n
	}
	return last
}

// shipment returns the one in hand, which has the same bytes and id whenever it is saved.
func (w world) shipment(sink int) *talkrelay.Shipment {
	h := w.Hands[sink]
	s := &talkrelay.Shipment{ID: fmt.Sprintf("s%d", h.Sending), Phase: talkrelay.PhaseWaiting, Attempt: (h.Turns + 1) / 2}
	if h.Turns%2 == 1 {
		s.Phase = talkrelay.PhaseSending
	}
	queue := deliveries(sink, w.Commits)
	for seq := h.Settled + 1; seq <= h.Sending; seq++ {
		e := queue[seq-1]
		s.Seqs, s.Events, s.Body = append(s.Seqs, uint64(seq)), append(s.Events, e.id()), append(s.Body, e.text()...)
	}
	return s
}

// records are what is in a file in a form that can be compared and read: by bucket and key.
type records map[string]string

func (r records) text() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&b, "%s = %s\n", k, r[k])
	}
	return b.String()
}

// text returns what must be in the file.
func (w world) text() string {
	r := records{"meta/epoch": fmt.Sprint(w.Epoch)}
	if w.Commits > 0 {
		r["cursor/main/chats"] = fmt.Sprint(w.Commits)
	}
	if w.Upgraded {
		r["memory/upgrades"] = "I"
	}
	for n := 1; n <= w.Commits; n++ {
		r["entity/main/user/"+userOf(n)] = fmt.Sprint(n)
		delete(r, "entity/main/user/"+userOf(n+3))
	}
	unsettled := map[happening]int{}
	dead := map[happening]bool{}
	for i := range sinks {
		for seq0, e := range deliveries(i, w.Commits) {
			if seq0 >= w.Hands[i].Settled || dies(seq0+1) {
				unsettled[e]++
			}
			dead[e] = dead[e] || seq0 < w.Hands[i].Settled && dies(seq0+1)
		}
	}
	known := func(e happening) bool { return e.commit > w.Swept || dead[e] }
	for n := 1; n <= w.Commits; n++ {
		for _, e := range eventsOf(n) {
			if known(e) {
				r["done/"+e.id()] = fmt.Sprint(unsettled[e])
				r["event/"+e.id()] = e.text() + e.envelope()
			}
		}
	}
	for i := range sinks {
		w.queue(r, i, known)
	}
	return r.text()
}

// queue adds the records of one sink.
func (w world) queue(r records, sink int, known func(happening) bool) {
	list, h, name := deliveries(sink, w.Commits), w.Hands[sink], sinks[sink]
	letters := 0
	for i, e := range list {
		seq := i + 1
		switch {
		case seq > h.Settled:
			r[fmt.Sprintf("outbox/%s/%d", name, seq)] = e.id()
		case dies(seq):
			r[fmt.Sprintf("dead/%s/%d", name, seq)] = e.id()
			letters++
		case known(e):
			r[fmt.Sprintf("receipt/%s/%s", name, e.id())] = "there"
		}
		if seq <= h.Settled && rechecked(seq) {
			r[fmt.Sprintf("recheck/%s/s%d", name, seq)] = "there"
		}
	}
	last := ""
	if h.Receipt > 0 {
		last = receipt(h.Receipt)
	}
	r["queue/"+name] = describeQueue(len(list)-h.Settled, letters, last)
	if h.Sending > h.Settled {
		r["inflight/"+name] = describe(w.shipment(sink))
	}
}

func describeQueue(waiting, dead int, receipt string) string {
	return fmt.Sprintf("%d waiting, %d dead, last receipt %q", waiting, dead, receipt)
}

func describe(s *talkrelay.Shipment) string {
	return fmt.Sprintf("%s %s attempt %d of %d %s", s.ID, s.Phase, s.Attempt, s.Seqs, s.Body)
}

// contents returns what is in the file, in the form of world.text.
func contents(db *state.DB, epoch uint64) (string, error) {
	r := records{"meta/epoch": fmt.Sprint(epoch)}
	err := db.Look(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			switch string(name) {
			case "meta", "queue":
				return nil
			}
			return r.add(string(name), string(name), b)
		})
	})
	if err != nil {
		return "", err
	}
	for _, sink := range sinks {
		waiting, dead, _, err := db.Queue(sink).Depth()
		if err != nil {
			return "", err
		}
		receipt, err := db.Queue(sink).LastReceipt()
		if err != nil {
			return "", err
		}
		r["queue/"+sink] = describeQueue(waiting, dead, receipt)
	}
	return r.text(), nil
}

// add adds a bucket and those in it.
func (r records) add(kind, place string, b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return r.add(kind, place+"/"+string(k), b.Bucket(k))
		}
		key, value, err := readable(kind, k, v)
		r[place+"/"+key] = value
		return err
	})
}

// readable returns what matters of a record.
func readable(kind string, k, v []byte) (key, value string, err error) {
	key, value = string(k), string(v)
	var row struct{ Event string }
	switch kind {
	case "outbox", "dead":
		err = json.Unmarshal(v, &row)
		key, value = strconv.FormatUint(binary.BigEndian.Uint64(k), 10), row.Event
	case "receipt":
		value = "there"
	case "recheck":
		key, value = string(k[8:]), "there"
	case "done":
		value = fmt.Sprint(binary.BigEndian.Uint32(v[8:]))
	case "event":
		head, envelope, _ := bytes.Cut(v, []byte("\n"))
		var e talkrelay.Event
		err = json.Unmarshal(head, &e)
		value = e.Message.Text + string(envelope)
	case "inflight":
		s := new(talkrelay.Shipment)
		err = json.Unmarshal(v, s)
		value = describe(s)
	}
	return key, value, err
}
