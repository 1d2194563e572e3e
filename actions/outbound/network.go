package outbound

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"

	"heed/actions"
)

// Network is how an action connects, as its configuration says. The zero Network
// connects directly, to public addresses, and trusts whom the machine trusts.
type Network struct {
	AllowPrivate bool
	// Proxy is the address of a proxy, if it is set. NoProxy names the hosts that
	// are reached without it, as the environment variable NO_PROXY does.
	Proxy        actions.Secret
	NoProxy      string
	Certificates Certificates

	// held keeps the connections for as long as an action uses them.
	held atomic.Pointer[pool]
}

// settings are a Network with what its files and secrets hold now: actions for
// which they are equal share their connections.
type settings struct {
	allowPrivate   bool
	proxy, noProxy string
	certificates   [sha256.Size]byte
}

// pool is a transport with its connections.
type pool struct {
	transport *http.Transport
	proxy     proxyFunc    // nil if there is none
	guard     *targetGuard // nil if private targets are allowed
}

// pools are those of all networks but the usual ones.
var pools shared[settings, pool]

// Client makes HTTP requests, as Client does, in this network. The error says which
// file or secret of the configuration cannot be used.
func (n *Network) Client() (*http.Client, error) {
	if !n.Proxy.IsSet() && n.Certificates == (Certificates{}) {
		return Client(n.AllowPrivate), nil
	}
	proxy, err := n.proxy()
	if err != nil {
		return nil, err
	}
	files, err := n.Certificates.read()
	if err != nil {
		return nil, err
	}
	key := settings{allowPrivate: n.AllowPrivate, certificates: files.hash()}
	if proxy != nil {
		key.proxy, key.noProxy = proxy.String(), n.NoProxy
	}
	p, err := pools.get(key, func() (*pool, error) { return newPool(n.AllowPrivate, proxy, n.NoProxy, files) })
	if err != nil {
		return nil, err
	}
	n.held.Store(p)
	return clientOf(p), nil
}

// proxy returns the address of the proxy; nil if there is none.
func (n *Network) proxy() (*url.URL, error) {
	if !n.Proxy.IsSet() {
		return nil, nil
	}
	text, err := n.Proxy.Value()
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	proxy, err := ParseProxy(text)
	if err != nil {
		return nil, fmt.Errorf("proxy: the secret %w; correct it and this is sent", err)
	}
	return proxy, nil
}

// Secrets returns what must not show in an outcome: the proxy's password.
func (n *Network) Secrets() []string {
	proxy, err := n.proxy()
	if err != nil || proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	return []string{password, proxy.User.Username() + ":" + password}
}

// newPool makes a pool that closes its connections when it is no longer used.
func newPool(allowPrivate bool, proxy *url.URL, noProxy string, files material) (*pool, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := files.addTo(config); err != nil {
		return nil, err
	}
	p := &pool{transport: newTransport(allowPrivate)}
	p.transport.TLSClientConfig = config
	if proxy != nil {
		p.proxy = proxyFor(proxy, noProxy)
		if !allowPrivate {
			p.guard = &targetGuard{lookup: net.DefaultResolver.LookupNetIP}
		}
		useProxy(p.transport, p.proxy, p.guard)
	}
	runtime.AddCleanup(p, (*http.Transport).CloseIdleConnections, p.transport)
	return p, nil
}

// RoundTrip sends a request over one of the connections.
func (p *pool) RoundTrip(request *http.Request) (*http.Response, error) {
	proxy, err := p.by(request)
	if err != nil {
		closeBody(request.Body)
		return nil, err
	}
	response, err := p.transport.RoundTrip(request)
	if proxy == nil {
		return response, err
	}
	if failed := proxyError(proxy, response, err); failed != nil {
		if response != nil {
			closeBody(response.Body)
		}
		return nil, failed
	}
	return response, err
}

// by returns the proxy that a request takes; nil for none. A request without TLS
// reaches the proxy as it is, so its target is checked here. For any other request the
// proxy is asked to connect, and useProxy checks the target.
func (p *pool) by(request *http.Request) (*url.URL, error) {
	if p.proxy == nil {
		return nil, nil
	}
	proxy, err := p.proxy(request.URL)
	if err != nil || proxy == nil || request.URL.Scheme == "https" || p.guard == nil {
		return proxy, err
	}
	return proxy, p.guard.check(request.Context(), request.URL.Hostname())
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close()
	}
}

// CloseIdleConnections is called by the method of http.Client with that name.
func (p *pool) CloseIdleConnections() { p.transport.CloseIdleConnections() }
