package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// askOptions say which daemon a command talks to.
type askOptions struct {
	config string
	socket string
}

func addAskFlags(cmd *cobra.Command, o *askOptions) {
	cmd.Flags().StringVarP(&o.config, "config", "c", defaultConfig, "config file of the daemon to ask")
	cmd.Flags().StringVar(&o.socket, "socket", "", "control socket, if it is somewhere else")
}

// sockets lists where the daemon may listen, best guess first.
func (o askOptions) sockets() []string {
	if o.socket != "" {
		return []string{o.socket}
	}
	paths := []string{systemdSocket}
	if c, err := readConfig(o.config, os.Getenv); err == nil {
		paths = append([]string{controlSocket(c.plan.state.Path)}, paths...)
	}
	return paths
}

// ask sends body as JSON, nothing if it is nil, to path of the daemon's control socket and returns the JSON of the
// answer. An error has its exit code: exitUsage if no daemon answers, exitFailed if it answers with an error.
// There is no limit of time but ctx's.
func (o askOptions) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	resp, err := o.call(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxControlAnswer))
	if err != nil {
		return nil, failed(fmt.Errorf("read the daemon's answer to %s: %w", path, err))
	}
	return text, nil
}

// errNoDaemon is in the error of a question that nobody answered.
var errNoDaemon = errors.New("no running talkrelay answers: is it started, and may you read its socket?")

// call is ask for an answer of any size, for the caller to read and close.
func (o askOptions) call(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, failed(err)
		}
	}
	var problems []error
	for _, socket := range o.sockets() {
		answer, err := exchange(ctx, socket, method, path, text)
		var refused controlError
		switch {
		case err == nil:
			return answer, nil
		case errors.As(err, &refused), ctx.Err() != nil:
			return nil, failed(err)
		}
		problems = append(problems, err)
	}
	return nil, exitError{exitUsage, fmt.Errorf("%w\n%w", errNoDaemon, errors.Join(problems...))}
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
