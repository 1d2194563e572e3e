// Package httpcall is the kind of action that calls an HTTP endpoint. The
// address is fixed in the configuration; a rule adds path, query, headers and
// body, each escaped for where it stands.
package httpcall

import (
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"heed/actions"
	"heed/actions/connect"
	"heed/actions/outbound"
	"heed/engine/document"
)

// Kind makes http actions.
type Kind struct{}

// Name returns "http".
func (Kind) Name() string { return "http" }

// Defaults returns the settings of an http action. An attempt spends most of its time
// waiting, which costs nothing here, and most APIs take dozens of requests at once; an
// API that wants fewer says so in its answers.
func (Kind) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 15 * time.Second, Concurrency: 32}
}

// header is a configured header.
type header struct {
	name  string // as it is written, and sent
	value actions.Secret
	plain string // what people may see: the value itself, or Masked
}

type action struct {
	url      actions.Secret
	shown    string         // the address as people may see it
	password actions.Secret // in the address, if somebody wrote one there
	// unencrypted says that the address begins with http://.
	unencrypted bool
	headers     []header
	oauth2      *outbound.OAuth2 // nil if the calls carry no token of one
	sign        *signer          // nil if the calls are not signed
	network     outbound.Network
	timeout     time.Duration
	retryOn     []actions.RetryOn
	config      *actions.Config // finds the secrets that bodies have
}

// Configure reads url, headers, oauth2, sign, proxy, tls, and on of retry.
func (Kind) Configure(c *actions.Config) actions.Action {
	a := &action{timeout: c.Settings.Timeout, config: c}
	a.network.AllowPrivate = c.Settings.AllowPrivate
	a.network.Proxy, a.network.NoProxy = connect.Proxy(c)
	if node := c.Require("url", "write url: https://host/path"); node != nil {
		a.readURL(c, node)
	}
	if node := c.Take("headers"); node != nil {
		pairs := node.Fields(c.Report(), "headers of "+c.What()).Pairs()
		if len(pairs) > maxHeaders {
			c.Report().LaterErrorf(pairs[maxHeaders].Key.Place(), "bad-header", "%s has more than %d headers", c.What(),
				maxHeaders).
				Suggest("keep those that the endpoint needs")
			pairs = pairs[:maxHeaders]
		}
		for _, pair := range pairs {
			a.readHeader(c, pair)
		}
	}
	a.readOAuth2(c)
	a.readSign(c)
	a.readTLS(c)
	a.retryOn = c.RetryOn()
	return a
}

// readURL reads the fixed address. It may be a secret, as with services that
// put a token into it.
func (a *action) readURL(c *actions.Config, node *document.Node) {
	a.url = c.SecretOf("url", node, false)
	a.shown = actions.Masked
	text, err := a.url.Value()
	if err != nil {
		return // reported where it was read
	}
	u := c.CheckURL("url", node, text)
	if u == nil {
		return
	}
	a.unencrypted = u.Scheme == "http"
	if node.IsScalar() {
		a.shown = text
		if u.User != nil {
			c.Report().Warnf(node.Place(), "plain-secret", "url of %s holds a password", c.What()).
				Suggest("send it in headers: {Authorization: {env: NAME}}")
			a.shown = u.Redacted()
			if password, ok := u.User.Password(); ok {
				a.password = actions.NewSecret(password)
			}
		}
	}
	if err := outbound.CheckHost(u.Hostname()); err != nil && !c.Settings.AllowPrivate {
		c.Report().Errorf(node.Place(), "private-address", "url of %s: %v", c.What(), err).
			Suggest("add allow_private: true")
	}
}

// readTLS takes tls.
func (a *action) readTLS(c *actions.Config) {
	a.network.Certificates = connect.TLS(c)
	if a.network.Certificates != (outbound.Certificates{}) && a.unencrypted && a.oauth2 == nil {
		c.Report().Warnf(c.Take("tls").Place(), "no-effect",
			"tls of %s has no effect: its url begins with http://", c.What()).
			Suggest("write https:// in url, or leave tls out")
	}
}

// readOAuth2 takes oauth2. Its token stands in a header as one that is configured:
// people see that it is there, and no rule can replace it.
func (a *action) readOAuth2(c *actions.Config) {
	a.oauth2 = connect.OAuth2(c)
	if a.oauth2 == nil {
		return
	}
	if _, twice := a.header(authorization); twice {
		c.Report().Errorf(c.Take("oauth2").Place(), "two-authorizations",
			"%s has both oauth2 and a header Authorization, which oauth2 sets", c.What()).
			Suggest("leave out Authorization under headers, or oauth2")
		return
	}
	a.headers = append(a.headers, header{name: authorization, plain: actions.Masked})
}

// maxHeaders bounds the headers: no server accepts more.
const maxHeaders = 100

const authorization = "Authorization"

// isSecret says whether a header's value is a secret whatever it is, going by
// the header's name.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "-type") {
		return false // what kind of token it is, such as PROGRAMMATIC_ACCESS_TOKEN
	}
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

var secretWords = []string{
	"authorization", "cookie", "token", "secret", "password", "api-key", "apikey",
	"access-key", "auth-key",
}

func (a *action) readHeader(c *actions.Config, pair document.Pair) {
	name := headerName(pair.Key.Text())
	if !checkHeaderName(c.Report(), pair.Key, name) {
		return
	}
	if _, twice := a.header(name); twice {
		reportTwice(c.Report(), pair.Key, name)
		return
	}
	sensitive := isSecret(name)
	h := header{name: name, value: c.SecretOf(name+" in headers", pair.Value, sensitive), plain: actions.Masked}
	if pair.Value.IsScalar() {
		if !sensitive {
			h.plain = pair.Value.Text()
		}
		if strings.Contains(pair.Value.Text(), "{{") {
			c.Report().Errorf(pair.Value.Place(), "template-not-allowed",
				"the header %s of %s is fixed: it cannot hold a template", name, c.What()).
				Suggest("write it under headers in the rule")
		}
	}
	if value, err := h.value.Value(); err == nil && strings.ContainsFunc(value, isControl) {
		reportControl(c.Fields, pair.Value, name)
	}
	a.headers = append(a.headers, h)
}

// ofTransport are headers that the transport looks for under their usual name.
var ofTransport = []string{"User-Agent", "Accept-Encoding", "Range", "Cookie", "Referer"}

// headerName returns the name under which a header is sent: exactly as it is written,
// since some endpoints distinguish case.
func headerName(written string) string {
	if usual := textproto.CanonicalMIMEHeaderKey(written); slices.Contains(ofTransport, usual) {
		return usual
	}
	return written
}

// header finds a configured header.
func (a *action) header(name string) (header, bool) {
	i := slices.IndexFunc(a.headers, func(h header) bool { return strings.EqualFold(h.name, name) })
	if i < 0 {
		return header{}, false
	}
	return a.headers[i], true
}

func reportControl(f *document.Fields, node *document.Node, name string) {
	f.Report().Errorf(node.Place(), "bad-header", "the header %s of %s holds a line break or control character", name,
		f.What()).
		Suggest("write it on one line, in quotes")
}

func reportTwice(report *document.Report, node *document.Node, name string) {
	report.Errorf(node.Place(), "duplicate-key", "the header %s is given twice", name).
		Suggest("remove one of the two: capital letters make no difference in a header's name")
}

// reserved are headers that heed or the HTTP library sets.
var reserved = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Idempotency-Key", "Trailer",
	"Upgrade",
}

func checkHeaderName(report *document.Report, node *document.Node, name string) bool {
	valid := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
	switch {
	case !valid:
		report.Errorf(node.Place(), "bad-header", "%q is not a name for a header", node.Text()).
			Suggest("write letters, digits and hyphens, such as X-Request-Source")
	case slices.Contains(reserved, textproto.CanonicalMIMEHeaderKey(name)):
		report.Errorf(node.Place(), "bad-header", "the header %s is set by heed itself", name).Suggest("leave it out")
	default:
		return true
	}
	return false
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// target returns the configured address with what a rule adds to it.
func target(base, path, query string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	address, _, _ := strings.Cut(base, "#")
	address, _, _ = strings.Cut(address, "?")
	if path != "" {
		address = strings.TrimRight(address, "/") + "/" + strings.TrimLeft(path, "/")
	}
	switch own := u.RawQuery; {
	case own != "" && query != "":
		return address + "?" + own + "&" + query, nil
	case own != "" || query != "":
		return address + "?" + own + query, nil
	default:
		return address, nil
	}
}
