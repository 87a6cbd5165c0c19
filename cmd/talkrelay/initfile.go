package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// installedExample is where the packages put the example, of which they install a copy as the config. A copy that nobody
// has touched is no config.
const installedExample = "/usr/share/doc/talkrelay/config.toml.example"

// Names of the secrets' files, which the unit file knows too.
const (
	fileChannelSecret = "channel_secret"
	fileSlackToken    = "slack_token"
	fileGoogleKey     = "google.json"
)

// initFiles is where `init` writes.
type initFiles struct {
	config  string
	secrets string // directory
	service bool   // secrets are handed to a systemd service, whose user must read the config
	force   bool
	example string
}

func newInitFiles(config string, force bool, example string) *initFiles {
	f := &initFiles{config: config, secrets: filepath.Dir(config), force: force, example: example}
	credentials := filepath.Join(f.secrets, "credentials")
	if info, err := os.Stat(credentials); err == nil && info.IsDir() {
		f.secrets, f.service = credentials, true
	}
	return f
}

// taken returns the first file that stands in the way, "" if none does. The key file may be there already: people put
// it where it belongs.
func (f *initFiles) taken() string {
	if f.force {
		return ""
	}
	if _, err := os.Lstat(f.config); err == nil && !f.untouched() {
		return f.config
	}
	for _, name := range []string{fileChannelSecret, fileSlackToken} {
		if path := filepath.Join(f.secrets, name); !absent(path) {
			return path
		}
	}
	return ""
}

// writable tries to write where the files are to be, without touching them. If that fails, it returns the directory.
func (f *initFiles) writable() (dir string, err error) {
	for _, dir := range []string{filepath.Dir(f.config), f.secrets} {
		probe, err := os.CreateTemp(dir, ".talkrelay-init-*")
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err // the name of the probe says nothing
		}
		if err != nil {
			return dir, err
		}
		_ = probe.Close()
		_ = os.Remove(probe.Name())
	}
	return "", nil
}

func absent(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// untouched reports whether the config is still the example that the packages install.
func (f *initFiles) untouched() bool {
	have, err := os.ReadFile(f.config)
	if err != nil {
		return false
	}
	example, err := os.ReadFile(f.example)
	return err == nil && bytes.Equal(have, example)
}

// checkCommand is what to run next.
func (f *initFiles) checkCommand() string {
	if f.service {
		return fmt.Sprintf("sudo CREDENTIALS_DIRECTORY=%s STATE_DIRECTORY=/var/lib talkrelay check --config %s", shellQuote(f.secrets), shellQuote(f.config))
	}
	return "talkrelay check --config " + shellQuote(f.config)
}

// shellQuote writes s as one word for a shell.
func shellQuote(s string) string {
	plain := func(r rune) bool { return r >= 0x80 || strings.ContainsRune("/._-+:@%,", r) || isWord(r) }
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func isWord(r rune) bool { return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// newFile is one file to write.
type newFile struct {
	path    string
	content []byte
	mode    fs.FileMode
	replace bool // what is there may go
}

// write writes the config and its secrets, the config last, and returns their names. Each file appears whole or not at
// all, none over an existing one unless that was asked for. If one cannot be written, those before it are taken away again.
func (f *initFiles) write(ctx context.Context, s setup, o *initOptions) (written []string, err error) {
	files, err := f.list(s, o)
	if err != nil {
		return nil, err
	}
	stage, err := os.MkdirTemp(filepath.Dir(f.config), ".talkrelay-init-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(stage)
	for i, file := range files {
		if err := writeSynced(filepath.Join(stage, filepath.Base(file.path)), file.content, file.mode); err != nil {
			return nil, err
		}
		files[i].replace = f.force || file.path == f.config && f.untouched()
	}
	if _, err := readConfig(filepath.Join(stage, filepath.Base(f.config)), func(string) string { return "" }); err != nil {
		return nil, fmt.Errorf("the config that was made is not right, please report it: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var made []string
	for _, file := range files {
		same, err := place(filepath.Join(stage, filepath.Base(file.path)), file)
		if err != nil {
			for _, path := range made {
				_ = os.Remove(path)
			}
			return nil, err
		}
		if !same && !file.replace {
			made = append(made, file.path)
		}
		written = append(written, fmt.Sprintf("%s (%04o)", file.path, file.mode))
	}
	return written, nil
}

// list returns the files, the config last.
func (f *initFiles) list(s setup, o *initOptions) ([]newFile, error) {
	var files []newFile
	add := func(name string, content []byte) {
		files = append(files, newFile{path: filepath.Join(f.secrets, name), content: content, mode: 0o600})
	}
	add(fileChannelSecret, []byte(s.accessSecret+"\n"))
	if s.slackToken != "" {
		add(fileSlackToken, []byte(s.slackToken+"\n"))
	}
	if s.googleKey != nil {
		add(fileGoogleKey, s.googleKey)
	}
	text, err := s.config(o)
	if err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o600)
	if f.service {
		mode = 0o644
	}
	return append(files, newFile{path: f.config, content: text, mode: mode}), nil
}

func writeSynced(path string, content []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Chmod(mode) // whatever the umask
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// place moves a finished file to where it belongs. same = what is there is what was to be written. A link is what a file
// system refuses over an existing file.
func place(from string, to newFile) (same bool, err error) {
	if to.replace {
		return false, os.Rename(from, to.path)
	}
	err = os.Link(from, to.path)
	if !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if have, readErr := os.ReadFile(to.path); readErr == nil && bytes.Equal(have, to.content) {
		return true, os.Chmod(to.path, to.mode)
	}
	return false, fmt.Errorf("%s exists; overwrite it with --force", to.path)
}
