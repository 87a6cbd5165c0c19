package main

import "testing"

func TestCountChanges(t *testing.T) {
	t.Parallel()
	changes := []string{"u1/1", "u2/1"}
	for rows, want := range []string{0: "lost 2", 1: "lost 1", 2: "", 3: "extra 1"} {
		d := countChanges(changes, rows)
		if ok := want == ""; d.OK() != ok {
			t.Errorf("%d rows for 2 changes: %+v, want %q", rows, d, want)
		}
	}
}
