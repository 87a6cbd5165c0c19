package channeltalk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// unreachable says in plain words why no whole reply came. The words of net and crypto are not used: they hold port
// numbers and the time of day, which differ at each try, and net/http quotes what the other end sent.
func unreachable(op string, timeout time.Duration, err error) *Error {
	return &Error{Op: op, Kind: Unreachable, reason: networkReason(timeout, err), cause: err}
}

func networkReason(timeout time.Duration, err error) string {
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		alrt tls.AlertError
		rec  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &cert):
		return certificateReason(cert)
	case errors.As(err, &alrt), errors.As(err, &rec):
		return "no TLS connection; check base_url, and whether a proxy stands between"
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy cannot be reached; check the proxy settings"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host; check base_url and this machine's name servers"
	case errors.As(err, &dns):
		return "host name cannot be looked up; check this machine's name servers"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; check base_url, the firewall and the proxy settings"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "no way to the host; check the network and the firewall"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "no whole reply within " + timeout.String() + "; check the network and the proxy, or raise timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection cut before the whole reply came"
	}
	return "connection failed; check the network and the proxy settings"
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func certificateReason(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return "certificate of an unknown authority; if a proxy opens TLS here, its CA must be trusted on this machine"
	case errors.As(err, &host):
		return "certificate of another host; check base_url"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate expired or not valid yet; check this machine's clock"
	}
	return "certificate not accepted; check base_url, the proxy and this machine's trusted CAs"
}
