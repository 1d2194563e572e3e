// Package routing says what the routes of a mux are, for answers to requests that match
// none. internal/admin/api and internal/admin/console use it.
package routing

import (
	"net/http"
	"strings"
)

// Methods are the methods that the path of a request takes, by the patterns of a mux
// that begin with one; none if there is nothing at the path.
func Methods(mux *http.ServeMux, r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		_, pattern := mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL})
		if strings.Contains(pattern, " ") {
			methods = append(methods, method)
		}
	}
	return methods
}
