package httpcall_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/engine/intake"
	"heed/engine/source"
	"heed/internal/receiver"
)

// accepting takes whatever was verified.
type accepting struct{ ids []string }

func (a *accepting) Accept(_ context.Context, r intake.Request) ([]intake.Answer, error) {
	a.ids = append(a.ids, r.ID)
	return []intake.Answer{{}}, nil
}
func (*accepting) Answered(context.Context, []intake.Answer, time.Duration) {}
func (*accepting) Refused(context.Context, string, receiver.Reason)         {}

const signingSecret = "whsec_Y2FuYXJ5LXNpZ25pbmcta2V5"

// standardReceiver is heed's own receiver with one source of Standard Webhooks.
func standardReceiver(t *testing.T, secret string) (http.Handler, *accepting) {
	t.Helper()
	var sources atomic.Pointer[source.Set]
	sources.Store(&source.Set{Sources: []*source.Source{{
		Name: "partner", Path: "/hook", IDs: "partner", Verify: &source.Verification{
			Scheme: source.SchemeStandardWebhooks, HMAC: source.StandardWebhooksHMAC, Secret: source.Secret{Env: "S"},
		},
	}}})
	got := &accepting{}
	handler, err := receiver.New(receiver.Options{
		Sources: sources.Load, LookupEnv: func(string) (string, bool) { return secret, true },
		Intake: got, Observe: got, Ready: func() error { return nil }, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler, got
}

func TestSign_aReceiverOfStandardWebhooksTakesTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		receiver string
		want     actions.Verdict
	}{"the same secret": {signingSecret, actions.Done}, "another secret": {"whsec_b3RoZXI=", actions.Dead}} {
		handler, got := standardReceiver(t, c.receiver)
		s := newSinkOf(t, handler)
		r := rule(local(s+"/hook", ", sign: {hmac: sha256, secret: {env: SIGN}}"), `json: {user: "{{ data.userId }}"}`)
		r.Env["SIGN"] = signingSecret
		a := actiontest.MustCompile(t, r)
		if o := a.Send(t, `{"userId": "u1"}`); o.Verdict != c.want {
			t.Errorf("%s: %+v", name, o)
		}
		if c.want == actions.Done && (len(got.ids) != 1 || got.ids[0] != actiontest.DeliveryID) {
			t.Errorf("%s: ids %v", name, got.ids)
		}
	}
}

func TestSign_theHeaderCanBeAnotherAndNothingSecretIsRecorded(t *testing.T) {
	s := newSink(t, echo)
	r := rule(local(s.URL, `, sign: {secret: {env: SIGN}, header: x-signature}`), `json: {}`)
	r.Env["SIGN"] = signingSecret
	a := actiontest.MustCompile(t, r)
	o := a.Send(t, `{}`)
	signature := s.got()[0].Header.Get("X-Signature")
	if !strings.HasPrefix(signature, "v1,") || s.got()[0].Header.Get("Webhook-Signature") != "" {
		t.Errorf("%v", s.got()[0].Header)
	}
	text := fmt.Sprintf("%+v %s %+v", o, a.MustRender(t, `{}`), a.Action)
	for _, secret := range []string{"canary", "Y2FuYXJ5LXNpZ25pbmcta2V5", strings.TrimPrefix(signature, "v1,")} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows in %s", secret, text)
		}
	}
}

func TestSign_eachMistakeIsReportedAtItsPlace(t *testing.T) {
	for sign, want := range map[string]string{
		`{secret: {env: SIGN}}`:                     ``,
		`{hmac: sha512, secret: {env: SIGN}}`:       `config:1:37: error: hmac of sign of the http action act cannot be sha512 [wrong-type] (write hmac: sha256, as Standard Webhooks has it)`,
		`{secret: {env: AUTH}}`:                     `config:1:39: error: secret of sign of the http action act is not base64, as secrets of Standard Webhooks are [wrong-type] (write it in base64, with or without whsec_ in front; 32 random bytes are usual)`,
		`{}`:                                        `config:1:30: error: sign of the http action act has no secret [missing-key] (write secret: {env: NAME} or {file: PATH})`,
		`{secret: {env: SIGN}, header: "a b"}`:      `config:1:60: error: "a b" is not a name for a header [bad-header] (write letters, digits and hyphens, such as X-Request-Source)`,
		`{secret: {env: SIGN}, header: webhook-id}`: `config:1:30: error: the header webhook-id is given twice [duplicate-key] (remove one of the two: capital letters make no difference in a header's name)`,
	} {
		r := rule(`http: {url: https://h, sign: `+sign+`}`, ``)
		r.Env["SIGN"] = signingSecret
		if diff := cmp.Diff(want, strings.TrimSuffix(actiontest.Lines(actiontest.Compile(t, r).Problems), "\n")); diff != "" {
			t.Errorf("%s: %s", sign, diff)
		}
	}
}
