package poller

import "talkrelay"

// flags are the subscriptions in a customer's snapshot. Which of them are known is part of it: a snapshot that is older
// than a flag, or made of a list, which shows only two of them, is a baseline for the others. Bits are added, never
// changed: they are in the state file.
type flags int

const (
	flagsListed flags = 1 << iota // the two that lists show are known
	flagsAlone                    // and the third
	noEmail
	noTexting
	noAppPush
)

// next returns f after u was seen.
func (f flags) next(u userRow) flags {
	n := flagsListed
	set := func(bit flags, is bool) {
		if is {
			n |= bit
		}
	}
	set(noEmail, u.UnsubscribeEmail)
	set(noTexting, u.UnsubscribeTexting)
	if u.alone {
		n |= flagsAlone
		set(noAppPush, u.UnsubscribeAppPush)
	} else {
		n |= f & (flagsAlone | noAppPush)
	}
	return n
}

// differ reports whether n has another value than f in a flag that f knew.
func (f flags) differ(n flags) bool {
	var known flags
	if f&flagsListed != 0 {
		known |= noEmail | noTexting
	}
	if f&flagsAlone != 0 {
		known |= noAppPush
	}
	return (f^n)&known != 0
}

func (f flags) subscription() talkrelay.Subscription {
	return talkrelay.Subscription{
		UnsubscribeEmail: f&noEmail != 0, UnsubscribeTexting: f&noTexting != 0, UnsubscribeAppPush: f&noAppPush != 0,
	}
}

// compareFlags notes in c what u does not want to be sent. That a flag is known now is worth a write only where somebody
// asks for changes: else a rotation through a million customers would write about each of them.
func (c *userChange) compareFlags(prev *userSnapshot, u userRow, asked bool) {
	next := prev.Flags.next(u)
	c.resubscribed, c.oldFlags = prev.Flags.differ(next), prev.Flags
	if next != prev.Flags && (c.resubscribed || asked) {
		c.snap.Flags, c.store = next, true
	}
}
