package receiver

import (
	"net/http"
	"net/url"
	"strings"
)

// mappedHeader returns what a source's expressions see of the headers: the first value of
// each, by lower-case name. It omits credentials, so that no expression can store or send
// them.
func mappedHeader(h http.Header, signatureHeader string) map[string]string {
	seen := make(map[string]string, len(h))
	for name, values := range h {
		switch {
		case len(values) == 0 || name == signatureHeader:
		case name == authorization || name == "Proxy-Authorization" || name == "Cookie":
		default:
			seen[strings.ToLower(name)] = readable(values[0])
		}
	}
	return seen
}

// mappedQuery returns what a source's expressions see of the query: the first value of
// each name.
func mappedQuery(u *url.URL) map[string]string {
	query := u.Query()
	seen := make(map[string]string, len(query))
	for name, values := range query {
		seen[readable(name)] = readable(values[0])
	}
	return seen
}

// readable replaces invalid UTF-8, as decoding JSON does.
func readable(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
