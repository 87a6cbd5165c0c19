package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// secret is a setting that may stand inline, as "${ENV_NAME}", or in a file named by the same key with _file added.
// Its value never prints.
type secret struct {
	value string // as written, or as read
	file  string // named by key_file
	set   bool
}

// String keeps a secret out of %v and %s.
func (secret) String() string { return "(secret)" }

// GoString keeps a secret out of %#v.
func (secret) GoString() string { return "(secret)" }

// inline reports whether the value stands in the config file itself.
func (s secret) inline() bool { return s.value != "" && !envPattern.MatchString(s.value) }

func (d *decoder) secretInline(path string, x any, s *secret) {
	text, ok := x.(string)
	switch {
	case !ok:
		d.problems.Add(path, `must be a text in quotes, is %s`, describe(x))
	case s.set:
		d.problems.Add(path, "is given twice: keep either %s or %s_file", path, path)
	default:
		s.value, s.set = text, true
	}
}

func (d *decoder) secretFile(path string, x any, s *secret) {
	name, ok := x.(string)
	switch {
	case !ok || name == "":
		d.problems.Add(path, `must be the name of a file in quotes`)
	case s.set:
		d.problems.Add(path, "is given twice: keep either %s or %s", strings.TrimSuffix(path, "_file"), path)
	default:
		s.file, s.set = name, true
	}
}

func isSecret(v reflect.Value, fields map[string]tomlField, name string) bool {
	f, ok := fields[name]
	return ok && v.Field(f.index).Type() == reflect.TypeFor[secret]()
}

func secretField(v reflect.Value, fields map[string]tomlField, name string) *secret {
	return v.Field(fields[name].index).Addr().Interface().(*secret)
}

var envPattern = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// secretReader finds the values of secrets and remembers each, so that the log can be kept free of them.
type secretReader struct {
	configDir string
	getenv    func(string) string
	seen      []string
}

// read returns the value of s, without surrounding white space. The error says which file or variable is at fault and
// never holds the value.
func (r *secretReader) read(s secret) (string, error) {
	value, err := r.find(s)
	value = strings.TrimSpace(value)
	if err == nil && value != "" {
		r.seen = append(r.seen, value)
	}
	return value, err
}

func (r *secretReader) find(s secret) (string, error) {
	if s.file != "" {
		return r.readFile(s.file)
	}
	if m := envPattern.FindStringSubmatch(s.value); m != nil {
		value := r.getenv(m[1])
		if value == "" {
			return "", errors.New("environment variable " + m[1] + " is not set or empty")
		}
		return value, nil
	}
	return s.value, nil
}

// readFile looks a relative name up in $CREDENTIALS_DIRECTORY (where systemd puts credentials), then beside the config
// file. An empty file counts as absent: the unit hands over an empty default for a credential nobody installed.
func (r *secretReader) readFile(name string) (string, error) {
	var tried []string
	for _, path := range r.candidates(name) {
		data, err := os.ReadFile(path)
		if err == nil && len(strings.TrimSpace(string(data))) > 0 {
			return string(data), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", errors.New("cannot be read: " + err.Error())
		}
		tried = append(tried, path)
	}
	return "", errors.New("no such file, or it is empty: looked for " + strings.Join(tried, " and "))
}

func (r *secretReader) candidates(name string) []string {
	if filepath.IsAbs(name) {
		return []string{name}
	}
	var paths []string
	if dir := r.getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		paths = append(paths, filepath.Join(dir, name))
	}
	return append(paths, filepath.Join(r.configDir, name))
}
