package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// post sends body as JSON, or a GET without one if it is nil, and returns what an answer of 2xx holds. The errors name
// neither the address, which may be the secret, nor anything of the answer.
func post(ctx context.Context, client *http.Client, address string, body any, header http.Header) ([]byte, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	for key, values := range header {
		req.Header[key] = values
	}
	req.Header.Set("User-Agent", "talkrelay")
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, errors.New("429: asked to wait")
	case resp.StatusCode/100 == 3:
		return nil, fmt.Errorf("%d: sent on to another address", resp.StatusCode)
	case resp.StatusCode/100 != 2:
		return nil, fmt.Errorf("answered with %d", resp.StatusCode)
	case err != nil:
		return nil, bare(err)
	}
	return text, nil
}

// bare takes the URL from an error of net/http.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
