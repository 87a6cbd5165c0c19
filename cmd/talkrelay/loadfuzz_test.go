package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// planted stands for a secret in a config.
const planted = "tr0ub4dor-and-3"

// TestSyntaxErrorHidesTheValue: whoever forgets the quotes around a secret, or has a \ in it, must not read it in the
// journal. The key and the place are told all the same.
func TestSyntaxErrorHidesTheValue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ line, secret, want string }{
		{`token = ` + planted, planted, ":1:"},
		{`token = inf` + planted, planted, ":1:"},
		{`token = 01234567890123`, "01234567890123", "leading zeroes"},
		{`token = 98765432109876543210987`, "98765432109876543210987", "out of range for int64"},
		{`token = 4321_8765_`, "4321_8765_", "underscores"},
		{`token = 2026-13-45`, "2026-13-45", ":1:"},
		{`token = "` + planted + `\xzz"`, planted, "hexadecimal"},
		{`token = "` + planted + `\user"`, planted, "hexadecimal"},
		{`token = "` + planted, planted, ":1:"},
		{"token = 1\ntoken = 2", planted, "Key 'token' has already been defined"},
	} {
		path := writeFile(t, t.TempDir(), "c.toml", test.line, 0o600)
		_, err := readConfig(path, func(string) string { return "" })
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.secret) {
			t.Errorf("%s: got %v, want %q and not the value", test.line, err, test.want)
		}
	}
}

// FuzzConfig reads whatever a person may have typed. What stands where a secret belongs is in no problem, and every
// problem is one line that begins with the file's name.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range append(files, "../../config.toml.example") {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	for _, s := range []string{`token = ` + planted, `[[sink.slack]]` + "\ntoken = \"" + planted + `"`, "[channel]\naccess_secret = [\"" + planted + "\"]",
		"[alert.email]\npassword = \"" + planted + "\"\n[alert.webhook]\nurl = \"http://u:" + planted + "@x/\"", `[network]` + "\nproxy = \"http://u:" + planted + `@x y"`} {
		f.Add(s)
	}
	path := filepath.Join(f.TempDir(), "talkrelay.toml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(path, func(string) string { return "" })
		if (c == nil) != (err != nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		var bad *configError
		if err == nil || !errors.As(err, &bad) {
			return
		}
		for _, p := range bad.problems {
			if !strings.HasPrefix(p, path) || strings.ContainsAny(p, "\n\r\x1b") {
				t.Errorf("problem %q", p)
			}
		}
		if strings.Contains(err.Error(), planted) && onlySecret(text) {
			t.Errorf("a secret is told: %v", err)
		}
	})
}

// onlySecret reports whether planted stands in text as the value of secrets alone, or in no value at all because text is no
// TOML.
func onlySecret(text string) bool {
	var table map[string]any
	if _, err := toml.Decode(text, &table); err != nil {
		return !strings.HasPrefix(err.Error(), "toml: line") || !strings.Contains(err.Error(), "Key '")
	}
	return secretsOnly("", table)
}

func secretsOnly(key string, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if strings.Contains(k, planted) || !secretsOnly(k, inner) {
				return false
			}
		}
	case []map[string]any:
		for _, inner := range v {
			if !secretsOnly(key, inner) {
				return false
			}
		}
	case []any:
		for _, inner := range v {
			if !secretsOnly(key, inner) {
				return false
			}
		}
	case string:
		return !strings.Contains(v, planted) || strings.Contains(" access_key access_secret token credentials password url fail_url proxy ", " "+key+" ")
	}
	return true
}
