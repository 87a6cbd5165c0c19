package dispatch

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr"
)

// hasAnyName is the function of filters that looks for words in a text.
const hasAnyName = "hasAny"

// hasAny adds the function to the language of filters.
func hasAny() expr.Option {
	return expr.Function(hasAnyName, func(args ...any) (any, error) {
		text, ok := args[0].(string)
		if !ok {
			return nil, errors.New("hasAny: the first argument is no text")
		}
		return holdsAny(text, args[1])
	}, new(func(string, []string) bool), new(func(string, []any) bool))
}

// holdsAny reports whether one of words is in text, in capitals or not. An empty word is in none.
func holdsAny(text string, words any) (bool, error) {
	text = strings.ToLower(text)
	in := func(word string) bool { return word != "" && strings.Contains(text, strings.ToLower(word)) }
	switch words := words.(type) {
	case []string:
		for _, word := range words {
			if in(word) {
				return true, nil
			}
		}
	case []any:
		for _, word := range words {
			w, ok := word.(string)
			if !ok {
				return false, errors.New("hasAny: a word is no text")
			}
			if in(w) {
				return true, nil
			}
		}
	default:
		return false, errors.New("hasAny: the second argument is no list")
	}
	return false, nil
}
