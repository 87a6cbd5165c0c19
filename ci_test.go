package talkrelay_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVulnerabilities has .ci/vulnerabilities judge what govulncheck can answer: only a database that cannot be reached is
// no reason to fail.
func TestVulnerabilities(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("timeout"); err != nil {
		t.Skip("no timeout here, which the script needs")
	}
	const unreachable = `govulncheck: fetching vulnerabilities: Get "https://vuln.go.dev/index/modules.json.gz": dial tcp: lookup vuln.go.dev: no such host`
	for _, tt := range []struct {
		name, program string
		ok            bool
		says          string // the whole output
	}{
		{"none", "echo No vulnerabilities found.", true, "No vulnerabilities found."},
		{"found", "echo 'Vulnerability #1: GO-2026-0001'; exit 3", false, "Vulnerability #1: GO-2026-0001"},
		{"found, by go run", "echo 'Vulnerability #1: GO-2026-0001'; echo 'exit status 3'; exit 1", false, "Vulnerability #1: GO-2026-0001\nexit status 3"},
		{"found, and then out of reach", "echo 'Vulnerability #1: GO-2026-0001'; echo 'fetching vulnerabilities: EOF'; exit 1", false,
			"Vulnerability #1: GO-2026-0001\nfetching vulnerabilities: EOF"},
		{"out of reach", "echo '" + unreachable + "' >&2; echo 'exit status 1'; exit 1", true,
			"skipped: the database cannot be reached (" + unreachable + ")"},
		{"silent", "sleep 60", true, "skipped: no answer in 0.3 s"},
		{"does not build", "echo 'govulncheck: loading packages: there are errors'; exit 1", false, "govulncheck: loading packages: there are errors"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "govulncheck")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+tt.program+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(".ci/vulnerabilities", "sh", program)
			cmd.Env = append(os.Environ(), "PATIENCE=0.3")
			if tt.name != "silent" {
				cmd.Env = append(cmd.Env, "PATIENCE=60")
			}
			out, err := cmd.CombinedOutput()
			if (err == nil) != tt.ok || strings.TrimSpace(string(out)) != tt.says {
				t.Errorf("%v, says:\n%s", err, out)
			}
		})
	}
}
