package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// askOptions say which daemon a command talks to.
type askOptions struct {
	config   string
	socket   string
	language languageFlag
}

func addAskFlags(cmd *cobra.Command, o *askOptions) {
	cmd.Flags().StringVarP(&o.config, "config", "c", defaultConfig, "config file of the daemon to ask")
	cmd.Flags().StringVar(&o.socket, "socket", "", "control socket, if it is somewhere else")
	o.language.add(cmd)
}

// words are those of the daemon's config, unless the flag names others.
func (o askOptions) words() *screenWords { return o.language.words(languageOfConfig(o.config)) }

// sockets lists where the daemon may listen, best guess first. err is why the config has no say in it; a config whose
// secrets only the service can read is the usual case, and no reason for words.
func (o askOptions) sockets() (paths []string, err error) {
	if o.socket != "" {
		return []string{o.socket}, nil
	}
	paths = []string{systemdSocket}
	c, err := readConfig(o.config, os.Getenv)
	var problems *configError
	switch {
	case err == nil:
		return append([]string{controlSocket(c.plan.state.Path)}, paths...), nil
	case errors.As(err, &problems) && !problems.syntax:
		return paths, nil
	}
	return paths, err
}

// Limits of an answer. A daemon that pauses delivering for what it is asked takes up to a minute, see patiently.
const (
	lookLimit   = 2 * controlTimeout
	changeLimit = 75 * time.Second
)

// ask sends body as JSON, nothing if it is nil, to path of the daemon's control socket and returns the JSON of the
// answer. An error has its exit code: exitUsage if no daemon answers, exitFailed if it answers with an error.
// It waits no longer than lookLimit for a GET, and than changeLimit for anything else.
func (o askOptions) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	limit := changeLimit
	if method == http.MethodGet {
		limit = lookLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, exitError{exitUsage, fmt.Errorf("talkrelay is there but has not answered within %s: "+
		"it is starting, hangs, or the machine is very busy. 'journalctl -u talkrelay' says more; a restart loses nothing", limit)})
	defer cancel()
	resp, err := o.call(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxControlAnswer))
	switch {
	case ctx.Err() != nil:
		return nil, stopped(ctx)
	case err != nil:
		return nil, failed(fmt.Errorf("read the daemon's answer to %s: %w", path, err))
	}
	return text, nil
}

// errNoDaemon is in the error of a question that nobody answered.
var errNoDaemon = errors.New("no running talkrelay answers")

// noDaemon says what was tried, and what to do. config is why the config could not say where to look.
func noDaemon(tried []error, config error) error {
	hint := "is it started?"
	lines := make([]error, len(tried))
	for i, err := range tried {
		lines[i] = err
		switch {
		case errors.Is(err, fs.ErrPermission):
			hint = "you may not open its socket. Try with sudo, or as the user it runs as"
		case errors.Is(err, syscall.ECONNREFUSED):
			lines[i] = fmt.Errorf("%w: left behind by one that has ended; its log says why ('journalctl -u talkrelay')", err)
		}
	}
	if config != nil {
		lines = append(lines, fmt.Errorf("%w\nso that nothing was tried but the socket of the service", config))
	}
	return exitError{exitUsage, fmt.Errorf("%w: %s\n%w", errNoDaemon, hint, errors.Join(lines...))}
}

// call is ask for an answer of any size, for the caller to read and close.
func (o askOptions) call(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, failed(err)
		}
	}
	var tried []error
	sockets, configErr := o.sockets()
	for _, socket := range sockets {
		answer, err := exchange(ctx, socket, method, path, text)
		var refused controlError
		switch {
		case err == nil:
			return answer, nil
		case errors.As(err, &refused):
			return nil, failed(err)
		case ctx.Err() != nil:
			return nil, stopped(ctx)
		}
		tried = append(tried, err)
	}
	return nil, noDaemon(tried, configErr)
}

// stopped says why ctx has ended: with the words and exit code of its cause if it has any.
func stopped(ctx context.Context) error {
	var exit exitError
	if cause := context.Cause(ctx); errors.As(cause, &exit) {
		return exit
	}
	return failed(errors.New("stopped before the answer came"))
}

// askInto is ask for an answer that is decoded into v.
func (o askOptions) askInto(ctx context.Context, method, path string, body, v any) error {
	text, err := o.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return failed(fmt.Errorf("read the daemon's answer to %s: %w", path, err))
	}
	return nil
}

const (
	maxControlAnswer = 64 << 20
	dialTimeout      = 5 * time.Second
)

// exchange makes one request. An error the daemon answered with is a controlError.
func exchange(ctx context.Context, socket, method, path string, body []byte) (*http.Response, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://talkrelay"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, errors.Unwrap(err) // without the invented URL
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxControlAnswer))
	if err != nil {
		return nil, err
	}
	var reply controlReply
	if json.Unmarshal(answer, &reply) != nil || reply.Error == "" {
		reply.Error = fmt.Sprintf("the daemon does not know %s %s: is it of another version?", method, path)
	}
	return nil, controlError{resp.StatusCode, errors.New(reply.Error)}
}
