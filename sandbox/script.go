package sandbox

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Script returns a FaultFunc that gives the faults to the first requests, one each, in order. A nil fault lets one pass.
func Script(faults ...*Fault) FaultFunc {
	var mu sync.Mutex
	return func(string, Request) *Fault {
		mu.Lock()
		defer mu.Unlock()
		if len(faults) == 0 {
			return nil
		}
		f := faults[0]
		faults = faults[1:]
		return f
	}
}

// Only restricts f to requests whose path ends in suffix ("chat.postMessage", ":batchUpdate", "/user-chats").
func Only(suffix string, f FaultFunc) FaultFunc {
	return func(service string, r Request) *Fault {
		if !strings.HasSuffix(r.Path, suffix) {
			return nil
		}
		return f(service, r)
	}
}

// Always returns a FaultFunc that gives every request f.
func Always(f Fault) FaultFunc {
	return func(string, Request) *Fault { return &f }
}

// RandomFaults returns a FaultFunc that lets a share of the requests go wrong, rate between 0 and 1, in every way that
// a network and a busy service know. Nothing is held longer than hold; 0 = no holding. Equal seeds draw equal faults;
// which request meets which fault depends on the order they arrive in.
func RandomFaults(seed uint64, rate float64, hold time.Duration) FaultFunc {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	return func(string, Request) *Fault {
		mu.Lock()
		defer mu.Unlock()
		if random.Float64() >= rate {
			return nil
		}
		wait := time.Duration(random.Float64() * float64(hold))
		faults := randomFaults(wait)
		return &faults[random.IntN(len(faults))]
	}
}

func randomFaults(wait time.Duration) []Fault {
	html := "<html><body><h1>502 Bad Gateway</h1></body></html>"
	return []Fault{
		{Skip: true, Reset: true},
		{Reset: true},
		{Before: wait, Reset: true},
		{After: wait},
		{Before: wait},
		{Skip: true, Status: http.StatusInternalServerError},
		{Skip: true, Status: http.StatusBadGateway, Body: html},
		{Skip: true, Status: http.StatusServiceUnavailable},
		{Skip: true, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}},
		{Skip: true, Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://127.0.0.1:1/elsewhere"}}},
		{Status: http.StatusBadGateway, Body: html},
		{Body: "{}"},
		{Skip: true, Body: "{}"},
		{Body: html},
		{Cut: 20},
		{Trickle: wait / 16},
		{Hangup: true},
	}
}
