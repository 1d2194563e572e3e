package email_test

import (
	"encoding/json"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
	"heed/engine/record"
)

const three = `{to: [manager@example.com, leaver@example.com], cc: coach@example.com, subject: a, text: a}`

func TestSend_oneRefusedRecipientDoesNotStopTheOthers(t *testing.T) {
	s := (&server{onRcpt: map[string]error{"leaver@example.com": &smtp.SMTPError{Code: 550, Message: "no such user"}}}).start(t)
	got := actiontest.MustCompile(t, s.rule("", three)).Send(t, `{}`)
	want := actions.Outcome{
		Verdict: actions.Done, Error: "leaver@example.com: 550 5.0.0 no such user", Response: "2.0.0 OK: queued",
		Recipients: []record.Recipient{
			{Address: "manager@example.com", State: record.Done},
			{Address: "leaver@example.com", State: record.Dead, Error: "550 5.0.0 no such user"},
			{Address: "coach@example.com", State: record.Done},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"manager@example.com", "coach@example.com"}, s.only(t).to); diff != "" {
		t.Error(diff)
	}
}

func TestSend_aGreylistedRecipientIsTriedAgainAlone(t *testing.T) {
	s := (&server{onRcpt: map[string]error{"leaver@example.com": &smtp.SMTPError{Code: 450, Message: "greylisted"}}}).start(t)
	a := actiontest.MustCompile(t, s.rule("", three))
	request := a.MustRender(t, `{}`)
	first := a.Action.Send(t.Context(), actions.Message{ID: "d1", Request: request, Attempt: 1})
	if first.Verdict != actions.Retry || first.Cause != actions.CauseDelivery || first.Error != "leaver@example.com: 450 4.0.0 greylisted" {
		t.Fatalf("%+v", first)
	}
	delete(s.onRcpt, "leaver@example.com")
	second := a.Action.Send(t.Context(), actions.Message{ID: "d1", Request: request, Attempt: 2, Recipients: first.Recipients})
	if !isDone(second) {
		t.Fatalf("%+v", second)
	}
	mails := s.got()
	if len(mails) != 2 || !cmp.Equal(mails[1].to, []string{"leaver@example.com"}) || mails[0].Header.Get("Message-Id") != mails[1].Header.Get("Message-Id") {
		t.Errorf("%+v", mails)
	}
	for _, r := range second.Recipients {
		if r.State != record.Done || r.Error != "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestSend_nobodyAcceptedIsDead(t *testing.T) {
	refuse := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	for name, c := range map[string]struct {
		codes [3]int
		want  actions.Verdict
	}{
		"all for good":         {[3]int{550, 551, 550}, actions.Dead},
		"one only for now":     {[3]int{550, 450, 550}, actions.Retry},
		"all for now":          {[3]int{450, 450, 451}, actions.Retry},
		"the server is closed": {[3]int{421, 421, 421}, actions.Retry},
	} {
		s := (&server{onRcpt: map[string]error{
			"manager@example.com": refuse(c.codes[0]), "leaver@example.com": refuse(c.codes[1]), "coach@example.com": refuse(c.codes[2]),
		}}).start(t)
		got := actiontest.MustCompile(t, s.rule("", three)).Send(t, `{}`)
		if got.Verdict != c.want || len(s.got()) > 0 || (c.codes[0] == 421) != (got.Cause == actions.CauseServer) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What the server says of the message says nothing of those who got it before.
func TestSend_aMessageRefusedLaterKeepsWhoHasGotIt(t *testing.T) {
	s := (&server{onMail: &smtp.SMTPError{Code: 451, Message: "later"}}).start(t)
	a := actiontest.MustCompile(t, s.rule("", three))
	before := []record.Recipient{{Address: "manager@example.com", State: record.Done}, {Address: "coach@example.com", State: record.Retrying, Error: "450 wait"}}
	got := a.Action.Send(t.Context(), actions.Message{ID: "d1", Request: a.MustRender(t, `{}`), Attempt: 2, Recipients: before})
	if got.Verdict != actions.Retry || got.Cause != actions.CauseServer || len(got.Recipients) != 3 ||
		got.Recipients[0].State != record.Done || got.Recipients[1].State != record.Pending || got.Recipients[2].State != record.Retrying {
		t.Errorf("%+v", got)
	}
}

func TestRender_addressesAreTrimmedAndInPunycode(t *testing.T) {
	a := actiontest.MustCompile(t,
		rule(ok, `{to: ["{{ data.email }}", "Jane <jane@bücher.example>"], subject: a, text: a}`))
	for email, want := range map[string]string{
		"ada@example.com ":    "ada@example.com",
		" ada@example.com\n":  "ada@example.com",
		"jane@bücher.example": "jane@xn--bcher-kva.example",
	} {
		data, _ := json.Marshal(map[string]string{"email": email})
		var r struct{ To []string }
		if err := json.Unmarshal(a.MustRender(t, string(data)), &r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want, `"Jane" <jane@xn--bcher-kva.example>`}, r.To); diff != "" {
			t.Errorf("%q: %s", email, diff)
		}
	}
}
