package talkrelay_test

import (
	"strings"
	"testing"

	"talkrelay"
)

func TestFormatPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                   "",
		"+821012345678":      "010-1234-5678",
		"+82 10-1234-5678":   "010-1234-5678",
		"+82 010-1234-5678":  "010-1234-5678",
		"+8201012345678":     "010-1234-5678",
		" +82 (10) 12345678": "010-1234-5678",
		"+82111234567":       "011-123-4567",
		"+821112345678":      "011-1234-5678",
		"+8225551234":        "02-555-1234",
		"+82255551234":       "02-5555-1234",
		"+8231-123-4567":     "031-123-4567",
		"+825112345678":      "051-1234-5678",
		"+827012345678":      "070-1234-5678",
		"+82801234567":       "080-123-4567",
		"+825051234567":      "0505-123-4567",
		"+8250512345678":     "0505-1234-5678",
		"+8215881234":        "1588-1234",
		"+8216441234":        "1644-1234",
		"+819012345678":      "090-1234-5678",
		"+81 80-1234-5678":   "080-1234-5678",
		"+81 (0)70-12345678": "070-1234-5678",
		"+815012345678":      "050-1234-5678",
		"+81312345678":       "03-1234-5678",
		"+81612345678":       "06-1234-5678",
		"+81451234567":       "045-123-4567",
		"+81120123456":       "0120-123-456",
		"+818001234567":      "0800-123-4567",
		"+81570123456":       "0570-123-456",
		"+81466123456":       "+81466123456", // 0466-12-3456, which takes the whole table to know
		"+82":                "+82",
		"+8210123456":        "+8210123456",
		"+82101234567890":    "+82101234567890",
		"+821012345678x":     "+821012345678x",
		"+14155552671":       "+14155552671",
		"01012345678":        "01012345678",
		" 02-555-1234 ":      "02-555-1234",
		"821012345678":       "821012345678",
		"hello":              "hello",
	} {
		if got := talkrelay.FormatPhone(in); got != want {
			t.Errorf("FormatPhone(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzFormatPhone: the national form has the digits of the number, and is not formatted further.
func FuzzFormatPhone(f *testing.F) {
	for _, s := range []string{"+821012345678", "+81 3-1234-5678", "+82 02 555 1234", "+8215881234", "+", "++82", "+８２10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := talkrelay.FormatPhone(s)
		if again := talkrelay.FormatPhone(out); again != out {
			t.Errorf("FormatPhone(%q) = %q, and again %q", s, out, again)
		}
		if out == strings.TrimSpace(s) {
			return
		}
		bare := strings.ReplaceAll(out, "-", "")
		if strings.Trim(bare, "0123456789") != "" || len(bare) < 8 || len(bare) > 12 {
			t.Errorf("FormatPhone(%q) = %q is no national number", s, out)
		}
	})
}
