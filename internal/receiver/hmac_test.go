package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"heed/engine/source"

	"github.com/google/go-cmp/cmp"
)

// The vectors that the schemes' own documents and libraries have.
func TestHandler_takesPublishedVectors(t *testing.T) {
	standard := func(id, timestamp, signature string) http.Header {
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
	}
	for name, c := range map[string]struct {
		scheme       source.Scheme
		formula      source.HMAC
		secret, body string
		header       http.Header
		id           string
		at           time.Time
	}{
		"Standard Webhooks, Go library": {
			source.SchemeStandardWebhooks, source.StandardWebhooksHMAC,
			"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`,
			standard("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
			"msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0).UTC(),
		},
		"Standard Webhooks, manual verification": {
			source.SchemeStandardWebhooks, source.StandardWebhooksHMAC,
			"whsec_plJ3nmyCDGBKInavdOK15jsl", `{"event_type":"ping","data":{"success":true}}`,
			standard("msg_loFOjxBNrRLzqYUf", "1731705121", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
			"msg_loFOjxBNrRLzqYUf", time.Unix(1731705121, 0).UTC(),
		},
		"GitHub": {
			source.SchemeGitHub, source.GitHubHMAC, "It's a Secret to Everybody", "Hello, World!",
			http.Header{
				"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
				"X-Github-Delivery":   {"72d3162e-cc78-11e3-81ab-4c9367dc0958"},
			},
			"72d3162e-cc78-11e3-81ab-4c9367dc0958",
			time.Time{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/secret" // a secret may have spaces, which a variable may not
			writeFile(t, path, c.secret)
			g := startSource(t, source.Verification{
				Scheme: c.scheme, HMAC: c.formula, Secret: source.Secret{File: path},
			})
			if got := do(t, g.post(t, c.header, c.body)); got.Status != 200 {
				t.Fatalf("got %d %s\n%s", got.Status, got.Body, g.logs)
			}
			requests, _ := g.take()
			if r := requests[0]; r.ID != c.id || !r.SignedAt.Equal(c.at) || len(r.Signature) != sha256.Size {
				t.Errorf("handed over %q, %v, %x", r.ID, r.SignedAt, r.Signature)
			}
			if got := do(t, g.post(t, c.header, c.body+" ")); got.Status != 403 {
				t.Errorf("with another body: %d %s", got.Status, got.Body)
			}
		})
	}
}

const partnerSecret = "partner-canary-51c0"

// sumOf is another implementation of what the verifier computes.
func sumOf(key, what string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(what))
	return mac.Sum(nil)
}

// Each case changes one thing about a good request of a formula with everything
// in it: a prefix, base64, a list, a timestamp and an id.
func TestHandler_hmacHeadersDecide(t *testing.T) {
	const id, timestamp, body = "evt_1", "1700000000", `{"a":1}`
	g := startSource(t, source.Verification{
		Scheme: source.SchemeStandardWebhooks, HMAC: source.StandardWebhooksHMAC,
		Secret: source.Secret{Env: "PARTNER_SECRET"},
	})
	g.env.Store("PARTNER_SECRET", "b2xkZXI= whsec_"+base64.StdEncoding.EncodeToString([]byte(partnerSecret)))
	encoded := func(id, timestamp string) string {
		return base64.StdEncoding.EncodeToString(sumOf(partnerSecret, id+"."+timestamp+"."+body))
	}
	good := encoded(id, timestamp)
	other := base64.StdEncoding.EncodeToString(sumOf("other", "x"))
	signatures := func(values ...string) http.Header { return http.Header{"Webhook-Signature": values} }
	timestamps := func(values ...string) http.Header { return http.Header{"Webhook-Timestamp": values} }
	ids := func(values ...string) http.Header { return http.Header{"Webhook-Id": values} }
	for name, c := range map[string]struct {
		change http.Header
		status int
		reason Reason
	}{
		"nothing changed":               {nil, 200, ""},
		"a list, the first":             {signatures("v1," + good + " v1," + other), 200, ""},
		"a list, the last":              {signatures("v1,x v2," + other + "  v1," + other + " v1," + good), 200, ""},
		"a list without a right one":    {signatures("v1," + other + " v1," + other), 403, WrongSignature},
		"a list of other versions":      {signatures("v1a," + good + " v2," + good), 403, BadSignature},
		"a list of nothing":             {signatures("v1, v1,"), 403, BadSignature},
		"signature without its prefix":  {signatures(good), 403, BadSignature},
		"signature without its padding": {signatures("v1," + strings.TrimSuffix(good, "=")), 403, BadSignature},
		"signature with loose bits":     {signatures("v1," + looseBits(good)), 403, BadSignature},
		"signature in hex":              {signatures("v1," + strings.Repeat("0", 64)), 403, BadSignature},
		"signature separated by commas": {signatures("v1," + other + ",v1," + good), 403, BadSignature},
		"signature missing":             {signatures(), 401, MissingSignature},
		"signature empty":               {signatures(""), 401, MissingSignature},
		"signature on two lines":        {signatures("v1,"+good, "v1,"+good), 401, MissingSignature},
		"timestamp missing":             {timestamps(), 401, MissingTimestamp},
		"timestamp twice":               {timestamps(timestamp, timestamp), 401, MissingTimestamp},
		"timestamp no time":             {timestamps("yesterday"), 403, BadTimestamp},
		"timestamp other than signed":   {timestamps("1700000001"), 403, WrongSignature},
		"id missing":                    {ids(), 401, MissingID},
		"id empty":                      {ids(""), 401, MissingID},
		"id twice":                      {ids(id, id), 401, MissingID},
		"id other than signed":          {ids("evt_2"), 403, WrongSignature},
		"id moved into the timestamp": {
			http.Header{"Webhook-Id": {"evt"}, "Webhook-Timestamp": {"_1.1700000000"}}, 403, BadTimestamp,
		},
		"media type with a suffix": {
			http.Header{"Content-Type": {"application/cloudevents+JSON; charset=utf-8"}}, 200, "",
		},
		"media type of text with suffix": {http.Header{"Content-Type": {"text/x+json"}}, 415, MediaType},
		"media type text":                {http.Header{"Content-Type": {"text/plain"}}, 415, MediaType},
		"gzip":                           {http.Header{"Content-Encoding": {"gzip"}}, 415, ContentEncoding},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{
				"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {"v1," + good},
			}
			maps.Copy(header, c.change)
			got := do(t, g.post(t, header, body))
			wantOutcome(t, g, got, c.status, c.reason)
		})
	}
}

// looseBits changes the bits of the last character that mean nothing.
func looseBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := len(s) - 2
	return s[:i] + alphabet[strings.IndexByte(alphabet, s[i])|1:][:1] + s[i+1:]
}

// wantOutcome looks at an answer and at what the rig saw of its request.
func wantOutcome(t *testing.T, g *rig, got reply, status int, reason Reason) {
	t.Helper()
	g.mu.Lock()
	of := g.refusedOf
	g.mu.Unlock()
	requests, refused := g.take()
	if got.Status != status {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if status == 200 {
		if len(requests) != 1 || len(refused) != 0 {
			t.Errorf("handed over %d, refused %v", len(requests), refused)
		}
		return
	}
	if len(requests) != 0 || !cmp.Equal(refused, []Reason{reason}) || !cmp.Equal(of, []string{"partner"}) {
		t.Errorf("handed over %d, refused %v of %v", len(requests), refused, of)
	}
}

func TestHandler_hmacFormulas(t *testing.T) {
	hexOf := func(what string) string { return hex.EncodeToString(sumOf(partnerSecret, what)) }
	for name, c := range map[string]struct {
		formula   source.HMAC
		signature string
		status    int
	}{
		"prefix and timestamp": {
			source.HMAC{
				SignatureHeader: "X-Signature", TimestampHeader: "X-Timestamp", Prefix: "sha256=",
				Encoding: source.Hex, Signed: "{timestamp}.{body}",
			},
			"sha256=" + hexOf("1700000000.the body"), 200,
		},
		"prefix missing": {
			source.HMAC{SignatureHeader: "X-Signature", Prefix: "sha256=", Encoding: source.Hex, Signed: "{body}"},
			hexOf("the body"), 403,
		},
		"hex in upper case": {
			source.HMAC{SignatureHeader: "X-Signature", Encoding: source.Hex, Signed: "{body}"},
			strings.ToUpper(hexOf("the body")), 200,
		},
		"base64": {
			source.HMAC{SignatureHeader: "X-Signature", Encoding: source.Base64, Signed: "{body}"},
			base64.StdEncoding.EncodeToString(sumOf(partnerSecret, "the body")), 200,
		},
		"base64 where hex is meant": {
			source.HMAC{SignatureHeader: "X-Signature", Encoding: source.Hex, Signed: "{body}"},
			base64.StdEncoding.EncodeToString(sumOf(partnerSecret, "the body")), 403,
		},
		"the body first, twice, and other braces": {
			source.HMAC{
				SignatureHeader: "X-Signature", IDHeader: "X-Id", Encoding: source.Hex,
				Signed: "{body}|{id}|{other}|{body}{",
			},
			hexOf("the body|evt_1|{other}|the body{"), 200,
		},
		"a list of one": {
			source.HMAC{SignatureHeader: "X-Signature", List: true, Encoding: source.Hex, Signed: "{body}"},
			hexOf("the body"), 200,
		},
		"several where one is meant": {
			source.HMAC{SignatureHeader: "X-Signature", Encoding: source.Hex, Signed: "{body}"},
			hexOf("the body") + " " + hexOf("the body"), 403,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := startSource(t, source.Verification{
				Scheme: source.SchemeHMAC, HMAC: c.formula, Secret: source.Secret{Env: "PARTNER_SECRET"},
			})
			g.env.Store("PARTNER_SECRET", partnerSecret)
			header := http.Header{"X-Signature": {c.signature}, "X-Timestamp": {"1700000000"}, "X-Id": {"evt_1"}}
			got := do(t, g.post(t, header, "the body"))
			requests, _ := g.take()
			if got.Status != c.status || (len(requests) == 1) != (c.status == 200) {
				t.Fatalf("got %d %s, handed over %d\n%s", got.Status, got.Body, len(requests), g.logs)
			}
		})
	}
}

// What the signature does not cover says nothing about when it was made.
func TestHandler_timestampThatIsNotSignedIsIgnored(t *testing.T) {
	formula := source.GitHubHMAC
	formula.TimestampHeader = "X-Timestamp"
	g := startSource(t, source.Verification{
		Scheme: source.SchemeHMAC, HMAC: formula, Secret: source.Secret{Env: "PARTNER_SECRET"},
	})
	g.env.Store("PARTNER_SECRET", partnerSecret)
	signature := fmt.Sprintf("sha256=%x", sumOf(partnerSecret, "{}"))
	for _, timestamp := range []string{"1700000000", "yesterday"} {
		header := http.Header{"X-Hub-Signature-256": {signature}, "X-Timestamp": {timestamp}}
		if got := do(t, g.post(t, header, "{}")); got.Status != 200 {
			t.Fatalf("%s: got %d %s", timestamp, got.Status, got.Body)
		}
		if requests, _ := g.take(); !requests[0].SignedAt.IsZero() {
			t.Errorf("%s: signed at %v", timestamp, requests[0].SignedAt)
		}
	}
}

// The published contract's parts may be other ones at a customer.
func TestHandler_mindtickleHeadersMayBeOthers(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	other := source.MindtickleSource()
	other.Path = "/hooks/mt"
	other.Verify.HMAC.SignatureHeader, other.Verify.HMAC.Signed = "X-Other-Signature", "{timestamp}.{body}"
	g.activate(other)
	r, _ := http.NewRequest("POST", g.url+"/hooks/mt", strings.NewReader("{}"))
	r.Header.Set(timestampHeader, "1700000000")
	r.Header.Set("X-Other-Signature", hex.EncodeToString(sumOf(testSecret, "1700000000.{}")))
	if got := do(t, r); got.Status != 200 || got.Body != `{"received": true}` {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if got := do(t, g.delivery(t, testSecret, testBody)); got.Status != 404 {
		t.Errorf("the published path: got %d", got.Status)
	}
}
