package api

import (
	"net/http"
	"net/http/pprof"
)

// profiles are net/http/pprof's, for whoever runs heed, with the parameters that
// they take. They stand behind the token as all else does: a profile of the memory
// has what is in it.
func profiles(handle func(pattern string, parameters []string, serve http.HandlerFunc)) {
	handle("GET /debug/pprof/profile", []string{"seconds", "debug"}, pprof.Profile)
	handle("GET /debug/pprof/trace", []string{"seconds"}, pprof.Trace)
	handle("GET /debug/pprof/{name}", []string{"seconds", "debug", "gc"}, func(w http.ResponseWriter, r *http.Request) {
		pprof.Handler(r.PathValue("name")).ServeHTTP(w, r)
	})
}
