package channeltalk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"talkrelay/channeltalk"
)

// script answers requests in turn, the last answer for ever, and notes when each came. Made for a synctest bubble,
// where time stands still while anything runs.
type script struct {
	mu      sync.Mutex
	answers []answer
	sent    []time.Time
	delay   time.Duration // before each answer
}

type answer struct {
	status  int
	headers []string // "Name: value"
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	a := s.answers[min(len(s.sent), len(s.answers)-1)]
	s.sent = append(s.sent, time.Now())
	delay := s.delay
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp := &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"user":{"id":"u"}}`)), Request: req}
	for _, h := range a.headers {
		name, value, _ := strings.Cut(h, ": ")
		resp.Header.Set(name, value)
	}
	return resp, nil
}

func (s *script) client() *channeltalk.Client {
	return channeltalk.New(channeltalk.Config{AccessKey: "k", AccessSecret: "s", Transport: s})
}

func listing(ctx context.Context, c *channeltalk.Client) error {
	_, err := c.UserChats(ctx, channeltalk.Query{})
	return err
}

func userOf(ctx context.Context, c *channeltalk.Client) error {
	_, err := c.User(ctx, "u")
	return err
}

// bubble's clock begins here.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func Test429(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		headers []string
		want    time.Duration
	}{
		{"seconds", []string{"Retry-After: 3"}, 3 * time.Second},
		{"many seconds", []string{"Retry-After: 90"}, 90 * time.Second},
		{"date", []string{"Retry-After: Sat, 01 Jan 2000 00:00:40 GMT"}, 40 * time.Second},
		{"date by a server whose clock is hours off", []string{"Date: Sat, 01 Jan 2000 05:00:00 GMT", "Retry-After: Sat, 01 Jan 2000 05:00:40 GMT"}, 40 * time.Second},
		{"absent", nil, time.Second},
		{"zero", []string{"Retry-After: 0"}, time.Second},
		{"negative", []string{"Retry-After: -5"}, time.Second},
		{"malformed", []string{"Retry-After: soon"}, time.Second},
		{"date in the past", []string{"Retry-After: Fri, 31 Dec 1999 00:00:40 GMT"}, time.Second},
		{"longer than our own longest wait", []string{"Retry-After: 600"}, 10 * time.Minute},
		{"huge", []string{"Retry-After: 86400"}, time.Hour},
		{"beyond every number", []string{"Retry-After: 18446744073709551615"}, time.Hour},
		{"far beyond every number", []string{"Retry-After: 99999999999999999999999"}, time.Second},
		{"far date", []string{"Retry-After: Fri, 01 Jan 2100 00:00:00 GMT"}, time.Hour},
		{"reset instead", []string{"X-RateLimit-Reset: 946684812"}, 12 * time.Second},
		{"reset by the server's clock", []string{"Date: Sat, 01 Jan 2000 05:00:00 GMT", "X-RateLimit-Reset: 946702807"}, 7 * time.Second},
		{"reset beside malformed", []string{"Retry-After: 1e3", "X-RateLimit-Reset: 946684812"}, 12 * time.Second},
		{"retry-after goes first", []string{"Retry-After: 20", "X-RateLimit-Reset: 946684812"}, 20 * time.Second},
		{"reset over", []string{"X-RateLimit-Reset: 946684700"}, time.Second},
		{"reset in milliseconds", []string{"X-RateLimit-Reset: 946684812000"}, time.Second},
		{"reset in half an hour", []string{"X-RateLimit-Reset: 946686600"}, 5 * time.Minute},
		{"reset malformed", []string{"X-RateLimit-Reset: x"}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{{429, tt.headers}, {200, nil}}}
				c := s.client()
				var e *channeltalk.Error
				if err := listing(t.Context(), c); !errors.As(err, &e) || e.Kind != channeltalk.Throttled || e.RetryAfter != tt.want {
					t.Fatalf("error %#v, want throttled for %v", err, tt.want)
				}
				first := e.Error()
				for err := listing(t.Context(), c); err != nil; err = listing(t.Context(), c) {
					if !errors.As(err, &e) || e.Kind != channeltalk.Throttled || e.Error() != first {
						t.Fatalf("while held: %v, want %q", err, first)
					}
					time.Sleep(e.RetryAfter / 2)
				}
				if got := s.sent[1].Sub(s.sent[0]); len(s.sent) != 2 || got != tt.want {
					t.Errorf("%d requests, the second after %v; want 2, %v", len(s.sent), got, tt.want)
				}
			})
		})
	}
}

func Test429Grows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{429, nil}}}
		c := s.client()
		for i := range 12 {
			want := min(time.Second<<i, 5*time.Minute)
			var e *channeltalk.Error
			if err := userOf(t.Context(), c); !errors.As(err, &e) || e.RetryAfter != want {
				t.Fatalf("429 number %d: %#v, want %v", i+1, err, want)
			}
			time.Sleep(want)
		}
		s.answers = []answer{{200, nil}}
		if err := userOf(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		s.answers = []answer{{429, nil}}
		var e *channeltalk.Error
		if err := userOf(t.Context(), c); !errors.As(err, &e) || e.RetryAfter != time.Second {
			t.Errorf("429 after a success: %#v, want a second", err)
		}
	})
}

// TestHoldOfOneBucket: lists have an allowance of their own, and a hold on one says nothing about the other.
func TestHoldOfOneBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{429, []string{"Retry-After: 60"}}, {200, nil}}}
		c := s.client()
		if err := listing(t.Context(), c); !errors.Is(err, channeltalk.Throttled) {
			t.Fatal(err)
		}
		if err := userOf(t.Context(), c); err != nil || time.Since(midnight) != 0 {
			t.Errorf("%v after %v, want no error and no wait", err, time.Since(midnight))
		}
	})
}

// TestHoldBySomebodyElse: a request that waits for its turn sees a 429 that another one gets meanwhile.
func TestHoldBySomebodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{429, []string{"Retry-After: 4"}}, {200, nil}}, delay: 50 * time.Millisecond}
		c := channeltalk.New(channeltalk.Config{AccessKey: "k", AccessSecret: "s", Transport: s, RequestsPerSecond: 0.5})
		go func() { _ = userOf(t.Context(), c) }() // takes the only token
		synctest.Wait()
		if err := userOf(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got, want := s.sent[1].Sub(s.sent[0]), 4050*time.Millisecond; got < want {
			t.Errorf("the second request went out after %v, inside the hold of %v", got, want)
		}
	})
}

func TestServerErrorWithRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{503, []string{"Retry-After: 30"}}, {500, nil}, {200, nil}}}
		c := s.client()
		var e *channeltalk.Error
		if err := userOf(t.Context(), c); !errors.As(err, &e) || e.Kind != channeltalk.Server || e.RetryAfter != 30*time.Second {
			t.Fatalf("%#v, want server trouble for 30s", err)
		}
		if err := userOf(t.Context(), c); !errors.Is(err, channeltalk.Throttled) || len(s.sent) != 1 {
			t.Fatalf("%v, want to be held back", err)
		}
		time.Sleep(30 * time.Second)
		if err := userOf(t.Context(), c); !errors.As(err, &e) || e.Kind != channeltalk.Server || e.RetryAfter != 0 {
			t.Fatalf("%#v, want server trouble without a hold", err)
		}
		if err := userOf(t.Context(), c); err != nil || len(s.sent) != 3 {
			t.Errorf("%v, %d requests", err, len(s.sent))
		}
	})
}

// TestBurstAndPace: what comes at once goes at once, what keeps coming keeps the pace.
func TestBurstAndPace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		ask  func(context.Context, *channeltalk.Client) error
		n    int
		want time.Duration
	}{
		{"a burst of 5,000 chats", listing, 11, 0},
		{"lists without end", listing, 20 + 50, 10 * time.Second},
		{"users without end", userOf, 20 + 100, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{{200, []string{"X-RateLimit-Remaining: 100"}}}}
				c := s.client()
				for range tt.n {
					if err := tt.ask(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				if got := time.Since(midnight).Round(time.Millisecond); got != tt.want {
					t.Errorf("%d requests took %v, want %v", tt.n, got, tt.want)
				}
			})
		})
	}
}

// TestReserve: below the reserve we go at half pace without bursts, until the allowance is reset or a reply shows it full.
func TestReserve(t *testing.T) {
	t.Parallel()
	const low = "X-RateLimit-Remaining: 99"
	tests := []struct {
		name    string
		reserve int
		headers []string
		want    time.Duration // of ten more requests
	}{
		{"above", 0, []string{"X-RateLimit-Remaining: 100"}, 0},
		{"below", 0, []string{low, "X-RateLimit-Reset: 946684860"}, 2 * time.Second},
		{"below, reset not told", 0, []string{low}, 2 * time.Second},
		{"below, reset malformed", 0, []string{low, "X-RateLimit-Reset: -"}, 2 * time.Second},
		{"nothing told", 0, nil, 0},
		{"malformed", 0, []string{"X-RateLimit-Remaining: few"}, 0},
		{"own reserve", 50, []string{low}, 0},
		{"no reserve", -1, []string{"X-RateLimit-Remaining: 0"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{{200, tt.headers}, {200, nil}}}
				c := channeltalk.New(channeltalk.Config{AccessKey: "k", AccessSecret: "s", Transport: s, Reserve: tt.reserve})
				for range 1 + 1 + 10 { // the first tells, the second still has a token
					if err := userOf(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				if got := time.Since(midnight).Round(time.Millisecond); got != tt.want {
					t.Errorf("took %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestReserveEnds(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"reset", "reply"} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{200, []string{"X-RateLimit-Remaining: 1", "X-RateLimit-Reset: 946684830"}}, {200, nil}}}
			if end == "reply" {
				s.answers[1].headers = []string{"X-RateLimit-Remaining: 900"}
			}
			c := s.client()
			_ = userOf(t.Context(), c)
			if end == "reset" {
				time.Sleep(30 * time.Second)
			}
			_ = userOf(t.Context(), c)
			time.Sleep(3 * time.Second) // the bucket fills
			at := time.Now()
			for range 20 {
				_ = userOf(t.Context(), c)
			}
			if took := time.Since(at); took != 0 {
				t.Errorf("after the %s, 20 requests took %v, want a burst", end, took)
			}
		})
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{429, []string{"Retry-After: 4"}}}}
		c := s.client()
		_ = userOf(t.Context(), c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := userOf(ctx, c); !errors.Is(err, context.DeadlineExceeded) || len(s.sent) != 1 {
			t.Errorf("%v, %d requests; want the context's error and no second request", err, len(s.sent))
		}
		if took := time.Since(midnight); took != time.Second {
			t.Errorf("returned after %v, want 1s", took)
		}
	})
}

// TestSlowPage: pages of 500 rows can take long; the default timeout bears it, and no more than it says.
func TestSlowPage(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{20 * time.Second, 31 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &script{answers: []answer{{200, nil}}, delay: delay}
			err := listing(t.Context(), s.client())
			if delay < 30*time.Second && err != nil || delay > 30*time.Second && !errors.Is(err, channeltalk.Unreachable) {
				t.Errorf("a page that takes %v: %v", delay, err)
			}
			if took := time.Since(midnight); took != min(delay, 30*time.Second) {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestQuotaAndServerTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{200, []string{
			"X-RateLimit-Limit: 1000", "X-RateLimit-Remaining: 987", "X-RateLimit-Reset: 946684805", "Date: Sat, 01 Jan 2000 00:00:02 GMT",
		}}, {200, nil}}}
		c := s.client()
		if q := c.Quota(); q != (channeltalk.Quota{}) {
			t.Errorf("quota %+v before any reply", q)
		}
		page, err := c.UserChats(t.Context(), channeltalk.Query{})
		if err != nil || !page.ServerTime.Equal(midnight.Add(2*time.Second)) {
			t.Errorf("server time %v, %v", page.ServerTime, err)
		}
		_ = userOf(t.Context(), c) // tells nothing, so the last word stands
		want := channeltalk.Quota{Limit: 1000, Remaining: 987, Reset: midnight.Add(5 * time.Second)}
		if q := c.Quota(); q != want {
			t.Errorf("quota %+v, want %+v", q, want)
		}
		if page, err := c.UserChats(t.Context(), channeltalk.Query{}); err != nil || !page.ServerTime.IsZero() {
			t.Errorf("server time %v, %v; want none", page.ServerTime, err)
		}
	})
}

func ExampleKindOf() {
	s := &script{answers: []answer{{404, nil}}}
	_, err := s.client().User(context.Background(), "6641a0b2c3")
	fmt.Println(channeltalk.KindOf(err) == channeltalk.Gone)
	fmt.Println(err)
	// Output:
	// true
	// read user: 404: deleted in Channel Talk, or merged into another one
}
