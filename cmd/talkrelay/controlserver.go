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
	ask := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, recorded(d.logger, asking(f)))
	}
	tell := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, recorded(d.logger, restricted(patiently(asking(f)))))
	}
	mux.Handle("GET /status", asking(func(*http.Request) (any, error) { return d.status(), nil })) // nobody's data
	mux.Handle("GET /backup", recorded(d.logger, restricted(http.HandlerFunc(d.sendBackup))))
	ask("GET /events", d.events(false))
	tell("GET /events/reveal", d.events(true))
	ask("GET /queue", d.queues)
	tell("POST /queue/retry", d.changeQueue(d.retryAll, retryOne))
	tell("POST /queue/drop", d.changeQueue(d.dropAll, dropOne))
	tell("POST /forget", d.forget)
	mux.Handle("POST /backfill", recorded(d.logger, restricted(http.HandlerFunc(d.serveBackfill))))
	mux.Handle("POST /verify", recorded(d.logger, restricted(http.HandlerFunc(d.serveVerify))))
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

// recorded leaves a line in the log with who asks for what: the law wants to know who looked at customers' data.
func recorded(log func() *slog.Logger, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uid, ok := r.Context().Value(peerKey{}).(int)
		if !ok {
			answerError(w, controlError{http.StatusForbidden, errors.New("the system does not say who asks")})
			return
		}
		log().Info("asked to", "job", r.Method+" "+r.URL.Path, "uid", uid)
		h.ServeHTTP(w, r)
	})
}

// restricted refuses everybody but root and the user the daemon runs as.
func restricted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if uid, ok := r.Context().Value(peerKey{}).(int); !ok || uid != 0 && uid != os.Geteuid() {
			answerError(w, controlError{http.StatusForbidden,
				fmt.Errorf("user %d may look, but only root and user %d may do this: try with sudo", uid, os.Geteuid())})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// patiently gives a handler the time that a pause of delivering may take.
func patiently(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// controlReply is the body of an answer that is nothing but an error.
type controlReply struct {
	Error string `json:"error"`
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
