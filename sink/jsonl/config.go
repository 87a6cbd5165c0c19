package jsonl

import (
	"path/filepath"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// Config holds the settings of one [[sink.jsonl]].
type Config struct {
	sink.Options
	Path    string        // of the file that is written to; those it was rotated into lie beside it
	MaxSize int64         // bytes; a file that would grow beyond is rotated first; 0 = any size
	Daily   bool          // rotate at midnight too, in Options.Location
	Keep    time.Duration // rotated files last written longer ago are removed; 0 = never
}

// Defaults of a config file.
const (
	DefaultMaxSizeMB = 100
	DefaultKeep      = 90 * 24 * time.Hour
)

const suffix = ".jsonl" // of the file and of those it was rotated into

// Validate returns everything that is wrong with c, keyed as in the config file.
func (c Config) Validate() talkrelay.Problems {
	var p talkrelay.Problems
	switch {
	case c.Path == "":
		p.Add("path", `is missing: name the file, like "events.jsonl"`)
	case !strings.HasSuffix(c.Path, suffix) || filepath.Base(c.Path) == suffix:
		p.Add("path", "must end with %s, like %q", suffix, "events.jsonl")
	}
	if c.MaxSize < 0 {
		p.Add("max_size_mb", "must not be negative; 0 = any size")
	}
	if c.Keep != 0 && c.Keep < time.Hour {
		p.Add("keep", "is too short: files are kept for at least 1h; 0 = for ever")
	}
	c.Options.Validate(&p)
	return p
}
