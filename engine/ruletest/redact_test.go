package ruletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine/event"
)

// redact gives the data of one event without what is personal, on one line.
func redact(t *testing.T, eventType, data string) string {
	t.Helper()
	body := fmt.Sprintf(`{"event":%q,"companyId":"acme","data":%s}`, eventType, data)
	redacted, err := Redact([]Fixture{{File: "f.json", Body: []byte(body)}}, event.Standard())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		CompanyID string
		Data      json.RawMessage
	}
	if err := json.Unmarshal(redacted[0].Body, &got); err != nil || got.CompanyID != "company" {
		t.Fatalf("%s: %v", redacted[0].Body, err)
	}
	line, err := json.Marshal(got.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func TestRedact(t *testing.T) {
	for _, c := range []struct{ what, eventType, data, want string }{
		{
			"declared fields by the catalogue's word", "user.provisioned",
			`{"userId":"u-1","email":"Maya@Acme.com","role":"Sales Manager","teamId":"t1","provisionedBy":"scim"}`,
			`{"userId":"user-1","email":"person-1@example.com","role":"Sales Manager","teamId":"t1","provisionedBy":"text-1"}`,
		},
		{
			"names of things stay", "quiz.submitted",
			`{"userId":"u-1","quizName":"Name that user","score":61.0,"passed":false}`,
			`{"userId":"user-1","quizName":"Name that user","score":61.0,"passed":false}`,
		},
		{
			"numbers stay as they were sent", "quiz.submitted",
			`{"score":1e400,"maxScore":9007199254740993,"extra":[61.0,1E5]}`,
			`{"score":1e400,"maxScore":9007199254740993,"extra":[61.0,1E5]}`,
		},
		{
			"one person is one pseudonym", "user.provisioned",
			`{"userId":"u-1","email":"m@a.com","provisionedBy":"M@A.com","managerId":"u-2","mentor":"u-1"}`,
			`{"userId":"user-1","email":"person-1@example.com","provisionedBy":"person-1@example.com","managerId":"user-2","mentor":"user-1"}`,
		},
		{
			"ids and addresses inside other texts", "user.deprovisioned",
			`{"userId":"u-1042","email":"m@a.com","reason":"xu-1042x left; ask m@a.com or M@a.com, then boss@a.com"}`,
			`{"userId":"user-1","email":"person-1@example.com","reason":"xuser-1x left; ask person-1@example.com or person-1@example.com, then person-2@example.com"}`,
		},
		{
			"short ids only where they are meant", "user.deprovisioned",
			`{"userId":"u1","reason":"u1 left"}`, `{"userId":"user-1","reason":"u1 left"}`,
		},
		{
			"names as words", "user.deprovisioned",
			`{"reason":"Ann's annual leave, Annual","firstName":"Ann"}`, `{"reason":"text-1's annual leave, Annual","firstName":"text-1"}`,
		},
		{
			"unknown fields by their names", "deal.won",
			`{"courseName":"Basics","region":"emea","displayName":"Maya","workPhone":"1","homeAddress":{"street":"X","no":7},"user_ids":["a","b","a"],"createdBy":"b","isManager":true,"birthDate":"1985-03-02","employeeSince":"1985-03-02T00:00:00+01:00","userNumber":4711,"shipping":"fast","firstAttempt":"Tuesday","first":"Maya"}`,
			`{"birthDate":"2000-01-01","courseName":"Basics","createdBy":"text-1","displayName":"text-2","employeeSince":"2000-01-01T00:00:00Z","first":"text-2","firstAttempt":"Tuesday","homeAddress":{"no":1,"street":"text-3"},"isManager":true,"region":"emea","shipping":"fast","userNumber":2,"user_ids":["user-1","text-1","user-1"],"workPhone":"text-4"}`,
		},
		{
			"unknown fields by their values", "deal.won",
			`{"a":"m@a.com","b":"+49 151 2345678","c":"(555) 123-4567","d":["x",{"e":"call +4915112345678 now"}],"m@a.com":1}`,
			`{"a":"person-1@example.com","b":"text-1","c":"text-2","d":["x",{"e":"call text-3 now"}],"person-1@example.com":1}`,
		},
		{
			"no telephone numbers", "deal.won",
			`{"a":"2026-03-02","b":"02.03.2026","c":"20260302","d":"1234567890","e":"10.0","f":"2025-2026","g":"2026-03-02T10:00:00Z"}`,
			`{"a":"2026-03-02","b":"02.03.2026","c":"20260302","d":"1234567890","e":"10.0","f":"2025-2026","g":"2026-03-02T10:00:00Z"}`,
		},
		{"what is empty", "user.provisioned", `{"userId":"","email":null,"users":[],"name":{}}`, `{"userId":"","email":null,"name":{},"users":[]}`},
		{
			"keys that mention somebody, but for known fields", "deal.won",
			`{"userId":"score","scores":{"score":1},"score":2,"username":"m-17","m-17":3}`,
			`{"text-1":3,"score":2,"scores":{"score":1},"userId":"user-1","username":"text-1"}`,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			if diff := cmp.Diff(c.want, redact(t, c.eventType, c.data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRedactIsTheSameInAllFixtures(t *testing.T) {
	redacted, err := Redact([]Fixture{
		{File: "a", Body: []byte(`{"event":"user.deprovisioned","data":{"userId":"u-100","reason":"replaced by u-200"}}`)},
		{File: "b", Body: []byte(`{"event":"user.deprovisioned","data":{"userId":"u-200","reason":"u-100 came back"}}`)},
	}, event.Standard())
	if err != nil || !strings.Contains(string(redacted[0].Body), "replaced by user-2") || !strings.Contains(string(redacted[1].Body), "user-1 came back") {
		t.Errorf("%s %v", redacted, err)
	}
}

// TestFieldsThatRuleFilesAddGoByTheirNames since a rule file cannot say what is
// personal; their order is that of the widened type.
func TestFieldsThatRuleFilesAddGoByTheirNames(t *testing.T) {
	wide, err := event.Standard().With(event.Type{Name: "quiz.submitted", Fields: []event.Field{{Name: "region", Kind: event.Text}, {Name: "managerEmail", Kind: event.Text}}})
	if err != nil {
		t.Fatal(err)
	}
	redacted, err := Redact([]Fixture{{File: "a", Body: []byte(`{"data":{"a":1,"managerEmail":"none","region":"emea","userId":"region"},"event":"quiz.submitted"}`)}}, wide)
	want := `{
  "event": "quiz.submitted",
  "data": {
    "userId": "user-1",
    "region": "emea",
    "managerEmail": "text-1",
    "a": 1
  }
}`
	if err != nil || string(redacted[0].Body) != want {
		t.Errorf("%s\n%v", redacted[0].Body, err)
	}
}

func TestTidyKeepsEverything(t *testing.T) {
	body := `{"sentAt":"now","data":{"zoo":{"b":1.0,"a":[1e400,"<&>"]},"score":61.0,"userId":"u1"},"companyId":7,"event":"quiz.submitted"}`
	tidy, err := Tidy(Fixture{File: "a", Body: []byte(body)}, event.Standard())
	want := `{
  "event": "quiz.submitted",
  "companyId": 7,
  "data": {
    "userId": "u1",
    "score": 61.0,
    "zoo": {
      "a": [
        1e400,
        "<&>"
      ],
      "b": 1.0
    }
  },
  "sentAt": "now"
}`
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(tidy)); diff != "" {
		t.Error(diff)
	}
}

// TestNothingPersonalIsLeft puts known personal values into random events, as
// values, keys and parts of texts, and looks for them afterwards.
func TestNothingPersonalIsLeft(t *testing.T) {
	id := rapid.StringMatching(`id-[a-z0-9]{4,8}|[QXZ][0-9]{6}|Ünïq[a-z"\\<]{2,5}`)
	address := rapid.StringMatching(`[A-Za-z][a-z.+_]{0,6}[a-z]@[a-z]{3,8}\.(com|co\.uk)`)
	name := rapid.StringMatching(`[A-Z][a-z]{5,9}`)
	phone := rapid.StringMatching(`\+[1-9][0-9]{2} [0-9]{3} [0-9]{4}`)
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(id, 1, 4).Draw(t, "ids")
		addresses := rapid.SliceOfN(address, 1, 3).Draw(t, "addresses")
		names := rapid.SliceOfN(name, 1, 3).Draw(t, "names")
		phones := rapid.SliceOfN(phone, 1, 2).Draw(t, "phones")
		of := func(list []string) string { return rapid.SampledFrom(list).Draw(t, "one") }
		data := map[string]any{
			"userId": ids[0], "managerIds": ids, "email": of(addresses), "provisionedBy": names[0], "names": names, "team": map[string]any{"members": addresses, "userNames": names},
			"reason": "it was " + of(names) + ", x" + of(ids) + "x <" + of(addresses) + "> said; " + of(phones) + ".",
			"notes":  []any{of(phones), map[string]any{of(addresses): of(ids), "x": "/" + of(ids) + "/" + of(addresses)}},
			of(ids):  of(names),
		}
		eventType := rapid.SampledFrom([]string{
			"user.provisioned", "user.deprovisioned", "quiz.submitted",
			"deal.won",
		}).Draw(t, "type")
		body, err := json.Marshal(map[string]any{"event": eventType, "companyId": "acme", "data": data})
		if err != nil {
			t.Fatal(err)
		}
		once, err := Redact([]Fixture{{File: "f", Body: body}}, event.Standard())
		if err != nil {
			t.Fatal(err)
		}
		var read any
		if err := json.Unmarshal(once[0].Body, &read); err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprint(read) // without the escapes of JSON
		for _, list := range [][]string{ids, addresses, names, phones} {
			for _, secret := range list {
				if strings.Contains(all, secret) {
					t.Fatalf("%q is left in\n%s", secret, once[0].Body)
				}
			}
		}
		twice, err := Redact(once, event.Standard())
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := json.Unmarshal(twice[0].Body, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutDigits(all), withoutDigits(fmt.Sprint(again))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// withoutDigits leaves the numbers of pseudonyms out: they go by the order in
// which the values come.
func withoutDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}

func FuzzRedact(f *testing.F) {
	f.Add(`{"event":"user.provisioned","data":{"userId":"ü","email":"a@b.c","x":"+49 151 234567 a@b.c","":[{"":null}]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		redacted, err := Redact([]Fixture{{File: "f", Body: []byte(body)}}, event.Standard())
		if _, bad := event.Decode([]byte(body)); (bad == nil) != (err == nil) {
			t.Fatalf("%v, but %v", bad, err)
		}
		if err != nil {
			return
		}
		if _, err := event.Decode(redacted[0].Body); err != nil {
			t.Fatalf("%s is not an event: %v", redacted[0].Body, err)
		}
	})
}
