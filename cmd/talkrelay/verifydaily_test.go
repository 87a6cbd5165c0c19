package main

import (
	"syscall"
	"testing"
)

// TestVerifyDaily has a daemon count, and heal, by a setting that a reload brings.
func TestVerifyDaily(t *testing.T) {
	t.Parallel()
	r := newOldShop(t, 2, 2)
	p := r.start()
	r.awaitBaseline(p)
	r.edit("[retry]", "[verify]\nat = \"@every 1s\"\n\n[retry]")
	p.signal(syscall.SIGHUP)
	p.awaitLine("verified, and something differs", "day=", "≠ 시트 0")
	r.edit("at = \"@every 1s\"", "at = \"@every 1s\"\nheal = true")
	p.signal(syscall.SIGHUP)
	p.awaitLine("level=INFO msg=verified", "day=", "= 슬랙", "= 시트")
	p.stop()
	r.assertDiscreet(r.written())
}
