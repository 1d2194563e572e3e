package email_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heed/actions"
	"heed/actions/actiontest"
)

// issuer gives out numbered tokens, or what answer says.
func issuer(t *testing.T, answer http.HandlerFunc) (tokenURL string, given *int) {
	t.Helper()
	given = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*given++
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "canary-token-%d", "expires_in": 3600}`, *given)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/token", given
}

func withToken(s *server, tokenURL string) actiontest.Rule {
	return s.rule(fmt.Sprintf(`, username: heed, oauth2: {token_url: %q, client_id: heed, client_secret: {env: PASSWORD}}`, tokenURL), simple)
}

func TestOAuth2_aTokenStandsForThePassword(t *testing.T) {
	url, given := issuer(t, nil)
	want := "canary-token-1"
	s := (&server{login: true, token: func() string { return want }}).start(t)
	a := actiontest.MustCompile(t, withToken(s, url))
	for range 2 {
		if got := a.Send(t, `{"userId": "u1"}`); !isDone(got) {
			t.Fatalf("%+v", got)
		}
	}
	want = "canary-token-2" // the first was revoked
	if got := a.Send(t, `{"userId": "u1"}`); !isDone(got) {
		t.Errorf("after the token was revoked: %+v", got)
	}
	if len(s.got()) != 3 || *given != 2 || s.logins != 4 {
		t.Errorf("%d mails, %d tokens, %d logins", len(s.got()), *given, s.logins)
	}
}

func TestOAuth2_aRefusalOfAFreshTokenIsARefusal(t *testing.T) {
	url, given := issuer(t, nil)
	s := (&server{login: true, token: func() string { return "another" }}).start(t)
	got := actiontest.MustCompile(t, withToken(s, url)).Send(t, `{}`)
	if got.Verdict != actions.Dead || !strings.HasSuffix(got.Error, "check username and scopes, and that the client of oauth2 may send as this mailbox") {
		t.Errorf("%+v", got)
	}
	if *given != 1 || s.logins != 1 || strings.Contains(fmt.Sprintf("%+v", got), "canary") {
		t.Errorf("%d tokens, %d logins, %+v", *given, s.logins, got)
	}
}

func TestOAuth2_withoutATokenNothingIsSent(t *testing.T) {
	url, _ := issuer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s := (&server{login: true, token: func() string { return "" }}).start(t)
	got := actiontest.MustCompile(t, withToken(s, url)).Send(t, `{}`)
	if got.Verdict != actions.Retry || got.Cause != actions.CauseServer || !strings.HasPrefix(got.Error, "no access token from 127.0.0.1:") {
		t.Errorf("%+v", got)
	}
	if s.logins > 0 || len(s.got()) > 0 {
		t.Error("the mail server was asked all the same")
	}
}

func TestOAuth2_eachMistakeIsReported(t *testing.T) {
	const oauth2 = `oauth2: {token_url: https://a.example.com, client_id: heed, client_secret: {env: PASSWORD}}`
	for more, want := range map[string]string{
		oauth2:                   "config:1:71: error: the email action act has oauth2 and no username [missing-key] (write username: and the mailbox that is sent from, such as enablement@example.com)\n",
		"username: a, " + oauth2: "",
		"username: a, password: {env: PASSWORD}, " + oauth2: "[two-authorizations] (leave out password, or oauth2)",
		"username: a, tls: none, " + oauth2:                 "the email action act would send its token unencrypted [plain-password]",
		"helo: a b":                                         `helo of the email action act must be the name of a host, not the text "a b" [wrong-type]`,
		"helo: heed.example.com":                            "",
		`helo: "[192.0.2.1]"`:                               "",
	} {
		got := actiontest.Lines(actiontest.Compile(t,
			rule(`email: {smtp: "mail.example.com:587", from: heed@example.com, `+more+`}`, ``)).Problems)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s:\n%s", more, got)
		}
	}
}

func TestHelo_isHowTheServerIsGreeted(t *testing.T) {
	s := (&server{}).start(t)
	if got := actiontest.MustCompile(t, s.rule(", helo: heed.example.com", simple)).Send(t, `{}`); !isDone(got) || s.helo != "heed.example.com" {
		t.Errorf("%+v, %s", got, s.helo)
	}
}
