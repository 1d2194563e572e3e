package outbound

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"heed/actions"
)

// Certificates names the files of a TLS configuration, in PEM. They are read when
// a connection is made, so that they can be renewed without a reload.
type Certificates struct {
	// CA has authorities that are trusted in addition to those of the machine, not
	// instead of them: the server that gives out tokens, or a proxy, seldom has the
	// authority of the endpoint.
	CA string
	// Cert and Key are the client's own certificate, if the server asks for one.
	Cert, Key string
}

// maxPEM bounds each file, in bytes; all authorities of a system take about 250,000.
const maxPEM = 1 << 20

// material is what the files hold.
type material struct {
	files         Certificates
	ca, cert, key []byte
}

// read reads the files.
func (c Certificates) read() (m material, err error) {
	m.files = c
	for _, f := range []struct {
		name, path string
		text       *[]byte
	}{{"ca", c.CA, &m.ca}, {"cert", c.Cert, &m.cert}, {"key", c.Key, &m.key}} {
		if f.path == "" {
			continue
		}
		if *f.text, err = actions.ReadFile(f.path, maxPEM); err != nil {
			return m, fmt.Errorf("tls: %s: %w", f.name, err)
		}
	}
	return m, nil
}

// hash tells contents apart.
func (m material) hash() [sha256.Size]byte {
	h := sha256.New()
	for _, text := range [][]byte{m.ca, m.cert, m.key} {
		part := sha256.Sum256(text)
		h.Write(part[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// addTo adds what the files hold to a TLS configuration.
func (m material) addTo(config *tls.Config) error {
	if m.files.CA != "" {
		if config.RootCAs == nil {
			// A machine without authorities trusts those of the file only.
			config.RootCAs, _ = x509.SystemCertPool()
		}
		if config.RootCAs == nil {
			config.RootCAs = x509.NewCertPool()
		}
		config.RootCAs = config.RootCAs.Clone()
		if !config.RootCAs.AppendCertsFromPEM(m.ca) {
			return fmt.Errorf("tls: ca: %s holds no certificate in PEM form,"+
				" which begins with -----BEGIN CERTIFICATE-----", m.files.CA)
		}
	}
	if m.files.Cert != "" {
		pair, err := tls.X509KeyPair(m.cert, m.key)
		if err != nil {
			return fmt.Errorf("tls: cert %s and key %s cannot be used: %s",
				m.files.Cert, m.files.Key, strings.TrimPrefix(err.Error(), "tls: "))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// AddTo reads the files and adds what they hold to a TLS configuration. The error
// says which file cannot be used and why.
func (c Certificates) AddTo(config *tls.Config) error {
	m, err := c.read()
	if err != nil {
		return err
	}
	return m.addTo(config)
}

// certificateAdvice says what to do about an error of TLS; empty if it is another.
func certificateAdvice(err error) string {
	const ca, own = "ca of tls (tls_ca for e-mail)", "cert and key of tls (tls_cert and tls_key for e-mail)"
	text := err.Error()
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		who := ""
		if unknown.Cert != nil && unknown.Cert.Issuer.CommonName != "" {
			who = fmt.Sprintf(" (%q)", unknown.Cert.Issuer.CommonName)
		}
		return "the server's certificate comes from an authority" + who + " that is not trusted here;" +
			" name a file with that authority's certificate as " + ca
	}
	switch {
	case strings.Contains(text, "tls: certificate required"), strings.Contains(text, "tls: bad certificate"):
		return "the server wants another client certificate, or one at all; check " + own
	case strings.Contains(text, "remote error: tls: unknown certificate"):
		return "the server does not know the authority of the client certificate; check " + own
	case strings.Contains(text, "remote error: tls: expired certificate"):
		return "the server says that the client certificate has expired; renew " + own
	default:
		return ""
	}
}
