package httpcall_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions"
	"heed/actions/actiontest"
)

func TestOmitMissing_leavesKeysOutWhoseValueIsMissing(t *testing.T) {
	const body = `{user: "{{ data.userId }}", score: "{{ data.score }}", note: "it is {{ data.score }}",` +
		` fixed: null, deep: {score: "{{ data.score }}"}, list: ["{{ data.score }}", {score: "{{ data.score }}"}]}`
	for omit, want := range map[string]string{
		"true":  `{"user":"u1","note":"it is n/a","fixed":null,"deep":{},"list":[null,{}]}`,
		"false": `{"user":"u1","score":null,"note":"it is n/a","fixed":null,"deep":{"score":null},"list":[null,{"score":null}]}`,
	} {
		s := newSink(t, nil)
		a := actiontest.MustCompile(t, rule(local(s.URL, ""), "json: "+body+"\nomit_missing: "+omit))
		if got := a.Send(t, `{"userId": "u1"}`); got.Verdict != actions.Done {
			t.Fatalf("%+v", got)
		}
		if diff := cmp.Diff(want, s.got()[0].Body); diff != "" {
			t.Errorf("omit_missing: %s: %s", omit, diff)
		}
	}
	got := actiontest.Lines(actiontest.Compile(t, rule(lms, "body: a\nomit_missing: true")).Problems)
	if !strings.Contains(got, "omit_missing of the http action act has no effect without json [no-effect]") {
		t.Error(got)
	}
}

func TestQuery_aListIsSentUnderItsNameSeveralTimes(t *testing.T) {
	s := newSink(t, nil)
	a := actiontest.MustCompile(t,
		rule(local(s.URL, ""), `{method: GET, query: {id: ["{{ data.userId }}", "b&c"], n: 1, none: []}}`))
	if got := a.Send(t, `{"userId": "u/1"}`); got.Verdict != actions.Done || s.got()[0].URI != "/?id=u%2F1&id=b%26c&n=1" {
		t.Errorf("%+v, %v", got, s.got())
	}
}

func TestPrefix_standsInFrontOfASecretAndIsNotShown(t *testing.T) {
	s := newSink(t, echo)
	r := rule(local(s.URL, `, headers: {Authorization: {env: TOKEN, prefix: "Bearer "}}`), `{}`)
	r.Env["TOKEN"] = "canary-token"
	got := actiontest.MustCompile(t, r).Send(t, `{}`)
	if s.got()[0].Header.Get("Authorization") != "Bearer canary-token" || strings.Contains(got.Response, "canary") {
		t.Errorf("%+v, %v", got, s.got()[0].Header)
	}
}
