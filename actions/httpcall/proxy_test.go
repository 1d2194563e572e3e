package httpcall_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

// proxy is an HTTP proxy that connects to one address whatever name it is asked
// for, as one does that has a name server of its own.
type proxy struct {
	addr string // of the proxy
	to   string // what it connects to
	// login, if not empty, is the user:password that it wants; refuse, if not zero,
	// what it answers to everybody.
	login  string
	refuse int

	mu    sync.Mutex
	asked []string
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{to: to}
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.addr = server.Listener.Addr().String()
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	given := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	if user, password, _ := given.BasicAuth(); p.login != "" && user+":"+password != p.login {
		w.Header().Set("Proxy-Authenticate", `Basic realm="acme"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		_, _ = fmt.Fprint(w, "not with ", r.Header.Get("Proxy-Authorization"))
		return
	}
	if p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	if r.Method != http.MethodConnect {
		r.RequestURI, r.URL.Host = "", p.to
		r.Header.Del("Proxy-Authorization")
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
		return
	}
	p.tunnel(w)
}

func (p *proxy) tunnel(w http.ResponseWriter) {
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{here, there}, {there, here}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			pair[0].Close()
		})
	}
	both.Wait()
}

func (p *proxy) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// through is a rule whose calls go through a proxy that variable PROXY names.
func through(config, address string) actiontest.Rule {
	r := rule("http: {"+config+", allow_private: true, proxy: {env: PROXY}}", `json: {}`)
	r.Env["PROXY"], r.Env["NO_PROXY"], r.Env["SECRET"] = address, "direct.example.test,127.0.0.1", "canary-secret"
	return r
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestProxy_callsGoThroughIt(t *testing.T) {
	plain, encrypted := newSink(t, nil), newTLSServer(t, tls.NoClientCert)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	encrypted.authority.WriteCA(t, ca)
	for name, c := range map[string]struct{ config, to, login, want string }{
		"http":           {`url: "http://lms.example.test/api"`, plain.URL, "", "POST lms.example.test"},
		"https":          {fmt.Sprintf(`url: "https://lms.example.test/api", tls: {ca: %q}`, ca), encrypted.URL, "", "CONNECT lms.example.test:443"},
		"http, password": {`url: "http://lms.example.test/api"`, plain.URL, "heed:canary-proxy", "POST lms.example.test"},
		"https, password": {
			fmt.Sprintf(`url: "https://lms.example.test:8443/api", tls: {ca: %q}`, ca), encrypted.URL, "heed:canary-proxy", "CONNECT lms.example.test:8443",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, hostOf(t, c.to))
			p.login = c.login
			address := p.addr // as HTTPS_PROXY often has it
			if c.login != "" {
				address = "http://" + c.login + "@" + p.addr
			}
			if got := actiontest.MustCompile(t, through(c.config, address)).Send(t, `{}`); got.Verdict != actions.Done {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff([]string{c.want}, p.got()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProxy_theTokenRequestGoesThroughItToo(t *testing.T) {
	i := newIssuer(t)
	p := newProxy(t, hostOf(t, i.URL))
	r := through(`url: "http://127.0.0.1:1/", oauth2: {token_url: "http://login.example.test/token", client_id: heed, client_secret: {env: SECRET}}`, p.addr)
	actiontest.Compile(t, r).Send(t, `{}`) // heed check would have it encrypted
	if diff := cmp.Diff([]string{"POST login.example.test"}, p.got()); diff != "" || len(i.requests()) != 1 {
		t.Error(diff, i.requests())
	}
}

func TestProxy_hostsOfNoProxyAreReachedDirectly(t *testing.T) {
	s := newSink(t, nil)
	p := newProxy(t, hostOf(t, s.URL))
	if got := actiontest.MustCompile(t, through(fmt.Sprintf("url: %q", s.URL), p.addr)).Send(t, `{}`); got.Verdict != actions.Done {
		t.Errorf("%+v", got)
	}
	actiontest.MustCompile(t, through(`url: "http://direct.example.test:1/"`, p.addr)).Send(t, `{}`)
	if got := p.got(); len(got) > 0 {
		t.Errorf("the proxy was asked for %v", got)
	}
}

func TestProxy_oneThatFailsIsNamedAndTriedAgain(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s := newSink(t, nil)
	for name, c := range map[string]struct {
		login  string // as it stands in the address
		refuse int
		down   bool
		want   string
	}{
		"no password":    {"", 0, false, "answered 407 Proxy Authentication Required; it wants a username and password, which stand in its address: http://user:password@"},
		"wrong password": {"heed:canary-wrong@", 0, false, "answered 407 Proxy Authentication Required; correct the username and password in its address"},
		"down":           {"heed:canary-proxy@", 0, true, "nothing accepts connections at "},
		"refuses":        {"heed:canary-proxy@", 403, false, "answered 403 Forbidden"},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				p := newProxy(t, hostOf(t, s.URL))
				p.login, p.refuse = "heed:canary-proxy", c.refuse
				addr := p.addr
				if c.down {
					addr = closed.Addr().String()
				}
				a := actiontest.MustCompile(t, through(`url: "`+scheme+`://lms.example.test/api"`, "http://"+c.login+addr))
				got := a.Send(t, `{}`)
				if c.refuse != 0 && scheme == "http" { // the endpoint could have said so
					if got.Verdict != actions.Dead {
						t.Errorf("%+v", got)
					}
					return
				}
				if got.Verdict != actions.Retry || got.Cause != actions.CauseServer || !strings.HasPrefix(got.Error, "the proxy "+addr) || !strings.Contains(got.Error, c.want) {
					t.Errorf("%+v", got)
				}
				if text := fmt.Sprintf("%+v %+v %s", got, a.Configured, a.MustRender(t, `{}`)); strings.Contains(text, "canary") {
					t.Errorf("a password shows: %s", text)
				}
			})
		}
	}
	if len(s.got()) > 0 {
		t.Error("the endpoint was called")
	}
}

func TestProxy_aPrivateOneIsRefusedUnlessAllowed(t *testing.T) {
	p := newProxy(t, "127.0.0.1:1")
	r := rule(`http: {url: "https://lms.example.test/", proxy: {env: PROXY}}`, `json: {}`)
	r.Env["PROXY"] = p.addr
	got := actiontest.Compile(t, r).Send(t, `{}`)
	if got.Verdict != actions.Dead || !strings.Contains(got.Error, "the proxy "+p.addr+": 127.0.0.1 is a loopback, link-local or private address") {
		t.Errorf("%+v", got)
	}
	if len(p.got()) > 0 {
		t.Error("the proxy was asked")
	}
}

func TestProxy_eachMistakeIsReportedAtItsPlace(t *testing.T) {
	for proxy, want := range map[string]string{
		`http://proxy.example.com:3128`:  ``,
		`{env: PROXY}`:                   ``,
		`{env: UNSET}`:                   `config:1:31: error: proxy of the http action act: the environment variable UNSET is not set [missing-env] (set UNSET where heed runs)`,
		`HTTPS_PROXY`:                    `config:1:31: error: proxy of the http action act is the name of a variable [foreign-variable] (write proxy: {env: HTTPS_PROXY})`,
		`$HTTPS_PROXY`:                   `config:1:31: error: proxy of the http action act holds $HTTPS_PROXY, which heed does not replace [foreign-variable] (write proxy: {env: HTTPS_PROXY})`,
		`socks5://proxy.example.com`:     `config:1:31: error: proxy of the http action act begins with socks5://, which heed does not speak to a proxy [bad-url] (write proxy: http://proxy.example.com:3128, or {env: HTTPS_PROXY})`,
		`http://proxy.example.com/path`:  `config:1:31: error: proxy of the http action act is not an address of a proxy [bad-url] (write proxy: http://proxy.example.com:3128, or {env: HTTPS_PROXY})`,
		`http://u:p@proxy.example.com:1`: `config:1:31: warning: proxy of the http action act holds a password [plain-secret] (write proxy: {env: HTTPS_PROXY} or {file: PATH}, with the whole address in it)`,
		`10.0.0.1:3128`:                  `config:1:31: error: proxy of the http action act: 10.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`,
	} {
		r := rule(`http: {url: https://h, proxy: `+proxy+`}`, ``)
		r.Env["PROXY"] = "http://u:p@proxy.example.com:3128"
		if diff := cmp.Diff(want, strings.TrimSuffix(actiontest.Lines(actiontest.Compile(t, r).Problems), "\n")); diff != "" {
			t.Errorf("%s: %s", proxy, diff)
		}
	}
}
