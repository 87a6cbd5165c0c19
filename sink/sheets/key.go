package sheets

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const serviceAccount = "service_account"

// keyFile is what we need of a key file. Google's library does not check the type of what it is given, and calls the
// URLs in it, so both are checked here.
type keyFile struct {
	Type         string `json:"type"`
	ClientEmail  string `json:"client_email"`
	PrivateKey   string `json:"private_key"`
	PrivateKeyID string `json:"private_key_id"`
	TokenURI     string `json:"token_uri"`

	raw []byte
}

// parseKey reads a key file. Its errors hold nothing of the key.
func parseKey(raw []byte, allowed []string) (keyFile, error) {
	k := keyFile{raw: raw}
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return k, errors.New("is empty: give the JSON key file of a service account (Google Cloud console, IAM, Service accounts, Keys)")
	case json.Unmarshal(raw, &k) != nil:
		return k, errors.New("is not JSON: give the key file of a service account as downloaded")
	case k.Type != serviceAccount && slices.Contains(allowed, k.Type):
		return k, nil
	case k.Type == "":
		return k, errors.New(`has no "type": give the JSON key file of a service account, not an OAuth client or an API key`)
	case k.Type != serviceAccount:
		return k, fmt.Errorf("is of type %.40q, but only %q is accepted (others by allow_credential_types)", k.Type, serviceAccount)
	case !strings.Contains(k.ClientEmail, "@"):
		return k, errors.New(`has no "client_email": download the key file again`)
	case !safeURL(k.TokenURI):
		return k, errors.New(`has a "token_uri" that is not https:// (http:// only on this machine): download the key file again`)
	case !privateKeyReadable(k.PrivateKey):
		return k, errors.New(`has no readable "private_key": download the key file again`)
	}
	return k, nil
}

func privateKeyReadable(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return true
	}
	_, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	return err == nil
}
