package state_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPowerCut runs processes that work with a state file under strace, and makes from their system calls what a power
// cut can leave: after each call that changed a file or a name everything, only what was synced, and any part of the
// rest, with writes lost, reordered, and torn at sectors of 512 and 4096 bytes, and names and sizes as they were before.
// Each of these images must open and verify, and hold exactly what the state had acknowledged, or that and the whole
// of the one step that was on its way. From every eighth it goes on. One that does not pass is kept by the flag
// -artifacts.
//
// Processes are also killed, at any call and at each that changes a name, and others go on from there: what these
// acknowledge must survive a power cut too.
//
// It makes at least 400 images. What the processes do follows from the seed; which pages bbolt takes for it does not. The long
// form:
//
//	TALKRELAY_IMAGES=20000 TALKRELAY_SEED=1 go test -count=1 -timeout 30m -v -run TestPowerCut ./state
func TestPowerCut(t *testing.T) {
	needStrace(t)
	t.Parallel()
	start := time.Now()
	images, seed := int(setting(t, "TALKRELAY_IMAGES", 400)), setting(t, "TALKRELAY_SEED", 1)
	r := rand.New(rand.NewPCG(seed, 3))
	histories := live(t, r, min(60+images/100, 200), min(3+images/1000, 24))

	moments, calls := 0, 0
	for _, h := range histories {
		calls += len(h.calls)
		h.replay(t, func(d *crashDisk, _ *promise, at int) {
			if d.pending() && !h.calls[at].says() {
				moments++
			}
		})
	}
	l := &lab{t: t, rand: r, dir: memoryDir(t), known: map[key][32]byte{}, each: float64(images) / float64(moments), due: 1}
	for i, h := range histories {
		l.now = nil
		h.replay(t, func(d *crashDisk, p *promise, at int) {
			l.moment = fmt.Sprintf("seed %d, process %d, power cut after call %d, %s", seed, i+1, at, h.calls[at].name)
			if !h.calls[at].says() {
				l.cutPower(d, p)
			}
			l.judge(p)
		})
	}
	t.Logf("power cuts: %d images, %d of them distinct, %d gone on from; %d processes, %d system calls, %d moments with something unsynced; seed %d, %s",
		l.images, l.distinct, l.continued, len(histories), calls, moments, seed, time.Since(start).Round(time.Millisecond))
	if l.images < images {
		t.Errorf("only %d images", l.images)
	}
}

// history is the life of one process: what the disk was when it began, and its calls.
type history struct {
	disk    *crashDisk
	promise *promise
	dir     string
	calls   []call
}

// live returns the histories of a first process, of one of a newer version that goes on, and of those that begin where
// the first was killed. So often it is: in turn after a rename, the one that gives the file its name first, after a
// commit that is not synced yet, and anywhere.
func live(t *testing.T, r *rand.Rand, steps, kills int) []*history {
	t.Helper()
	first := process(t, newCrashDisk(), &promise{allowed: []world{{}}}, shiftOrder{Seed: r.Uint64(), Steps: steps, Schema: 1})
	var renames, commits, others []int // calls to kill it after
	var end *history
	first.replay(t, func(d *crashDisk, p *promise, i int) {
		switch c := first.calls[i]; {
		case c.name == "renameat":
			renames = append(renames, i)
		case c.name == "pwrite64" && c.number(3) < 2*4096: // to the first pages: the commit is there, but not synced
			commits = append(commits, i)
		case d.pending():
			others = append(others, i)
		}
		end = &history{disk: d, promise: p}
	})
	shuffle(r, renames[1:])
	shuffle(r, commits)
	shuffle(r, others)
	var chosen []int
	for i := range kills {
		kinds := [][]int{renames, commits, others}
		if kind := kinds[i%3]; i/3 < len(kind) {
			chosen = append(chosen, kind[i/3])
		}
	}

	list := []*history{first, process(t, end.disk, end.promise, shiftOrder{Seed: r.Uint64(), Steps: steps / 3, Schema: 2})}
	first.replay(t, func(d *crashDisk, p *promise, i int) {
		if slices.Contains(chosen, i) {
			list = append(list, process(t, d.clone(), p.clone(), shiftOrder{Seed: r.Uint64(), Steps: 10, Schema: 1 + r.IntN(2)}))
		}
	})
	return list
}

func shuffle(r *rand.Rand, list []int) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// process runs a process on the disk, as processes see it.
func process(t *testing.T, d *crashDisk, p *promise, o shiftOrder) *history {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, d.seen().save(dir))
	p.open(o.Schema)
	o.Allowed = p.allowed
	order, err := json.Marshal(o)
	must(t, err)
	calls := strace(t, helperEnv+"=work", helperPath+"="+filepath.Join(dir, "talkrelay.db"), helperOrder+"="+string(order))
	return &history{d, p, dir, calls}
}

// replay calls f whenever the disk, or what is on it, has changed or become certain: after which call. What f keeps it
// must clone.
func (h *history) replay(t *testing.T, f func(d *crashDisk, p *promise, i int)) {
	t.Helper()
	d, p := h.disk.clone(), h.promise.clone()
	d.boot(h.dir)
	for i, c := range h.calls {
		if c.says() {
			must(t, p.hear(c.text(1)))
			f(d, p, i)
			continue
		}
		changed, err := d.do(c)
		must(t, err)
		if changed {
			f(d, p, i)
		}
	}
}

// says reports whether a process says something by this call. It changes no file.
func (c call) says() bool { return c.name == "write" && c.number(0) == 1 }

// promise is what may be found in the file: what was acknowledged, and what that becomes by the step on its way.
type promise struct {
	schema  int  // version of the program
	opening bool // it has not said anything yet
	allowed []world
}

func (p *promise) clone() *promise { return &promise{p.schema, p.opening, slices.Clone(p.allowed)} }

// open is heard when a process of this version begins to open the file. That raises the epoch.
func (p *promise) open(schema int) {
	p.schema, p.opening = schema, true
	var after []world
	for _, w := range p.allowed {
		if w.Epoch == 0 { // nobody was told that there is a file: it may be made anew, and then there is nothing to upgrade
			after = append(after, world{}, world{Epoch: 1})
		}
		w.Upgraded = schema > 1
		after = append(after, w)
		w.Epoch++
		after = append(after, w)
	}
	p.allowed = after
}

// keptBy reports whether an image in which this was found, by its sum, keeps the promise.
func (p *promise) keptBy(found [32]byte) bool {
	return slices.ContainsFunc(p.allowed, func(w world) bool { return sha256.Sum256([]byte(w.text())) == found })
}

// hear takes note of what a process said.
func (p *promise) hear(line string) error {
	word, text, _ := strings.Cut(line, " ")
	var w world
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return fmt.Errorf("%q: %w", line, err)
	}
	p.opening = false
	switch word {
	case wordNext:
		p.allowed = append(p.allowed[:1:1], w)
	case wordDone:
		p.allowed = []world{w}
	}
	return nil
}
