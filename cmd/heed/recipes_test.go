package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/app"
)

// vendorAnswer is what a vendor's API says to a call.
type vendorAnswer struct {
	status int
	header map[string]string
	body   string
	// want is what becomes of the delivery, reason a part of its error.
	want   record.State
	reason string
}

var (
	tooMany = vendorAnswer{status: 429, header: map[string]string{"Retry-After": "30"}, want: record.Retrying, reason: "answered 429"}
	down    = vendorAnswer{status: 503, want: record.Retrying, reason: "answered 503"}
	denied  = vendorAnswer{status: 401, want: record.Dead, reason: "check the credentials"}
)

func fine(status int, body string) vendorAnswer {
	return vendorAnswer{status: status, body: body, want: record.Done}
}

func refused(status int, body string) vendorAnswer {
	return vendorAnswer{status: status, body: body, want: record.Dead, reason: fmt.Sprintf("answered %d", status)}
}

func later(status int, body string) vendorAnswer {
	return vendorAnswer{status: status, body: body, want: record.Retrying, reason: fmt.Sprintf("answered %d", status)}
}

// vendors are the answers that the vendors' references give, by the recipe and the
// fixture that makes it call.
var vendors = []struct {
	recipe, fixture string
	answers         []vendorAnswer
}{
	{"lms", "course-completed", []vendorAnswer{fine(200, `["fb683dcf-841a-5a7f-aef6-32fbb47485cf"]`), fine(204, ""), fine(409, "a statement with this id exists"), refused(400, "no format"), denied, tooMany}},
	{"salesforce", "course-completed", []vendorAnswer{
		fine(201, `{"id":"a00","success":true}`), fine(200, `{"id":"a00","success":true}`), fine(204, ""),
		later(400, `[{"errorCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access"}]`),
		{status: 403, body: `[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, want: record.Retrying, reason: "answered 403 Forbidden"},
		refused(400, `[{"errorCode":"INVALID_FIELD"}]`), refused(300, `["/a","/b"]`), refused(404, "NOT_FOUND"), down,
	}},
	{"bamboohr", "course-completed", []vendorAnswer{
		fine(201, ""), fine(200, ""),
		{status: 404, header: map[string]string{"X-BambooHR-Error-Message": "Employee 4711 not found"}, want: record.Dead, reason: "answered 404 Not Found: Employee 4711 not found"},
		tooMany,
		{status: 503, header: map[string]string{"Retry-After": "60"}, want: record.Retrying, reason: "answered 503"},
		denied,
	}},
	{"okta", "certification-expired", []vendorAnswer{
		fine(200, "{}"), fine(204, ""),
		{status: 429, header: map[string]string{"X-Rate-Limit-Reset": fmt.Sprint(time.Now().Add(time.Minute).Unix())}, want: record.Retrying, reason: "answered 429"},
		denied,
	}},
	{"entra", "certification-expired", []vendorAnswer{fine(202, ""), fine(200, ""), refused(400, "TriggerInputSchemaMismatch"), denied, tooMany}},
	{"teams", "quiz-low-score", []vendorAnswer{fine(202, ""), fine(200, "1"), refused(413, "RequestEntityTooLarge"), refused(400, "TriggerInputSchemaMismatch"), denied, tooMany}},
	{"hubspot", "course-completed", []vendorAnswer{
		fine(200, `{"id":"151"}`), refused(404, `{"category":"OBJECT_NOT_FOUND"}`), refused(400, `{"category":"VALIDATION_ERROR"}`), later(423, "locked"), denied,
		{status: 429, body: `{"policyName":"TEN_SECONDLY_ROLLING"}`, want: record.Retrying, reason: "answered 429"},
	}},
	{"sheets", "course-completed", []vendorAnswer{fine(302, ""), fine(200, "ok"), refused(404, ""), down}},
	{"jira", "user-deprovisioned", []vendorAnswer{fine(201, `{"id":"10000","key":"ENABLE-24"}`), refused(400, `{"errors":{"summary":"required"}}`), denied, tooMany}},
	{"pagerduty", "", []vendorAnswer{
		fine(202, `{"status":"success","message":"Event processed","dedup_key":"k"}`),
		refused(400, `{"status":"invalid event","errors":["Length of 'routing_key' is incorrect"]}`), later(429, ""), down,
	}},
	{"snowflake", "quiz-low-score", []vendorAnswer{
		fine(200, `{"code":"090001"}`), fine(202, `{"code":"333334"}`), later(408, ""), refused(422, `{"code":"002003"}`), denied, tooMany,
	}},
	{"zoom", "course-completed", []vendorAnswer{fine(201, `{"id":"m1"}`), refused(404, `{"code":1001}`), tooMany}},
	{"workday", "certification-expired", []vendorAnswer{fine(200, "<env:Envelope/>"), later(500, "<faultcode>SOAP-ENV:Client.validationError</faultcode>"), down}},
	{"docebo", "quiz-low-score", []vendorAnswer{fine(200, `{"data":{"errors":[],"enrolled":[{}]}}`), fine(409, ""), refused(400, "{}"), refused(404, "{}"), tooMany}},
	{"graph", "certification-expired", []vendorAnswer{
		fine(204, ""), fine(404, `{"error":{"code":"Request_ResourceNotFound"}}`),
		refused(403, `{"error":{"code":"Authorization_RequestDenied"}}`), tooMany, down,
	}},
	{"graph", "certified", []vendorAnswer{
		fine(204, ""),
		fine(400, `{"error":{"code":"Request_BadRequest","message":"One or more added object references already exist for the following modified properties: 'members'."}}`),
		{status: 400, body: `{"error":{"message":"Invalid object identifier"}}`, want: record.Dead, reason: "not as expected"},
		refused(404, `{"error":{}}`),
	}},
}

// TestRecipes_takeTheVendorsAnswersAsTheyAreMeant runs each recipe of
// docs/recipes.md that calls another system, from the signed event to a stand-in
// that gives out tokens and answers as the vendor does.
func TestRecipes_takeTheVendorsAnswersAsTheyAreMeant(t *testing.T) {
	text, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		if _, name, ok := strings.Cut(block[1], "file="); ok {
			files[name] = block[2]
		}
	}
	called := map[string]bool{}
	for _, v := range vendors {
		called[v.recipe] = true
		for _, a := range v.answers {
			t.Run(fmt.Sprintf("%s/%s/%d", v.recipe, v.fixture, a.status), func(t *testing.T) {
				runRecipe(t, files, v.recipe, v.fixture, a)
			})
		}
	}
	for name, rules := range files {
		recipe, isRules := strings.CutSuffix(name, ".yaml")
		if isRules && strings.Contains(rules, "    http:\n") && !called[recipe] && !knownAnswers[recipe] {
			t.Errorf("no answers of the other side are known for %s", name)
		}
	}
}

// knownAnswers are recipes whose other side is one of your own, or one that
// another recipe calls.
var knownAnswers = map[string]bool{"hires": true, "leavers": true, "progress": true, "three-fails": true, "not-passed": true}

func runRecipe(t *testing.T, files map[string]string, recipe, fixture string, a vendorAnswer) {
	vendor := newVendor(t, a)
	workspace := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/users.lookupByEmail") {
			_, _ = fmt.Fprint(w, `{"ok":true,"user":{"id":"U0NORA"}}`)
			return
		}
		slackOK(w, r)
	})
	rules := strings.ReplaceAll(files[recipe+".yaml"], "      token: {env: SLACK_BOT_TOKEN}\n",
		"      token: {env: SLACK_BOT_TOKEN}\n      api_url: "+workspace.URL+"\n      allow_private: true\n      rate: 1000/s\n")
	rules = regexp.MustCompile(`(?m)^( +)((?:token_)?url): https:/(\S+)$`).ReplaceAllString(rules,
		"$1$2: "+vendor.URL+"$3")
	rules = regexp.MustCompile(`(?m)^      url: .*$`).ReplaceAllString(rules, "$0\n      allow_private: true")
	s := startServer(t, outside.Replace(rules), func(o *app.Options) {
		o.LookupEnv = func(name string) (string, bool) {
			if strings.HasSuffix(name, "_URL") {
				return vendor.URL + "/" + name, true
			}
			return "canary-" + name, !strings.HasPrefix(name, "HEED_") && !strings.HasPrefix(name, "OTEL_")
		}
		for name, table := range files {
			if strings.HasSuffix(name, ".csv") {
				if err := os.WriteFile(filepath.Join(filepath.Dir(o.Rules), name), []byte(table), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	s.post("hire", `{"event":"user.provisioned","data":{"userId":"u-1042","email":"maya.iyer@example.com","role":"r","teamId":"t"}}`)
	s.settled("hire")
	body := recipeEvent(t, files, fixture)
	s.post("e1", outside.Replace(body))
	for _, d := range s.attempted("e1") {
		if d.Kind != "http" {
			continue
		}
		if d.State != a.want || !strings.Contains(d.LastError, a.reason) {
			t.Errorf("%s is %s: %q; want %s: %q", d.Action, d.State, d.LastError, a.want, a.reason)
		}
		var shown json.RawMessage
		if s.get("/api/v1/deliveries/"+d.ID, &shown); bytes.Contains(shown, []byte("canary-")) {
			t.Errorf("a secret is in the record: %s", shown)
		}
	}
	vendor.check(recipe)
}

// outside renames heed's own events, which nobody may send.
var outside = strings.NewReplacer("heed.source.silent", "monitor.quiet", "heed.signatures.refused", "monitor.locked")

// recipeEvent is the body of a fixture, or of the event that has none.
func recipeEvent(t *testing.T, files map[string]string, fixture string) string {
	t.Helper()
	switch fixture {
	case "":
		return files["silent.json"]
	case "certified":
		return `{"event":"course.completed","data":{"userId":"u-1042","courseId":"certification"}}`
	}
	body, err := os.ReadFile("../../testdata/events/" + fixture + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// attempted waits until each delivery of an event was sent once.
func (s *server) attempted(id string) []admin.Delivery {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		deliveries, waiting := s.event(id).Deliveries, 0
		for _, d := range deliveries {
			if d.State == record.Pending {
				waiting++
			}
		}
		if len(deliveries) > 0 && waiting == 0 {
			return deliveries
		}
		time.Sleep(5 * time.Millisecond) // polling what another process would poll, not synchronisation
	}
	s.t.Fatalf("the deliveries of %s were not sent: %+v", id, s.event(id).Deliveries)
	return nil
}

// vendor stands in for another system: it gives out tokens, and answers each call
// alike.
type vendor struct {
	*sink
	t *testing.T
}

func newVendor(t *testing.T, a vendorAnswer) *vendor {
	v := &vendor{t: t}
	v.sink = newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/oauth") {
			_, secret, _ := r.BasicAuth()
			if !strings.HasPrefix(secret, "canary-") {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(w, `{"access_token":"canary-token","token_type":"bearer","expires_in":3600}`)
			return
		}
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		_, _ = fmt.Fprint(w, a.body)
	})
	return v
}

// check looks at what arrived: each call was authorized, secrets in bodies are the
// real ones, and XML is XML.
func (v *vendor) check(recipe string) {
	v.t.Helper()
	calls := 0
	for _, c := range v.got() {
		switch {
		case strings.Contains(c.path, "/oauth"):
			if form, _ := url.ParseQuery(c.body); recipe == "zoom" &&
				(form.Get("grant_type") != "account_credentials" || form.Get("account_id") != "canary-ZOOM_ACCOUNT_ID") ||
				recipe == "workday" && form.Get("refresh_token") != "canary-WORKDAY_REFRESH_TOKEN" {
				v.t.Errorf("the token was asked for with %s", c.body)
			}
			continue
		case recipe == "pagerduty" && !strings.Contains(c.body, `"routing_key":"canary-PAGERDUTY_ROUTING_KEY"`),
			recipe == "sheets" && !strings.Contains(c.body, `"key":"canary-SHEET_KEY"`):
			v.t.Errorf("the body has no secret: %s", c.body)
		case recipe == "workday" && xml.Unmarshal([]byte(c.body), new(struct{})) != nil:
			v.t.Errorf("no XML: %s", c.body)
		}
		calls++
		auth := c.header.Get("Authorization") + c.header.Get("X-Api-Client-Token")
		if !strings.Contains(auth, "canary-") && !strings.Contains(c.path, "_URL") && recipe != "pagerduty" {
			v.t.Errorf("%s %s came without credentials", c.method, c.path)
		}
	}
	if calls == 0 {
		v.t.Error("nothing was called")
	}
}
