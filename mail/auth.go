package mail

import (
	"errors"
	"net/smtp"
)

// loginAuth is the LOGIN mechanism, the only one with a password that some servers (Microsoft's among them) offer.
type loginAuth struct {
	username, password string
	step               int
}

// Start refuses to give the password away in the open, as smtp.PlainAuth does.
func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !loopback(server.Name) {
		return "", nil, errors.New("unencrypted connection")
	}
	return "LOGIN", nil, nil
}

// Next answers the two questions: the name, then the password.
func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	a.step++
	switch {
	case !more:
		return nil, nil
	case a.step == 1:
		return []byte(a.username), nil
	case a.step == 2:
		return []byte(a.password), nil
	}
	return nil, errors.New("asks for more than name and password")
}
