package alert

import "net"

// OpenTLS begins a session with a server that waits for TLS first, as on port 465, says a word and leaves.
func (e *Email) OpenTLS(conn net.Conn, host string) error {
	c, err := e.open(conn, host, true)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Noop()
}
