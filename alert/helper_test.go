package alert_test

import (
	"testing"

	"pgregory.net/rapid"
)

// rapidly tries check with many lists of bytes.
func rapidly(t *testing.T, check func([]uint8)) {
	t.Helper()
	rapid.Check(t, func(r *rapid.T) { check(rapid.SliceOfN(rapid.Uint8(), 0, 60).Draw(r, "steps")) })
}
