package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talkrelay/sandbox"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want, got string
		diff      sandbox.Diff
	}{
		"equal":      {"a b c", "a b c", sandbox.Diff{}},
		"nothing":    {"", "", sandbox.Diff{}},
		"lost":       {"a b c", "a c", sandbox.Diff{Lost: []string{"b"}}},
		"doubled":    {"a b", "a b a a", sandbox.Diff{Doubled: []string{"a", "a"}}},
		"extra":      {"a", "a x", sandbox.Diff{Extra: []string{"x"}}},
		"one late":   {"a b c d", "b c d a", sandbox.Diff{Disordered: []string{"a"}}},
		"swapped":    {"a b c", "b a c", sandbox.Diff{Disordered: []string{"b"}}},
		"everything": {"a b c", "c x b b", sandbox.Diff{Lost: []string{"a"}, Doubled: []string{"b"}, Extra: []string{"x"}, Disordered: []string{"c"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sandbox.Compare(strings.Fields(tt.want), strings.Fields(tt.got))
			if diff := cmp.Diff(tt.diff, d); diff != "" {
				t.Error(diff)
			}
			if d.OK() != (name == "equal" || name == "nothing") {
				t.Errorf("OK = %v", d.OK())
			}
		})
	}
}

func TestCompareNamesTheFewestOutOfOrder(t *testing.T) {
	t.Parallel()
	want := strings.Split("abcdefghij", "")
	rapid.Check(t, func(t *rapid.T) {
		got := rapid.Permutation(want).Draw(t, "got")
		out := sandbox.Compare(want, got).Disordered
		rest := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return slices.Contains(out, s) })
		if !slices.IsSorted(rest) {
			t.Fatalf("without %q the rest is %q", out, rest)
		}
		// Putting any one back must break the order, else it was named for nothing.
		for _, back := range out {
			with := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != back && slices.Contains(out, s) })
			if slices.IsSorted(with) {
				t.Fatalf("%q is in order", back)
			}
		}
	})
}

func TestKeysIn(t *testing.T) {
	t.Parallel()
	texts := []string{"새 문의\nID abc123 · 채팅", "nothing", "xabc123", "https://desk/user_chats/def456|x"}
	if got := sandbox.KeysIn(texts, "abc123", "def456"); !slices.Equal(got, []string{"abc123", "def456"}) {
		t.Errorf("got %q", got)
	}
}
