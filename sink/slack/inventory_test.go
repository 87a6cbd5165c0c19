package slack_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
)

func TestHoldings(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	id := func(n string) string { return shipment[:31] + n }
	f.put(copyOf("1700000003.000100", "B_OTHER", id("4")), copyOf("1700000002.000100", botID, id("2")), copyOf("1700000002.000000", botID, id("2")),
		copyOf("1700000001.000100", botID, id("1")), map[string]any{"ts": "1700000000.000100", "text": "사람이 쓴 글", "metadata": "?"})
	s := f.sink(nil)
	var got []string
	err := s.Holdings(t.Context(), time.Unix(1_700_000_000, 0), func(h sink.Holding) { got = append(got, h.ID[31:]+" "+string(h.Receipt)) })
	slices.Sort(got)
	if want := []string{"1 1700000001.000100", "2 1700000002.000000", "2 1700000002.000100"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v (%v)", got, want, err)
	}
	form := f.seen("conversations.history")[0].form
	if !strings.HasPrefix(form.Get("oldest"), "16998271") || form.Get("include_all_metadata") != "true" {
		t.Errorf("asked with %v", form)
	}

	f.refuses("conversations.history", "missing_scope")
	mustVerdict(t, s.Holdings(t.Context(), time.Time{}, func(sink.Holding) {}), sink.PauseDestination)
}
