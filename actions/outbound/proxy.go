package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"heed/actions"
)

// ParseProxy reads the address of a proxy, as HTTPS_PROXY has it: with or without
// http:// in front. The error does not show the address, which can hold a password.
func ParseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#{} "):
		return nil, errors.New("is not an address of a proxy")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("begins with %s://, which heed does not speak to a proxy", u.Scheme)
	}
	return u, nil
}

// proxyFunc says through which proxy an address is reached; nil for none.
type proxyFunc func(*url.URL) (*url.URL, error)

// proxyFor is a proxy for all but the hosts of noProxy, which is written as the
// environment variable NO_PROXY is, and this machine.
func proxyFor(address *url.URL, noProxy string) proxyFunc {
	config := httpproxy.Config{HTTPProxy: address.String(), HTTPSProxy: address.String(), NoProxy: noProxy}
	return config.ProxyFunc()
}

// useProxy makes a transport connect through a proxy. guard, if not nil, looks at the
// hosts that the proxy is asked to connect to.
func useProxy(transport *http.Transport, proxy proxyFunc, guard *targetGuard) {
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	if guard != nil {
		// This is checked for each connection, as the dialer does for direct ones.
		transport.GetProxyConnectHeader = func(ctx context.Context, _ *url.URL, target string) (http.Header, error) {
			host, _, _ := net.SplitHostPort(target)
			return nil, guard.check(ctx, host)
		}
	}
	transport.OnProxyConnectResponse = connected
}

// connected judges the answer of a proxy that was asked to connect.
func connected(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &ProxyError{Host: proxy.Host, Status: answer.StatusCode, hasLogin: proxy.User != nil}
}

// targetGuard refuses private targets behind a proxy, as the dialer does without a
// proxy.
type targetGuard struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// lookupTimeout bounds the search for the addresses of a target, which may be
// known to the proxy's name server only.
const lookupTimeout = 2 * time.Second

// check refuses a host that is private here. One that cannot be resolved here
// is left to the proxy.
func (g *targetGuard) check(ctx context.Context, host string) error {
	if err := CheckHost(host); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, lookupTimeout)
	defer stop()
	addresses, err := g.lookup(ctx, "ip", host)
	if err != nil {
		return nil // perhaps the proxy knows it
	}
	for _, address := range addresses {
		if isPrivate(address) {
			return &privateError{address.Unmap().String()}
		}
	}
	return nil
}

// ProxyError says that a proxy failed or refused to connect. It says nothing about
// the endpoint or the request.
type ProxyError struct {
	Host string
	// Status is what the proxy answered; zero if it did not.
	Status int
	// Err is why it could not be reached, if it did not answer.
	Err error

	hasLogin bool
}

// Error says what the proxy said, without its password.
func (e *ProxyError) Error() string { return e.outcome().Error }

func (e *ProxyError) outcome() actions.Outcome {
	if e.Err != nil {
		o := Failed(e.Err)
		o.Error = "the proxy " + e.Host + ": " + o.Error
		return o
	}
	text := fmt.Sprintf("the proxy %s answered %d %s", e.Host, e.Status, http.StatusText(e.Status))
	switch {
	case e.Status == http.StatusProxyAuthRequired && e.hasLogin:
		text += "; correct the username and password in its address"
	case e.Status == http.StatusProxyAuthRequired:
		text += "; it wants a username and password, which stand in its address: http://user:password@" + e.Host
	case e.Status == http.StatusForbidden:
		text += "; it has to allow this host, or NO_PROXY to name it"
	}
	return actions.Outcome{Verdict: actions.Retry, Cause: actions.CauseServer, Error: text}
}

// proxyError is the part of a failure that a proxy caused; nil if there is none.
func proxyError(proxy *url.URL, response *http.Response, err error) *ProxyError {
	if response != nil && response.StatusCode == http.StatusProxyAuthRequired {
		return &ProxyError{Host: proxy.Host, Status: response.StatusCode, hasLogin: proxy.User != nil}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return &ProxyError{Host: proxy.Host, Err: op.Err}
	}
	return nil
}
