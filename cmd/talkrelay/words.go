package main

import (
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"talkrelay/sink"
)

// inLanguage picks what is said in lang: Korean if lang is no language.
func inLanguage[T any](lang sink.Language, korean, english, japanese *T) *T {
	switch lang {
	case sink.English:
		return english
	case sink.Japanese:
		return japanese
	}
	return korean
}

// languageOfTerminal is the language that the environment asks for, as in LANG=ko_KR.UTF-8. English where it names none
// of ours.
func languageOfTerminal(getenv func(string) string) sink.Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		code, _, _ := strings.Cut(strings.ToLower(value), "_")
		if lang, ok := sink.ParseLanguage(code); ok {
			return lang
		}
		break
	}
	return sink.English
}

// languageOfConfig is the language that the config at path names, whatever else may be wrong with it. Where it cannot be
// read it is what a config that names none means.
func languageOfConfig(path string) sink.Language {
	var f file
	f.defaults()
	usual := sink.Language(f.Language)
	var named struct{ Language string }
	data, err := os.ReadFile(path)
	if err != nil {
		return usual
	}
	if _, err := toml.Decode(string(data), &named); err != nil {
		return usual
	}
	if lang, ok := sink.ParseLanguage(named.Language); ok {
		return lang
	}
	return usual
}
