package outbound

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"heed/actions"
)

// names is a name server with a few names.
var names = &targetGuard{lookup: func(_ context.Context, _, host string) ([]netip.Addr, error) {
	list := map[string][]string{
		"public.example": {"8.8.8.8"}, "inside.example": {"10.0.0.7"}, "both.example": {"8.8.8.8", "::ffff:10.0.0.7"},
	}[host]
	var addresses []netip.Addr
	for _, text := range list {
		addresses = append(addresses, netip.MustParseAddr(text))
	}
	if addresses == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addresses, nil
}}

func TestTargetGuard_refusesPrivateTargetsBehindAProxy(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Host)
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer proxy.Close()
	address, _ := url.Parse(proxy.URL)
	p := &pool{transport: newTransport(true), proxy: proxyFor(address, ""), guard: names}
	useProxy(p.transport, p.proxy, p.guard)
	defer p.CloseIdleConnections()
	for host, private := range map[string]bool{
		"public.example": false, "unknown-here.example": false, // which the proxy may know
		"inside.example": true, "both.example": true, "10.0.0.7": true, "[::ffff:10.0.0.7]": true, "[fd00::1]": true, "169.254.169.254": true,
	} {
		for _, scheme := range []string{"http", "https"} {
			asked = nil
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+"://"+host+"/", strings.NewReader("x"))
			got := Do(clientOf(p), request, Terms{})
			refused := got.Verdict == actions.Dead && strings.Contains(got.Error, "private address")
			if refused != private || private == (len(asked) > 0) {
				t.Errorf("%s://%s: asked for %v, %+v", scheme, host, asked, got)
			}
		}
	}
}

func TestNetwork_guardsTargetsUnlessAllowed(t *testing.T) {
	for _, allow := range []bool{true, false} {
		n := &Network{AllowPrivate: allow, Proxy: actions.NewSecret("proxy.example:3128")}
		client, err := n.Client()
		if err != nil {
			t.Fatal(err)
		}
		if guarded := client.Transport.(*pool).guard != nil; guarded == allow {
			t.Errorf("allow_private %t: guarded is %t", allow, guarded)
		}
	}
}

func TestParseProxy_neverShowsTheAddress(t *testing.T) {
	for _, text := range []string{"http://u:canary@", "://canary", "http://canary host", "http://u:canary@h/path", "ftp://u:canary@h", "http://u:ca%nary@h"} {
		if _, err := ParseProxy(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", text, err)
		}
	}
	n := &Network{Proxy: actions.NewSecret("http://u:canary@")}
	if _, err := n.Client(); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
