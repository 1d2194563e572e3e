package receiver

import (
	"net/http"
	"net/netip"
	"testing"
)

// What a client writes into X-Forwarded-For is believed as far as trusted proxies
// have written it.
func TestHandler_clientIsWhomTrustedProxiesName(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		trusted   []netip.Prefix
		remote    string
		forwarded []string
		want      string
	}{
		"no proxy is trusted":      {nil, "10.0.0.1:5", []string{"1.2.3.4"}, "10.0.0.1:5"},
		"straight":                 {trusted, "1.2.3.4:5", []string{"6.6.6.6"}, "1.2.3.4:5"},
		"one proxy":                {trusted, "10.0.0.1:5", []string{"1.2.3.4"}, "1.2.3.4"},
		"two proxies":              {trusted, "10.0.0.1:5", []string{"1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		"two headers":              {trusted, "10.0.0.1:5", []string{"6.6.6.6", "1.2.3.4"}, "1.2.3.4"},
		"the client lies":          {trusted, "10.0.0.1:5", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		"with a port":              {trusted, "10.0.0.1:5", []string{"1.2.3.4:77"}, "1.2.3.4:77"},
		"IPv6":                     {trusted, "[fd00::1]:5", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 in IPv6":             {trusted, "[::ffff:10.0.0.1]:5", []string{"1.2.3.4"}, "1.2.3.4"},
		"no header":                {trusted, "10.0.0.1:5", nil, "10.0.0.1:5"},
		"no address":               {trusted, "10.0.0.1:5", []string{"1.2.3.4, forged\nline"}, "10.0.0.1:5"},
		"only proxies":             {trusted, "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"nonsense behind a client": {trusted, "10.0.0.1:5", []string{"<x>, 1.2.3.4"}, "1.2.3.4"},
	} {
		h := &Handler{trusted: c.trusted}
		got := h.client(&http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}})
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestHandler_slashAtTheEndOfAPathMeansTheSame(t *testing.T) {
	t.Parallel()
	table := &table{routes: map[string]*route{"/webhooks/a": {}}}
	for path, want := range map[string]bool{
		"/webhooks/a": true, "/webhooks/a/": true, "/webhooks/a//": false, "/webhooks/": false, "/": false,
	} {
		if got := table.route(path) != nil; got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

func TestForm_keysRefuseWhatEditorsAndShellsMakeOfSecrets(t *testing.T) {
	for text, want := range map[string]string{
		`"secret"`: "secret 1: it stands in quotes: write it without", `'secret'`: "secret 1: it stands in quotes: write it without",
		"\xff\xfes\x00e\x00": "secret 1: the text is in UTF-16: save it as UTF-8",
		`"`:                  "", `se"cret`: "", `"secret`: "",
	} {
		_, err := publishedForm.keys([]string{text})
		if got := textOf(err); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWithoutMark_takesOneByteOrderMarkAway(t *testing.T) {
	for body, want := range map[string]string{"\ufeff{}": "{}", "{}": "{}", "\ufeff": "", "\ufeff\ufeff{}": "\ufeff{}"} {
		if got := string(withoutMark([]byte(body))); got != want {
			t.Errorf("%q: got %q", body, got)
		}
	}
}
