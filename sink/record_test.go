package sink_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talkrelay"
	"talkrelay/sink"
)

// Records come back as they were written, as many at once as are allowed, and nothing else is taken for records.
func TestRecords(t *testing.T) {
	t.Parallel()
	var items []sink.Item
	var want []sink.Record
	for _, e := range sink.SampleEvents()[:3] {
		items = append(items, sink.Item{Event: e, Route: "all"})
		want = append(want, sink.Record{Delivery: "id", Route: "all", Event: e})
	}
	body, n, err := sink.Options{}.Records("id", items, 2)
	if err != nil || n != 2 {
		t.Fatalf("%d records, error %v", n, err)
	}
	got, err := sink.ReadRecords(body)
	if diff := cmp.Diff(want[:2], got); err != nil || diff != "" {
		t.Errorf("error %v\n%s", err, diff)
	}
	for i := range items {
		items[i].Event.Message.Text = strings.Repeat("x", 5<<20)
	}
	if _, n, err := (sink.Options{}).Records("id", items, 3); err != nil || n != 1 {
		t.Errorf("%d enormous records at once, error %v", n, err)
	}
	items[1].Event.Envelope = []byte("no JSON")
	items[0].Event = talkrelay.Event{}
	if _, n, err := (sink.Options{}).Records("id", items, 3); err != nil || n != 1 {
		t.Errorf("%d records before one that cannot be rendered, error %v", n, err)
	}
	if _, _, err := (sink.Options{}).Records("id", items[1:], 3); err == nil {
		t.Error("what cannot be rendered was")
	}
	for _, text := range []string{"", "{}\n", `{"id":"batch","events":[{"id":"e"}]}`, string(body) + "{", "[]"} {
		if _, err := sink.ReadRecords([]byte(text)); err == nil {
			t.Errorf("read %q", text)
		}
	}
}
