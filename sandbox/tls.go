package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// The two certificates of all services with TLS: the one that CertificatePEM vouches for, and one that nobody does.
var (
	trusted = sync.OnceValues(newCertificate)
	unknown = sync.OnceValues(newCertificate)
)

// CertificatePEM returns what a ca_file setting holds for services that speak TLS.
func CertificatePEM() ([]byte, error) {
	c, err := trusted()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), nil
}

func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sandbox"},
		NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// SetUnknown makes a service with TLS show a certificate that nobody vouches for, as a proxy does that looks into
// everything; or its own again. Connections of before are closed.
func (s *Service) SetUnknown(is bool) error {
	s.mu.Lock()
	s.unknown = is
	s.mu.Unlock()
	s.Down()
	return s.Up()
}

// secure makes srv speak TLS, with HTTP/2 for those who want it.
func (s *Service) secure(srv *http.Server) error {
	certificate := trusted
	if s.unknown {
		certificate = unknown
	}
	c, err := certificate()
	if err != nil {
		return err
	}
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	srv.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": serveHTTP2}
	return nil
}

func serveHTTP2(srv *http.Server, conn *tls.Conn, h http.Handler) {
	//lint:ignore SA1019 net/http serves no connection but its own, and its own never sends PROTOCOL_ERROR
	new(http2.Server).ServeConn(&streamBreaker{Conn: conn}, &http2.ServeConnOpts{BaseConfig: srv, Handler: h})
}

// streamBreaker is the server's side of an HTTP/2 connection. A stream that a handler gives up is reset with
// PROTOCOL_ERROR: of all codes, that is the one after which Go's client sends a request again by itself.
type streamBreaker struct {
	*tls.Conn
	head [9]byte // of the frame being written
	n    int     // bytes of head so far
	left int     // bytes of the frame's payload yet to come
}

func (b *streamBreaker) Write(p []byte) (int, error) {
	out := make([]byte, len(p))
	for i, c := range p {
		out[i] = b.next(c)
	}
	return b.Conn.Write(out)
}

// next takes in one byte of the stream of frames and returns what is sent in its place.
func (b *streamBreaker) next(c byte) byte {
	if b.n < len(b.head) {
		b.head[b.n] = c
		b.n++
		if b.n == len(b.head) {
			b.left = int(b.head[0])<<16 | int(b.head[1])<<8 | int(b.head[2])
			b.endFrame()
		}
		return c
	}
	b.left--
	if b.left == 0 && http2.FrameType(b.head[3]) == http2.FrameRSTStream {
		c = byte(http2.ErrCodeProtocol)
	}
	b.endFrame()
	return c
}

func (b *streamBreaker) endFrame() {
	if b.left == 0 {
		b.n = 0
	}
}
