package sink_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"talkrelay/sink"
)

func TestTraceRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	date := func(t time.Time) string { return t.Format(http.TimeFormat) }
	for _, tt := range []struct {
		name, value, date string
		want              time.Duration
		ok                bool
	}{
		{"absent", "", "", 0, false},
		{"seconds", "30", "", 30 * time.Second, true},
		{"spaces", " 30 ", "", 30 * time.Second, true},
		{"zero", "0", "", time.Second, true},
		{"long", "86400", "", time.Hour, true},
		{"no number is that long", "99999999999999999999", "", time.Hour, true},
		{"negative", "-5", "", 0, false},
		{"fraction", "1.5", "", 0, false},
		{"word", "abc", "", 0, false},
		{"date", date(now.Add(90 * time.Second)), "", 90 * time.Second, true},
		{"date in the past", date(now.Add(-time.Hour)), "", time.Second, true},
		{"far date", date(now.Add(48 * time.Hour)), "", time.Hour, true},
		{"date by the server's clock, ours is two hours off", date(now.Add(2*time.Hour + time.Minute)), date(now.Add(2 * time.Hour)), time.Minute, true},
	} {
		header := make(http.Header)
		if tt.value != "" {
			header.Set("Retry-After", tt.value)
		}
		if tt.date != "" {
			header.Set("Date", tt.date)
		}
		trace := traced(t, &http.Response{StatusCode: http.StatusTooManyRequests, Header: header, Body: http.NoBody})
		if got, ok := trace.RetryAfter(now); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %s, %t; want %s, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestTraceBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	_, trace := sink.WithTrace(t.Context())
	_, ok := trace.RetryAfter(time.Now())
	if trace.Connected() || trace.Status() != 0 || trace.Header() != nil || trace.Body() != nil || !trace.Date().IsZero() || ok {
		t.Error("an empty trace says something")
	}
}

func TestTraceDate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Time{at.Format(http.TimeFormat): at, "yesterday": {}, "": {}} {
		trace := traced(t, &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {value}}, Body: http.NoBody})
		if got := trace.Date(); !got.Equal(want) {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

// The caller reads everything, the trace keeps the start, whoever reads what.
func TestTraceBody(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	big := strings.Repeat("x", 200<<10)
	for _, tt := range []struct {
		name string
		body io.Reader
		want string
		err  error
	}{
		{"empty", strings.NewReader(""), "", nil},
		{"small", strings.NewReader("hello"), "hello", nil},
		{"big", strings.NewReader(big), big, nil},
		{"breaks off early", io.MultiReader(strings.NewReader("hel"), iotest.ErrReader(broken)), "hel", broken},
		{"breaks off late", io.MultiReader(strings.NewReader(big), iotest.ErrReader(broken)), big, broken},
	} {
		closed := false
		body := &closer{Reader: tt.body, closed: &closed}
		ctx, trace := sink.WithTrace(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := answering(&http.Response{StatusCode: http.StatusOK, Body: body}).Do(req)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		kept := tt.want[:min(len(tt.want), 64<<10)]
		if string(trace.Body()) != kept {
			t.Errorf("%s: the trace keeps %d bytes before anybody reads, want %d", tt.name, len(trace.Body()), len(kept))
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: read %d bytes, error %v; want %d, %v", tt.name, len(got), err, len(tt.want), tt.err)
		}
		if err := resp.Body.Close(); err != nil || !closed {
			t.Errorf("%s: closed %t, error %v", tt.name, closed, err)
		}
	}
}

// Trace tells of the last request: an old answer must not explain a new failure.
// A connection that broke stays broken, even if the body below would say so only once.
func TestTraceBodyCutShort(t *testing.T) {
	t.Parallel()
	client := sink.NewHTTPClient(roundTripper(func(r *http.Request) (*http.Response, error) {
		once := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ok"))) // the second read fails, the third does not
		return &http.Response{StatusCode: 200, Body: io.NopCloser(once), Request: r}, nil
	}), time.Minute)
	resp, err := client.Get("http://127.0.0.1/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "o" || !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTraceStartsAnew(t *testing.T) {
	t.Parallel()
	calls := 0
	client := sink.NewHTTPClient(roundTripper(func(*http.Request) (*http.Response, error) {
		if calls++; calls > 1 {
			return nil, errors.New("refused")
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"A": {"b"}}, Body: io.NopCloser(strings.NewReader("old"))}, nil
	}), testTimeout)
	ctx, trace := sink.WithTrace(t.Context())
	if err := post(ctx, client, "http://127.0.0.1/", nil); err != nil || trace.Status() != http.StatusOK {
		t.Fatalf("status %d, error %v", trace.Status(), err)
	}
	if err := post(ctx, client, "http://127.0.0.1/", nil); err == nil {
		t.Fatal("no error")
	}
	if trace.Status() != 0 || trace.Header() != nil || !bytes.Equal(trace.Body(), nil) {
		t.Errorf("status %d, header %v, body %q of the request before", trace.Status(), trace.Header(), trace.Body())
	}
}

// traced returns the trace of a request that resp answers.
func traced(t *testing.T, resp *http.Response) *sink.Trace {
	t.Helper()
	ctx, trace := sink.WithTrace(t.Context())
	if err := post(ctx, answering(resp), "http://127.0.0.1/", nil); err != nil {
		t.Fatal(err)
	}
	return trace
}

func answering(resp *http.Response) *http.Client {
	return sink.NewHTTPClient(roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil }), testTimeout)
}

type closer struct {
	io.Reader
	closed *bool
}

func (c *closer) Close() error {
	*c.closed = true
	return nil
}
