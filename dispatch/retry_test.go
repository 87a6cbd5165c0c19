package dispatch_test

import (
	"testing"
	"time"

	"talkrelay/dispatch"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		config dispatch.RetryConfig
		n      int
		want   time.Duration
	}{
		{dispatch.RetryConfig{}, -1, time.Second},
		{dispatch.RetryConfig{}, 0, time.Second},
		{dispatch.RetryConfig{}, 1, time.Second},
		{dispatch.RetryConfig{}, 2, 2 * time.Second},
		{dispatch.RetryConfig{}, 3, 4 * time.Second},
		{dispatch.RetryConfig{}, 9, 256 * time.Second},
		{dispatch.RetryConfig{}, 10, 5 * time.Minute},
		{dispatch.RetryConfig{}, 1 << 40, 5 * time.Minute},
		{dispatch.RetryConfig{Min: time.Minute, Max: time.Minute}, 1, time.Minute},
		{dispatch.RetryConfig{Min: time.Minute, Max: time.Minute}, 7, time.Minute},
		{dispatch.RetryConfig{Min: time.Hour, Max: time.Minute}, 1, time.Minute},
		{dispatch.RetryConfig{Min: 1, Max: 1<<63 - 1}, 1000, 1<<63 - 1},
	}
	for _, tt := range tests {
		if got := tt.config.Backoff(tt.n); got != tt.want {
			t.Errorf("%+v after %d failures: %s, want %s", tt.config, tt.n, got, tt.want)
		}
	}
}

func TestRetryConfigValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		config dispatch.RetryConfig
		keys   []string
	}{
		{dispatch.RetryConfig{}, nil},
		{dispatch.RetryConfig{Min: time.Second, Max: time.Second}, nil},
		{dispatch.RetryConfig{Min: -1, Max: -1}, []string{"min", "max"}},
		{dispatch.RetryConfig{Min: 2 * time.Second, Max: time.Second}, []string{"max"}},
		{dispatch.RetryConfig{Min: time.Hour}, []string{"max"}},
	}
	for _, tt := range tests {
		got := tt.config.Validate()
		if len(got) != len(tt.keys) {
			t.Errorf("%+v: problems %v, want keys %v", tt.config, got, tt.keys)
			continue
		}
		for i, p := range got {
			if p.Key != tt.keys[i] {
				t.Errorf("%+v: key %q, want %q", tt.config, p.Key, tt.keys[i])
			}
		}
	}
}
