package main

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

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

// languageFlag is --language of commands that speak the config's language otherwise.
type languageFlag struct{ lang sink.Language }

func (l *languageFlag) String() string { return string(l.lang) }
func (l *languageFlag) Type() string   { return "string" }

func (l *languageFlag) Set(text string) error {
	lang, ok := sink.ParseLanguage(text)
	if !ok {
		return errors.New(`must be "ko", "en" or "ja"`)
	}
	l.lang = lang
	return nil
}

func (l *languageFlag) add(cmd *cobra.Command) {
	cmd.Flags().Var(l, "language", "ko, en or ja: of what is printed (default: the config's)")
	_ = cmd.RegisterFlagCompletionFunc("language", cobra.FixedCompletions([]string{"ko", "en", "ja"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
}

// words are those of the flag, or else of the config's language.
func (l *languageFlag) words(config sink.Language) *screenWords {
	return screenWordsOf(cmp.Or(l.lang, config))
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
