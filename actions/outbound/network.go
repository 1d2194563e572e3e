package outbound

import (
	"crypto/sha256"
	"crypto/tls"
	"net/http"
	"runtime"
	"sync/atomic"
)

// Network is how an action connects, as its configuration says. The zero Network
// connects to public addresses, and trusts whom the machine trusts.
type Network struct {
	AllowPrivate bool
	Certificates Certificates

	// held keeps the connections for as long as an action uses them.
	held atomic.Pointer[pool]
}

// settings are a Network with what its files and secrets hold now: actions for
// which they are equal share their connections.
type settings struct {
	allowPrivate bool
	certificates [sha256.Size]byte
}

// pool is a transport with its connections.
type pool struct {
	transport *http.Transport
}

// pools are those of all networks but the usual ones.
var pools shared[settings, pool]

// Client makes HTTP requests, as Client does, in this network. The error says which
// file or secret of the configuration cannot be used.
func (n *Network) Client() (*http.Client, error) {
	if n.Certificates == (Certificates{}) {
		return Client(n.AllowPrivate), nil
	}
	files, err := n.Certificates.read()
	if err != nil {
		return nil, err
	}
	key := settings{n.AllowPrivate, files.hash()}
	p, err := pools.get(key, func() (*pool, error) { return newPool(key, files) })
	if err != nil {
		return nil, err
	}
	n.held.Store(p)
	return clientOf(p), nil
}

// newPool makes a pool that closes its connections when nobody uses it any more.
func newPool(s settings, files material) (*pool, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := files.addTo(config); err != nil {
		return nil, err
	}
	p := &pool{transport: newTransport(s.allowPrivate)}
	p.transport.TLSClientConfig = config
	runtime.AddCleanup(p, (*http.Transport).CloseIdleConnections, p.transport)
	return p, nil
}

// RoundTrip sends a request over one of the connections.
func (p *pool) RoundTrip(request *http.Request) (*http.Response, error) {
	return p.transport.RoundTrip(request)
}

// CloseIdleConnections is for http.Client's method of that name.
func (p *pool) CloseIdleConnections() { p.transport.CloseIdleConnections() }
