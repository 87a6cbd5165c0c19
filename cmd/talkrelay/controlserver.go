package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// controlMux is what the running daemon can be asked, and told, over the control socket. Who may open the socket may
// ask. Telling, and seeing what is masked otherwise, is for root and for the user the daemon runs as.
func (d *daemon) controlMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /status", asking(func(*http.Request) (any, error) { return d.status(), nil }))
	mux.HandleFunc("GET /backup", d.sendBackup)
	mux.Handle("GET /events", asking(d.events(false)))
	mux.Handle("GET /events/reveal", telling(d.logger, d.events(true)))
	mux.Handle("GET /queue", asking(d.queues))
	mux.Handle("POST /queue/retry", patiently(telling(d.logger, d.changeQueue(d.retryAll, retryOne))))
	mux.Handle("POST /queue/drop", patiently(telling(d.logger, d.changeQueue(d.dropAll, dropOne))))
	return mux
}

// controlError is an error with the status it is answered with. Any other is answered with 500.
type controlError struct {
	status int
	err    error
}

func (e controlError) Error() string { return e.err.Error() }
func (e controlError) Unwrap() error { return e.err }

// asking answers with the JSON of what f returns, or with its error.
func asking(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			answerError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // a caller that has gone misses nothing
	})
}

func answerError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if e := (controlError{}); errors.As(err, &e) {
		status = e.status
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(controlReply{Error: err.Error()})
}

// telling is asking for the few who may change something. Each time leaves a line in the log with who it was: the law
// wants to know who looked at customers' data.
func telling(log func() *slog.Logger, f func(*http.Request) (any, error)) http.Handler {
	return asking(func(r *http.Request) (any, error) {
		uid, err := allowed(r)
		if err != nil {
			return nil, err
		}
		log().Info("asked to", "job", r.Method+" "+r.URL.Path, "uid", uid)
		return f(r)
	})
}

// controlReply is the body of an answer that is nothing but an error.
type controlReply struct {
	Error string `json:"error"`
}

// allowed returns the user at the other end of the socket if it is root or the daemon's own.
func allowed(r *http.Request) (uid int, err error) {
	uid, ok := r.Context().Value(peerKey{}).(int)
	if !ok {
		return 0, controlError{http.StatusForbidden, errors.New("the system does not say who asks")}
	}
	if uid != 0 && uid != os.Geteuid() {
		return uid, controlError{http.StatusForbidden, fmt.Errorf("user %d may look, but only root and user %d may do this: try with sudo", uid, os.Geteuid())}
	}
	return uid, nil
}

type peerKey struct{}

// controlTimeout bounds one exchange on the control socket. A handler that takes longer moves its own deadline.
const controlTimeout = 5 * time.Second

// serveControl serves mux on l until ctx ends.
func serveControl(ctx context.Context, l net.Listener, mux *http.ServeMux, log *slog.Logger) {
	srv := &http.Server{
		Handler:     mux,
		ReadTimeout: controlTimeout, WriteTimeout: controlTimeout, IdleTimeout: controlTimeout,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			if uid, err := peer(conn); err == nil {
				ctx = context.WithValue(ctx, peerKey{}, uid)
			}
			return ctx
		},
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = srv.Close()
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		log.Warn("control socket closed", "err", err.Error())
	}
	if !stop() {
		<-done
	}
}
