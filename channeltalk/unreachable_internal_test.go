package channeltalk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNetworkReason covers what loopback cannot produce.
func TestNetworkReason(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 51234}, Err: err}
	}
	verify := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	tests := []struct {
		err  error
		want string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "api.channel.io", IsNotFound: true}), "no such host"},
		{dial(&net.DNSError{Err: "read udp 10.1.2.3:51234: i/o timeout", IsTimeout: true}), "name servers"},
		{&net.OpError{Op: "proxyconnect", Err: dial(syscall.ECONNREFUSED)}, "proxy settings"},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection refused"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "firewall"},
		{dial(os.NewSyscallError("connect", syscall.EPERM)), "firewall"},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), "within 30s"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), "within 30s"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "cut"},
		{verify(x509.UnknownAuthorityError{}), "unknown authority"},
		{verify(x509.HostnameError{Certificate: new(x509.Certificate), Host: "api.channel.io"}), "another host"},
		{verify(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 2026-01-01T10:11:12Z is after 51234"}), "clock"},
		{verify(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), "not accepted"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "TLS"},
		{fmt.Errorf("remote: %w", tls.AlertError(40)), "TLS"},
		{errors.New(`malformed HTTP response "010-1234-5678"`), "connection failed"},
	}
	for _, tt := range tests {
		e := unreachable("read channel", 30*time.Second, tt.err)
		if e.Kind != Unreachable || !strings.Contains(e.Error(), tt.want) || errors.Unwrap(e) == nil {
			t.Errorf("%v: %q, want %q in it", tt.err, e, tt.want)
		}
		for _, changing := range []string{"51234", "10.1.2.3", "10:11", "010-"} {
			if strings.Contains(e.Error(), changing) {
				t.Errorf("%q: would differ at the next try, or shows a reply", e)
			}
		}
	}
}
