package main

import (
	"io"
	"strings"
	"testing"
)

// TestTypist reads lines as people and pipes end them, and no byte beyond.
func TestTypist(t *testing.T) {
	t.Parallel()
	in := strings.NewReader("  키 \r\n\nlast")
	typed := typist{in: in, out: io.Discard}
	for _, want := range []string{"키", "", "last"} {
		if got, err := typed.line(t.Context(), true); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		if want == "키" && in.Len() != len("\nlast") {
			t.Errorf("%d bytes are left: it has read ahead", in.Len())
		}
	}
	if got, err := typed.line(t.Context(), false); err != io.EOF {
		t.Errorf("%q, %v; want the end", got, err)
	}
	typed.in = strings.NewReader(strings.Repeat("x", maxTyped+1))
	if _, err := typed.line(t.Context(), false); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("an endless line: %v", err)
	}
}
