package receiver

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"heed/engine/source"

	"github.com/google/go-cmp/cmp"
)

func bearerSource(name, path, env string) *source.Source {
	return &source.Source{Name: name, Path: path, IDs: name, Verify: &source.Verification{
		Scheme: source.SchemeBearer, Secret: source.Secret{Env: env},
	}}
}

func TestHandler_eachPathHasItsOwnSourceAndSecret(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.env.Store("ONE", "token-1")
	g.env.Store("TWO", "token-2")
	rows := &source.Source{Name: "report", Files: "*.csv"}
	g.activate(source.MindtickleSource(), bearerSource("one", "/one", "ONE"), rows, bearerSource("two", "/two", "TWO"))
	for _, c := range []struct {
		path, token string
		status      int
		source      string
	}{
		{"/one", "token-1", 200, "one"},
		{"/two", "token-2", 200, "two"},
		{"/one", "token-2", 403, "one"},
		{"/two", "token-1", 403, "two"},
		{"/three", "token-1", 404, ""},
		{"/", "token-1", 404, ""},
		{"/one/", "token-1", 200, "one"},
		{"/one//", "token-1", 404, ""},
	} {
		r, _ := http.NewRequest("POST", g.url+c.path, strings.NewReader("{}"))
		r.Header = authorized("Bearer " + c.token)
		got := do(t, r)
		of := g.refusedOf
		requests, _ := g.take()
		for _, request := range requests {
			of = append(of, request.Source.Name)
		}
		if got.Status != c.status || !cmp.Equal(of, []string{c.source}) {
			t.Errorf("%s with %s: got %d of %q", c.path, c.token, got.Status, of)
		}
	}
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 || got.Body != `{"received": true}` {
		t.Errorf("the published source: %d %s", got.Status, got.Body)
	}
}

func TestHandler_withoutSourcesKnowsNoPath(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.active.Store(nil)
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 404 {
		t.Errorf("got %d", got.Status)
	}
	r, _ := http.NewRequest("GET", g.url+healthyPath, nil)
	if got := do(t, r); got.Status != 200 {
		t.Errorf("health: got %d", got.Status)
	}
}

// A reload must not forget the secrets of a source that stays, not even while
// their file is away.
func TestRouter_secretsStayOverReloads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	writeFile(t, path, "token")
	g := startSource(t, source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{File: path}})
	g.env.Store("OTHER", "other")
	want := func(when string, status int) {
		t.Helper()
		if got := do(t, g.post(t, authorized("Bearer token"), "{}")); got.Status != status {
			t.Errorf("%s: got %d", when, got.Status)
		}
	}
	want("at first", 200)
	remove(t, path)
	g.activate(source.MindtickleSource(), partner(source.Verification{
		Scheme: source.SchemeBearer, Secret: source.Secret{File: path},
	}))
	want("after a reload", 200)
	g.activate(partner(source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{Env: "OTHER"}}))
	want("with another secret", 403)
	g.activate(partner(source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{File: path}}))
	want("with the file again, which is away", 503)
	g.activate()
	want("without the source", 404)
}

// A request is served by the old set or the new one, never by half of each.
func TestRouter_reloadsWhileRequestsRun(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.env.Store("A", "token-a")
	g.env.Store("B", "token-b")
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				token := []string{"token-a", "token-b"}[i%2]
				r := g.post(t, authorized("Bearer "+token), "{}")
				if got := do(t, r); got.Status != 200 && got.Status != 403 {
					t.Errorf("%s: got %d %s", token, got.Status, got.Body)
				}
				if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 200 {
					t.Errorf("the source that stays: got %d", got.Status)
				}
			}
		})
	}
	for i := range 200 {
		env := []string{"A", "B"}[i%2]
		g.activate(source.MindtickleSource(), bearerSource(env, "/webhooks/partner", env))
		r := g.post(t, authorized("Bearer token-"+strings.ToLower(env)), "{}")
		if got := do(t, r); got.Status != 200 {
			t.Errorf("%d: the new set does not count: %d", i, got.Status)
		}
	}
	close(stop)
	senders.Wait()
	requests, _ := g.take()
	for _, r := range requests {
		if r.Source.Name != source.Mindtickle && r.Source.Name != "A" && r.Source.Name != "B" {
			t.Fatalf("handed over %+v", r)
		}
	}
}

func TestHandler_signedRequestToNoPathNamesTheSource(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.activate(source.MindtickleSource(), partner(source.Verification{
		Scheme: source.SchemeGitHub, HMAC: source.GitHubHMAC, Secret: source.Secret{Env: "X"},
	}))
	r, _ := http.NewRequest("POST", g.url+"/github", nil)
	r.Header.Set("X-Hub-Signature-256", "sha256=0")
	got := do(t, r)
	if got.Status != 404 || g.logs.count("the webhook's URL at the sender of partner must end in /webhooks/partner") != 1 {
		t.Errorf("got %d, logged:\n%s", got.Status, g.logs)
	}
	if of := fmt.Sprint(g.refusedOf); of != "[]" {
		t.Errorf("refused of %s", of)
	}
}
