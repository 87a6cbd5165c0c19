package state_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"talkrelay/state"
	"talkrelay/state/statetest"
)

// store is a *state.DB as the suite wants it.
type store struct{ *state.DB }

func (s store) Queue(sink string) statetest.Queue { return s.DB.Queue(sink) }

func (s store) Sweep(now time.Time) error {
	_, err := s.DB.Sweep(context.Background(), now)
	return err
}

func TestConformance(t *testing.T) {
	t.Parallel()
	statetest.Run(t, func(t *testing.T) func() statetest.Store {
		path := filepath.Join(t.TempDir(), "talkrelay.db")
		return func() statetest.Store {
			db, err := state.Open(state.Config{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			return store{db}
		}
	})
}
