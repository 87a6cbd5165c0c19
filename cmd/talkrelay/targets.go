package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"talkrelay/dispatch"
	"talkrelay/sink"
)

// target is a destination built from the config: what a worker needs of it, and what `check` does.
type target struct {
	name   string
	sink   sink.Sink
	check  func(context.Context) []sink.Finding
	worker dispatch.WorkerConfig // what depends on the kind of destination
}

// targetMaker is what targets are built with.
type targetMaker struct {
	base   *http.Transport
	memory func(key string) sink.Memory // gives each a place for the little it remembers
	log    *slog.Logger
	shared map[any]any
}

// share returns what all targets with the same key have in common, made for the first of them. Keys of different uses
// are of different types.
func share[T any](m *targetMaker, key any, make func() (T, error)) (T, error) {
	if made, ok := m.shared[key]; ok {
		return made.(T), nil
	}
	made, err := make()
	if err == nil {
		m.shared[key] = made
	}
	return made, err
}

// makeTargets builds every sink. It sends nothing.
func makeTargets(cfg *config, base *http.Transport, memory func(key string) sink.Memory, log *slog.Logger) ([]target, error) {
	m := &targetMaker{base: base, memory: memory, log: log, shared: map[any]any{}}
	return m.targets(cfg)
}

func (m *targetMaker) targets(cfg *config) ([]target, error) {
	var targets []target
	for _, p := range cfg.plan.sinks {
		t, err := p.target(m)
		if err != nil {
			return nil, fmt.Errorf("sink %s: %w", p.name(), err)
		}
		targets = append(targets, t)
	}
	return targets, nil
}
