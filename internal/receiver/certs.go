package receiver

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// A CertReloader serves a certificate from two files. It reads them again when they
// change, so that a renewed certificate needs no restart.
type CertReloader struct {
	mu        sync.Mutex
	cert, key watchedFile
	current   *tls.Certificate
	complaint complaint
}

// NewCertReloader reads a PEM certificate chain and its key. If the files are later
// missing or do not match, the previous certificate stays in use and log gets one
// warning.
func NewCertReloader(certFile, keyFile string, log *slog.Logger) (*CertReloader, error) {
	c := &CertReloader{
		cert:      watchedFile{path: certFile},
		key:       watchedFile{path: keyFile},
		complaint: complaint{log: log},
	}
	if _, err := c.load(); err != nil {
		return nil, fmt.Errorf("read TLS certificate: %w", err)
	}
	return c, nil
}

// GetCertificate is for tls.Config. It never fails.
func (c *CertReloader) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reload()
	return c.current, nil
}

func (c *CertReloader) reload() {
	certChanged, certErr := c.cert.changed()
	keyChanged, keyErr := c.key.changed()
	err := errors.Join(certErr, keyErr)
	if err == nil && !certChanged && !keyChanged {
		return
	}
	replaced := false
	if err == nil {
		replaced, err = c.load()
	}
	if err != nil {
		c.complaint.about("TLS certificate unusable, the former one stays", err)
		return
	}
	c.complaint.settled("TLS certificate usable again")
	if replaced {
		c.complaint.log.Info("TLS certificate changed", "file", c.cert.path, "valid_until", c.current.Leaf.NotAfter)
	}
}

// load reads both files, since only a matching pair is valid, and reports whether the
// certificate has changed.
func (c *CertReloader) load() (replaced bool, err error) {
	cert, err := c.cert.read()
	if err != nil {
		return false, err
	}
	key, err := c.key.read()
	if err != nil {
		return false, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("%s with %s: %w", c.cert.path, c.key.path, err)
	}
	if c.current != nil && slices.EqualFunc(c.current.Certificate, pair.Certificate, bytes.Equal) {
		return false, nil
	}
	c.current = &pair
	return true, nil
}
