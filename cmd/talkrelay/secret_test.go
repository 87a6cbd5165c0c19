package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	ch := channelFile{AccessSecret: secret{value: "hush-hush", set: true}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, ch.AccessSecret) + fmt.Sprintf(verb, ch); strings.Contains(text, "hush") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestInlineSecret says which secrets make a config file one that others must not read.
func TestInlineSecret(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		s    secret
		want bool
	}{
		{secret{value: "hush-hush"}, true},
		{secret{value: "$TOKEN"}, true}, // not how a variable is written
		{secret{value: "${TOKEN}"}, false},
		{secret{file: "token"}, false},
		{secret{}, false},
	} {
		if got := test.s.inline(); got != test.want {
			t.Errorf("%q in file %q: inline %t, want %t", test.s.value, test.s.file, got, test.want)
		}
	}
}
