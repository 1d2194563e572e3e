package outbound

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"heed/actions"
)

func TestSecretsAreMaskedInEveryFormInWhichOthersRepeatThem(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("heed:pass word"))
	for _, c := range []struct{ secret, text, want string }{
		{"hush", "it was hush, hush", "it was ***, ***"},
		{"", "nothing to hide", "nothing to hide"},
		{"Bearer canary-token", "the token canary-token is not known", "the token *** is not known"},
		{"Bearer canary-token", `{"Authorization": "Bearer canary-token"}`, `{"Authorization": "***"}`},
		{"Bearer v1", "no v1 here", "no v1 here"},
		{basic, "user heed, password pass word", "user heed, password ***"},
		{`a"b\c`, `{"key":"a\"b\\c"}`, `{"key":"***"}`},
		{"a&b c/d", "q=a%26b+c%2Fd", "q=***"},
		{"a&b c/d", "/p/a&b%20c%2Fd", "/p/***"},
		{"a<b>", `a\u003cb\u003e`, "***"},
		{"password", base64.StdEncoding.EncodeToString([]byte("password")), "***"},
		{"https://hooks.example.com/services/T0/B0/canary-part?key=canary-query", "Cannot POST /services/T0/B0/canary-part?key=canary-query", "Cannot POST ***"},
		{"https://hooks.example.com/services/T0/B0/canary-part?key=canary-query", "no canary-part of hooks.example.com, canary-query", "no *** of hooks.example.com, ***"},
		{"https://user:canary-pw@example.com/", "canary-pw is wrong", "*** is wrong"},
	} {
		if got := redact(c.text, []string{c.secret}); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.secret, c.text, got, c.want)
		}
	}
	// One secret is the start of another.
	if got := redact("user and user1234", []string{"user", "user1234"}); got != "*** and ***" {
		t.Errorf("a secret within a secret: %q", got)
	}
}

func TestNoSecretSurvivesRedaction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z0-9]{4,20}`), 1, 4).Draw(t, "secrets")
		var text strings.Builder
		for range rapid.IntRange(0, 20).Draw(t, "parts") {
			secret := rapid.SampledFrom(secrets).Draw(t, "secret")
			text.WriteString(rapid.SampledFrom([]string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), " ", "-", "ä", "\xff"}).Draw(t, "part"))
			text.WriteString(" ")
		}
		got := Excerpt([]byte(text.String()), secrets...)
		for _, secret := range secrets {
			if strings.Contains(got, secret) {
				t.Fatalf("%q is in %q", secret, got)
			}
		}
	})
}

func TestASecretThatTheExcerptWouldCutInTwoIsMasked(t *testing.T) {
	const secret = "canary-canary-canary"
	got := Excerpt([]byte(strings.Repeat("x", actions.MaxResponse-5)+secret), secret)
	if strings.Contains(got, "canar") || len(got) > actions.MaxResponse {
		t.Errorf("the excerpt ends in %q", got[len(got)-20:])
	}
}

func TestAnAnswerThatEchoesTheRequestGivesNoSecretAway(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+r.URL.String())
	})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/hook/canary-path", nil)
	request.Header.Set("Authorization", "Bearer canary-token")
	got := Do(Client(true), request, Terms{Secrets: []string{address + "/hook/canary-path", "Bearer canary-token"}})
	if strings.Contains(got.Response+got.Error, "canary") || !strings.Contains(got.Response, actions.Masked) {
		t.Errorf("%+v", got)
	}
}
