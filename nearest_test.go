package talkrelay_test

import (
	"testing"

	"talkrelay"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"poll", "sweep", "full_sweep", "access_key", "access_secret", "name", "시트"}
	for name, want := range map[string]string{
		"pol":        "poll",
		"plol":       "poll",
		"access_kye": "access_key",
		"fullsweep":  "full_sweep",
		"Poll":       "poll",
		"시프":         "시트",
		"colour":     "",
		"":           "",
		"zzzz":       "",
	} {
		if got := talkrelay.Nearest(name, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
