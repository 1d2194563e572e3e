package email_test

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"heed/actions"
	"heed/actions/actiontest"
)

func TestTLS_anAuthorityOfItsOwnAndAClientCertificate(t *testing.T) {
	for _, implicit := range []bool{true, false} {
		t.Run(fmt.Sprintf("implicit %t", implicit), func(t *testing.T) {
			authority, other := actiontest.NewAuthority(t, "Acme internal CA"), actiontest.NewAuthority(t, "Other CA")
			s := (&server{implicit: implicit, tls: &tls.Config{
				Certificates: []tls.Certificate{authority.Issue(t, "mail.test")},
				ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool(),
			}}).start(t)
			dir := t.TempDir()
			ca, wrong := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "wrong.pem")
			authority.WriteCA(t, ca)
			other.WriteCA(t, wrong)
			cert, key := actiontest.WritePair(t, dir, authority.Issue(t, "heed"))
			send := func(ca string) actions.Outcome {
				t.Helper()
				r := s.rule(fmt.Sprintf(", tls_ca: %q, tls_cert: %q, tls_key: %q", ca, cert, key), simple)
				return actiontest.MustCompile(t, r).Send(t, `{"userId": "u1"}`)
			}
			if got := send(ca); !isDone(got) {
				t.Errorf("%+v", got)
			}
			s.only(t)
			got := send(wrong)
			if got.Verdict != actions.Retry ||
				!strings.Contains(got.Error, `("Acme internal CA") that is not trusted here; name a file`) ||
				!strings.Contains(got.Error, "tls_ca") {
				t.Errorf("%+v", got)
			}
			got = actiontest.MustCompile(t, s.rule(fmt.Sprintf(", tls_ca: %q", ca), simple)).Send(t, `{}`)
			if got.Verdict != actions.Retry || got.Error == "" {
				t.Errorf("without a client certificate: %+v", got)
			}
		})
	}
}

func TestTLS_eachMistakeIsReportedAtItsPlace(t *testing.T) {
	for more, want := range map[string]string{
		"tls_ca: none.pem":             "config:1:71: error: the email action act: tls_ca: open none.pem: no such file or directory [bad-tls-file]",
		"tls_cert: a.pem":              "config:1:8: error: the email action act needs both tls_cert and tls_key, or neither [missing-key]",
		"tls: none, tls_ca: none.pem":  "config:1:68: warning: tls_ca, tls_cert and tls_key of the email action act have no effect without TLS [no-effect]",
		"tls: {ca: none.pem}":          "config:1:68: error: tls of the email action act says how the connection is encrypted, and is a word [wrong-type] (write tls_ca, tls_cert and tls_key for certificates)",
		`tls_key: "-----BEGIN SECRET"`: "config:1:72: error: tls_key of the email action act must be the path of a file, not what is in it [wrong-type]",
	} {
		got := actiontest.Lines(actiontest.Compile(t,
			rule(`email: {smtp: "mail.example.com:587", from: heed@example.com, `+more+`}`, ``)).Problems)
		if !strings.Contains(got, want) {
			t.Errorf("%s:\n%s", more, got)
		}
	}
}
