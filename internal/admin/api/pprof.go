package api

import (
	"net/http"
	"net/http/pprof"
)

// profiles serves the profiles of net/http/pprof to operators, with the parameters that
// they accept. A memory profile shows what is in memory, so they require the token as
// everything else does.
func profiles(handle func(pattern string, parameters []string, serve http.HandlerFunc)) {
	handle("GET /debug/pprof/profile", []string{"seconds", "debug"}, pprof.Profile)
	handle("GET /debug/pprof/trace", []string{"seconds"}, pprof.Trace)
	handle("GET /debug/pprof/{name}", []string{"seconds", "debug", "gc"}, func(w http.ResponseWriter, r *http.Request) {
		pprof.Handler(r.PathValue("name")).ServeHTTP(w, r)
	})
}
