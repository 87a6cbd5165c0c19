package state_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// traced are the system calls by which a process changes files, and what is needed to follow its descriptors. The
// question mark is for those that not every architecture has. A call that the replay (crashdisk_linux_test.go) does not
// know is an error there if it touches a file that matters.
const traced = "?open,openat,?openat2,?creat,close,?dup2,?dup3,lseek,mmap," +
	"write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice,fallocate,ftruncate,truncate," +
	"fsync,fdatasync,?rename,renameat,renameat2,?link,linkat,?unlink,unlinkat"

// call is a system call that returned.
type call struct {
	name string
	args []string // as strace writes them, but strings as they are, behind one quotation mark
	ret  int64    // negative: it failed
}

// needStrace skips the test where processes cannot be traced.
func needStrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "trace="+traced, "true").CombinedOutput(); err != nil {
		t.Skipf("processes cannot be traced here: %v: %s", err, out)
	}
}

// strace runs this test binary with the variables env to its end and returns the calls it made, in the order in which
// they returned.
func strace(t *testing.T, env ...string) []call {
	t.Helper()
	out := filepath.Join(t.TempDir(), "trace")
	// -xx: all strings as hex, so that no byte of one can be taken for syntax. -s: whole strings.
	cmd := exec.Command("strace", "-f", "-qq", "-xx", "-s", "16777216", "-e", "signal=none", "-e", "trace="+traced, "-o", out, os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	var text bytes.Buffer
	cmd.Stderr = &text
	if err := cmd.Run(); err != nil {
		t.Fatalf("traced process: %v: %s", err, &text)
	}
	f, err := os.Open(out)
	must(t, err)
	defer f.Close()
	calls, err := readTrace(f)
	must(t, err)
	must(t, os.Remove(out))
	return calls
}

// readTrace parses the output of strace -f. A call that was interrupted by another thread's is written in two parts.
func readTrace(r io.Reader) (calls []call, err error) {
	begun := map[string]string{} // by thread
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return calls, nil
		}
		if err != nil {
			return nil, err
		}
		thread, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text = strings.TrimLeft(text, " ")
		if !ok || strings.HasPrefix(text, "+++") || strings.HasPrefix(text, "---") {
			continue
		}
		if strings.HasPrefix(text, "???") || strings.HasPrefix(text, "<... ???") || strings.HasSuffix(text, " <detached ...>") {
			continue // another thread was in the middle of something when the process ended
		}
		if first, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			begun[thread] = first
			continue
		}
		if rest, ok := strings.CutPrefix(text, "<... "); ok {
			_, rest, _ = strings.Cut(rest, " resumed>")
			text = begun[thread] + rest
		}
		c, err := parseCall(text)
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
}

// parseCall reads `name(arg, arg) = 0`, perhaps with the name of an error behind it.
func parseCall(text string) (call, error) {
	name, rest, ok := strings.Cut(text, "(")
	end := strings.LastIndex(rest, ") ")
	if result := strings.LastIndex(rest, " = "); result >= 0 && end > result { // -1 ENOENT (No such file or directory)
		end = strings.LastIndex(rest[:result], ")")
	}
	if !ok || end < 0 {
		return call{}, fmt.Errorf("trace: no call: %.200q", text)
	}
	_, result, _ := strings.Cut(rest[end:], "= ")
	word, _, _ := strings.Cut(result, " ")
	c := call{name: name, args: strings.Split(rest[:end], ", "), ret: -1}
	for i, arg := range c.args {
		if !strings.HasPrefix(arg, `"`) {
			continue
		}
		if !strings.HasSuffix(arg, `"`) { // "..."... is the beginning of a longer one
			return c, fmt.Errorf("trace: not all of it is there: %.200q", text)
		}
		c.args[i] = `"` + unhex(strings.Trim(arg, `"`))
	}
	if word == "?" {
		return c, nil // the process ended in it
	}
	ret, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		return c, fmt.Errorf("trace: result of %.200q: %w", text, err)
	}
	c.ret = ret
	return c, nil
}

// number returns an argument that is a number; -1 if it is none.
func (c call) number(i int) int64 {
	if i >= len(c.args) {
		return -1
	}
	n, err := strconv.ParseInt(c.args[i], 0, 64)
	if err != nil {
		return -1
	}
	return n
}

// text returns an argument that is a string, "" if it is none.
func (c call) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	text, ok := strings.CutPrefix(c.args[i], `"`)
	if !ok {
		return ""
	}
	return text
}

// unhex reads \x6c\x6f\x67.
func unhex(quoted string) string {
	text := make([]byte, 0, len(quoted)/4)
	for ; len(quoted) >= 4; quoted = quoted[4:] {
		text = append(text, nibble(quoted[2])<<4|nibble(quoted[3]))
	}
	return string(text)
}

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
