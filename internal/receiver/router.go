package receiver

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"heed/engine/source"
)

// A router finds the source of a path. It builds a table of the active set of sources,
// and a new one when the set changes.
type router struct {
	sources   func() *source.Set
	published *sourceKeys
	lookupEnv func(string) (string, bool)
	log       *slog.Logger

	mu      sync.Mutex // held while a table is built
	current atomic.Pointer[table]
}

// A table is what is known of one set of sources. It is immutable.
type table struct {
	set    *source.Set
	routes map[string]*route
	keys   map[keysID]*sourceKeys
}

// A route is the destination of the requests of one path.
type route struct {
	source   *source.Source
	verifier verifier
}

func newRouter(o Options) *router {
	r := &router{
		sources: o.Sources, published: publishedKeys(o.Keys), lookupEnv: o.LookupEnv, log: o.Log,
	}
	r.current.Store(&table{})
	return r
}

// table returns the table of the active set.
func (r *router) table() *table {
	if t := r.current.Load(); t.set == r.sources() {
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Load the set again, so that a request that waited cannot restore a former set.
	t, set := r.current.Load(), r.sources()
	if t.set != set {
		t = r.newTable(set, t)
		r.current.Store(t)
	}
	return t
}

// newTable builds the table of a set. It keeps secrets that the former table has, with
// what is known of their files.
func (r *router) newTable(set *source.Set, former *table) *table {
	t := &table{set: set, routes: map[string]*route{}, keys: map[keysID]*sourceKeys{}}
	if set == nil {
		return t
	}
	for _, s := range set.Sources {
		if s.Path == "" || t.routes[s.Path] != nil {
			continue
		}
		t.routes[s.Path] = &route{source: s, verifier: r.newVerifier(s, t, former)}
	}
	return t
}

func (r *router) newVerifier(s *source.Source, t, former *table) verifier {
	switch {
	case s.Verify == nil:
		return closed{errors.New("the source does not say how its requests are verified")}
	case s.Verify.Secret != source.Secret{}:
		return newVerifier(s.Verify, r.ownKeys(s, t, former))
	case s.Verify.HMAC.KeyPrefix != "":
		return closed{errors.New("the source needs a secret of its own")}
	default:
		return newVerifier(s.Verify, r.published)
	}
}

// ownKeys adds the secrets of a source to the table.
func (r *router) ownKeys(s *source.Source, t, former *table) *sourceKeys {
	id := keysID{source: s.Name, secret: s.Verify.Secret, form: secretForm(s.Verify)}
	keys := former.keys[id]
	if keys == nil {
		keys = r.newKeys(id)
	}
	t.keys[id] = keys
	return keys
}

func (r *router) newKeys(id keysID) *sourceKeys {
	if id.secret.Env != "" {
		return keysInEnv(id.secret.Env, id.form, r.lookupEnv)
	}
	return keysInFile(id.secret.File, id.form, r.log.With("source", id.source))
}

// route returns the route of a path, or nil. A trailing slash is ignored, since some
// products add one.
func (t *table) route(path string) *route {
	if to := t.routes[path]; to != nil {
		return to
	}
	if trimmed, had := strings.CutSuffix(path, "/"); had {
		return t.routes[trimmed]
	}
	return nil
}

// meant returns the source whose signature header a request to an unknown path has, or
// nil.
func (t *table) meant(h http.Header) *source.Source {
	if t.set == nil {
		return nil
	}
	for _, s := range t.set.Sources {
		if s.Path != "" && s.Verify != nil && len(h[s.Verify.HMAC.SignatureHeader]) > 0 {
			return s
		}
	}
	return nil
}
