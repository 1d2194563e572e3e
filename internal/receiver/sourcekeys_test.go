package receiver

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"heed/engine/source"
)

// secretCase is a scheme with a header that a secret makes for the body {}.
type secretCase struct {
	verify source.Verification
	header func(secret string) http.Header
}

var secretCases = map[string]secretCase{
	"hmac": {
		source.Verification{Scheme: source.SchemeGitHub, HMAC: source.GitHubHMAC},
		func(secret string) http.Header {
			return http.Header{"X-Hub-Signature-256": {fmt.Sprintf("sha256=%x", sumOf(secret, "{}"))}}
		},
	},
	"bearer": {
		source.Verification{Scheme: source.SchemeBearer},
		func(secret string) http.Header { return authorized("Bearer " + secret) },
	},
	"basic": {
		source.Verification{Scheme: source.SchemeBasic, User: "connector"},
		func(secret string) http.Header { return authorized(basic("connector:" + secret)) },
	},
}

func TestHandler_fileOfSecretsIsReadAgainWhenItChanges(t *testing.T) {
	for name, c := range secretCases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			writeFile(t, path, "# the connector's\nold\n")
			c.verify.Secret.File = path
			g := startSource(t, c.verify)
			want := func(secret string, status int) {
				t.Helper()
				if got := do(t, g.post(t, c.header(secret), "{}")); got.Status != status {
					t.Errorf("%s: got %d, want %d", secret, got.Status, status)
				}
			}
			want("old", 200)
			want("new", 403)
			writeFile(t, path, "new\nold\n")
			want("old", 200)
			want("new", 200)
			writeFile(t, path, "new\n")
			want("old", 403)
			want("new", 200)
			remove(t, path)
			want("new", 200)
			if g.logs.count("changed\" source=partner") != 2 || g.logs.count("secret file unusable") != 1 {
				t.Errorf("logged:\n%s", g.logs)
			}
		})
	}
}

func TestHandler_sourceWithoutItsSecretIs503UntilTheFileIsThere(t *testing.T) {
	for name, c := range secretCases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			c.verify.Secret.File = path
			g := startSource(t, c.verify)
			for _, spoil := range []func(){func() {}, func() { writeFile(t, path, "# none\n") }} {
				spoil()
				for _, header := range []http.Header{c.header("right"), c.header(""), c.header("# none"), nil} {
					got := do(t, g.post(t, header, "{}"))
					if got.Status != 503 || got.Header.Get("Retry-After") == "" || strings.Contains(got.Body, path) {
						t.Fatalf("got %d %s", got.Status, got.Body)
					}
				}
			}
			logs := g.logs.String()
			if strings.Count(logs, "\n") != 1 || !strings.Contains(logs, "source=partner reason=unverifiable") ||
				!strings.Contains(logs, path) || !strings.Contains(logs, "into that file, one per line") {
				t.Errorf("logged:\n%s", logs)
			}
			if requests, refused := g.take(); len(requests) != 0 || len(refused) != 8 || refused[0] != Unverifiable {
				t.Errorf("handed over %d, refused %v", len(requests), refused)
			}
			writeFile(t, path, "right\n")
			if got := do(t, g.post(t, c.header("right"), "{}")); got.Status != 200 {
				t.Errorf("with the file: %d %s", got.Status, got.Body)
			}
			if got := do(t, g.post(t, c.header("wrong"), "{}")); got.Status != 403 {
				t.Errorf("with another secret: %d %s", got.Status, got.Body)
			}
		})
	}
}

func TestHandler_missingSecretSaysWhatToDo(t *testing.T) {
	bad := source.StandardWebhooksHMAC
	unsafe := source.GitHubHMAC
	unsafe.Signed = "{id}"
	for name, c := range map[string]struct {
		verify *source.Verification
		want   string
	}{
		"variable not set": {
			&source.Verification{Scheme: source.SchemeBearer, Secret: source.Secret{Env: "UNSET"}},
			"the environment variable UNSET is empty or not set: put the token into it and start heed again",
		},
		"variable blank": {
			&source.Verification{Scheme: source.SchemeBasic, Secret: source.Secret{Env: "BLANK"}},
			"the environment variable BLANK is empty or not set: put the password into it",
		},
		"key not base64": {
			&source.Verification{Scheme: source.SchemeStandardWebhooks, HMAC: bad, Secret: source.Secret{Env: "BAD"}},
			"the environment variable BAD: secret 2: it is not base64",
		},
		"no published secret": {
			&source.Verification{Scheme: source.SchemeMindtickle, HMAC: source.MindtickleHMAC},
			"put it into a file for --secret-file",
		},
		"published secret for another scheme": {
			&source.Verification{Scheme: source.SchemeStandardWebhooks, HMAC: bad},
			"needs a secret of its own",
		},
		"formula without the body": {
			&source.Verification{Scheme: source.SchemeHMAC, HMAC: unsafe, Secret: source.Secret{Env: "GOOD"}},
			"must contain {body}",
		},
		"unknown scheme": {
			&source.Verification{Scheme: "none", Secret: source.Secret{Env: "GOOD"}}, "unknown scheme",
		},
		"no verification": {nil, "does not say how"},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, nil)
			g.activate(&source.Source{Name: "partner", Path: "/webhooks/partner", Verify: c.verify})
			for name, value := range map[string]string{"BLANK": " \n", "BAD": "cGxhaW4= whsec_canary!", "GOOD": "canary"} {
				g.env.Store(name, value)
			}
			got := do(t, g.post(t, nil, "{}"))
			if got.Status != 503 || g.logs.count(c.want) != 1 || g.logs.count("canary") != 0 {
				t.Errorf("got %d %s, logged:\n%s", got.Status, got.Body, g.logs)
			}
		})
	}
}

func TestForm_keyNeedsNoPrefix(t *testing.T) {
	keys, err := signingForm("whsec_").keys([]string{"whsec_c2VjcmV0", "c2VjcmV0"})
	if err != nil || keys[0] != "secret" || keys[1] != "secret" {
		t.Errorf("got %q, %v", keys, err)
	}
}
