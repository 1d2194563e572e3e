package receiver

import (
	"net/http"
	"strings"
	"testing"

	"heed/engine/source"
)

func TestWarnings_areLimitedPerSourceAndReason(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	g.env.Store("ONE", "token")
	g.env.Store("TWO", "token")
	g.activate(source.MindtickleSource(), bearerSource("one", "/one", "ONE"), bearerSource("two", "/two", "TWO"))
	for range 3 {
		for _, path := range []string{"/one", "/two"} {
			for _, header := range []http.Header{nil, authorized("Bearer x")} {
				r, _ := http.NewRequest("POST", g.url+path, nil)
				r.Header = header
				do(t, r)
			}
		}
		do(t, g.delivery(t, "another secret", testBody))
	}
	for line, want := range map[string]int{
		"\n":                                       5,
		"source=one reason=missing_credentials":    1,
		"source=one reason=wrong_credentials":      1,
		"source=two reason=missing_credentials":    1,
		"source=two reason=wrong_credentials":      1,
		"source=mindtickle reason=wrong_signature": 1,
	} {
		if got := g.logs.count(line); got != want {
			t.Errorf("%q: %d, want %d:\n%s", line, got, want, g.logs)
		}
	}
}

// What the log says of another source must not blame MindTickle, and every hole
// must be filled.
func TestWarnings_nameTheSource(t *testing.T) {
	list := source.StandardWebhooksHMAC
	for _, c := range []struct {
		s    *source.Source
		why  *warning
		want string
	}{
		{
			source.MindtickleSource(), &badSignature.warning,
			"something other than MindTickle: X-Mt-Webhook-Signature is not 64 hex digits",
		},
		{
			source.MindtickleSource(), &wrongSignature.warning,
			"wrong signature: was the secret rotated at MindTickle? put the new one into the secret file",
		},
		{
			partner(source.Verification{HMAC: source.GitHubHMAC}), &badSignature.warning,
			`something other than the sender of partner: X-Hub-Signature-256 is not "sha256=" and 64 hex digits`,
		},
		{
			partner(source.Verification{HMAC: list}), &badSignature.warning,
			`something other than the sender of partner: Webhook-Signature is not a list of "v1," and 44 characters of base64`,
		},
		{
			partner(source.Verification{Secret: source.Secret{File: "/run/secrets/partner"}}), &wrongSignature.warning,
			"wrong signature: was the secret rotated at the sender of partner? put the new one into /run/secrets/partner",
		},
		{
			partner(source.Verification{Secret: source.Secret{Env: "TOKEN"}}), &wrongCredentials.warning,
			"wrong credentials: were they changed at the sender of partner? " +
				"put the new ones into the environment variable TOKEN and start heed again",
		},
		{
			partner(source.Verification{HMAC: list}), unusableID,
			"taken as if without id: Webhook-Id is doubled, over 256 bytes or not printable",
		},
	} {
		if got := holes(c.s).Replace(c.why.cause); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	for _, why := range []*refusal{
		mediaType, tooLarge, missingSignature, missingTimestamp, missingID, missingToken, missingPassword,
		badTimestamp, badSignature, wrongSignature, wrongCredentials, unverifiable,
	} {
		got := holes(partner(source.Verification{HMAC: list})).Replace(why.cause)
		if strings.ContainsAny(got, "{}") || strings.Contains(got, "MindTickle") || strings.Contains(got, "  ") {
			t.Errorf("%s: %s", why.reason, got)
		}
	}
}
