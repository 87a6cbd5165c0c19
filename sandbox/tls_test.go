package sandbox_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// secureClient trusts what a ca_file with CertificatePEM would make a program trust.
func secureClient(t *testing.T) *http.Client {
	t.Helper()
	pem, err := sandbox.CertificatePEM()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends one message without leave to send it again.
func post(t *testing.T, c *http.Client, s *sandbox.Slack, channel string) (*http.Response, error) {
	t.Helper()
	body := strings.NewReader(url.Values{"token": {s.Token}, "channel": {channel}, "text": {"hi"}}.Encode())
	req, err := http.NewRequest(http.MethodPost, s.APIURL()+"chat.postMessage", body)
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = nil
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	w, err := sandbox.Start(sandbox.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	room, client := w.Slack.AddChannel("cs"), secureClient(t)
	resp, err := post(t, client, w.Slack, room.ID)
	if err != nil || resp.ProtoMajor != 2 || len(room.Messages()) != 1 {
		t.Fatalf("%+v, %v, %d messages; want one by HTTP/2", resp, err, len(room.Messages()))
	}

	w.Slack.SetFault(sandbox.Always(sandbox.Fault{Reset: true}))
	if _, err = post(t, client, w.Slack, room.ID); err == nil || !strings.Contains(err.Error(), "PROTOCOL_ERROR") {
		t.Errorf("a stream that is reset: %v", err)
	}
	if n := len(room.Messages()); n != 2 {
		t.Errorf("%d messages; the second was applied before the reset", n)
	}
	w.Slack.SetFault(nil)
	if _, err = post(t, client, w.Slack, room.ID); err != nil {
		t.Errorf("after the fault: %v", err)
	}

	if err := w.Slack.SetUnknown(true); err != nil {
		t.Fatal(err)
	}
	client.CloseIdleConnections() // of which it need not have heard yet that they are closed
	_, err = post(t, client, w.Slack, room.ID)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("with a certificate nobody knows: %v", err)
	}
	if err := w.Slack.SetUnknown(false); err != nil {
		t.Fatal(err)
	}
	if _, err = post(t, client, w.Slack, room.ID); err != nil {
		t.Errorf("with its own again: %v", err)
	}
}
