package httpcall_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/actions/actiontest"
)

func TestACallIsRenderedAsPeopleShouldSeeIt(t *testing.T) {
	const data = `{"userId":"u1","score":61,"quizName":"A/B & C"}`
	for step, want := range map[string]string{
		`{}`:                            `{"method":"POST","url":"https://lms.example.com/api?own=1","headers":{"Authorization":"***","X-Plain":"yes"}}`,
		`{method: get, path: users}`:    `{"method":"GET","url":"https://lms.example.com/api/users?own=1","headers":{"Authorization":"***","X-Plain":"yes"},"path":"users"}`,
		`path: "//{{ data.quizName }}"`: `{"method":"POST","url":"https://lms.example.com/api/A%2FB%20&%20C?own=1","headers":{"Authorization":"***","X-Plain":"yes"},"path":"//A%2FB%20&%20C"}`,
		`query: {q: "{{ data.quizName }}", n: 5}`: `{"method":"POST","url":"https://lms.example.com/api?own=1&n=5&q=A%2FB+%26+C","headers":{"Authorization":"***","X-Plain":"yes"},"query":"n=5&q=A%2FB+%26+C"}`,
		`headers: {x-user: "{{ data.userId }}", x-plain: "no"}`: `{"method":"POST","url":"https://lms.example.com/api?own=1","headers":{"Authorization":"***","x-plain":"no","x-user":"u1"},
			"own_headers":{"x-user":"u1","x-plain":"no"}}`,
		`json: {s: "{{ data.score }}", t: "{{ data.quizType }}", u: "{{ data.quizType }}!"}`: `{"method":"POST","url":"https://lms.example.com/api?own=1",
			"headers":{"Authorization":"***","X-Plain":"yes","Content-Type":"application/json"},"body":{"s":61,"t":null,"u":"n/a!"},"encoding":"json","own_headers":{"Content-Type":"application/json"}}`,
		`json: "{{ data.quizType }}"`: `{"method":"POST","url":"https://lms.example.com/api?own=1",
			"headers":{"Authorization":"***","X-Plain":"yes","Content-Type":"application/json"},"body":null,"encoding":"json","own_headers":{"Content-Type":"application/json"}}`,
		`form: {b: "{{ data.quizName }}", a: 1}`: `{"method":"POST","url":"https://lms.example.com/api?own=1",
			"headers":{"Authorization":"***","X-Plain":"yes","Content-Type":"application/x-www-form-urlencoded"},"body":"a=1&b=A%2FB+%26+C","encoding":"form",
			"own_headers":{"Content-Type":"application/x-www-form-urlencoded"}}`,
		`{body: "{{ data.quizType }}, {{ data.quizName }}", headers: {content-type: text/csv}, timeout: 1500ms, expect: [200, 409]}`: `{"method":"POST","url":"https://lms.example.com/api?own=1",
			"headers":{"Authorization":"***","X-Plain":"yes","content-type":"text/csv"},"body":"n/a, A/B & C","encoding":"text","own_headers":{"content-type":"text/csv"},"timeout_ms":1500,"expect":[200,409]}`,
	} {
		c := actiontest.MustCompile(t, rule(`http: {url: "https://lms.example.com/api?own=1", headers: {Authorization: {env: AUTH}, X-Plain: yes}}`, step))
		got := request(t, c.MustRender(t, data))
		if diff := cmp.Diff(request(t, json.RawMessage(want)), got); diff != "" {
			t.Errorf("%s: %s", step, diff)
		}
	}
}

func TestAnAddressThatIsASecretIsMaskedWithWhatARuleAddsShown(t *testing.T) {
	c := actiontest.MustCompile(t, rule(`http: {url: {env: URL}}`, `{path: "/u/{{ data.userId }}", query: {a: 1}}`))
	raw := c.MustRender(t, `{"userId":"u1"}`)
	if got := request(t, raw)["url"]; got != "***/u/u1?a=1" {
		t.Errorf("shown as %v", got)
	}
	if strings.Contains(string(raw), "canary") {
		t.Errorf("the request holds the secret: %s", raw)
	}
	c = actiontest.Compile(t, rule(`http: {url: "https://user:canary-password@example.com/"}`, `{}`))
	if raw := c.MustRender(t, `{}`); strings.Contains(string(raw), "canary") {
		t.Errorf("the request holds the password: %s", raw)
	}
}

func TestTheConfiguredContentTypeIsKept(t *testing.T) {
	c := actiontest.MustCompile(t,
		rule(`http: {url: https://h, headers: {content-type: application/vnd.api+json}}`, `json: {}`))
	if got := request(t, c.MustRender(t, `{}`))["headers"].(map[string]any)["content-type"]; got != "application/vnd.api+json" {
		t.Errorf("the content type is %v", got)
	}
}

func TestAMissingValueMakesACallImpossibleWhereItWouldGoAstray(t *testing.T) {
	for step, want := range map[string]string{
		`path: /users/{{ data.userId }}/certificates`:                     "data.userId is missing",
		`query: {user: "{{ data.userId }}"}`:                              "data.userId is missing",
		`headers: {X-User: "{{ data.userId }}"}`:                          "data.userId is missing",
		`form: {user: "{{ data.userId }}"}`:                               "data.userId is missing",
		`path: /users/{{ data.quizName }}`:                                "data.quizName is empty, so the path would lead elsewhere",
		`path: /users/{{ data.quizId }}/x`:                                `data.quizId has the part "..", so the path could lead elsewhere`,
		`path: /users/{{ data.quizType }}/x`:                              `data.quizType has the part ".", so the path could lead elsewhere`,
		`path: "/users/.{{ data.quizType }}"`:                             `data.quizType has the part ".", so the path could lead elsewhere`,
		`path: "/%2e{{ data.quizType }}/x"`:                               `data.quizType has the part ".", so the path could lead elsewhere`,
		`headers: {X-User: "{{ data.score }}"}`:                           "data.score holds a line break or control character, which a header cannot carry",
		`{path: "/{{ data.passed }}", query: {a: "{{ data.maxScore }}"}}`: "data.maxScore is missing",
	} {
		c := actiontest.MustCompile(t, rule(lms, step))
		got, err := c.Render(t, `{"quizName":"","quizId":"..","quizType":".","score":"a\r\nb","passed":true,"maxScore":null}`)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %s, %v", step, got, err)
		}
	}
	c := actiontest.MustCompile(t, rule(lms, `path: /users/{{ data.userId ?? "nobody" }}`))
	if got := request(t, c.MustRender(t, `{}`))["url"]; got != "https://lms.example.com/api/users/nobody" {
		t.Errorf("with ?? the call goes to %v", got)
	}
}

var hostile = []string{
	"..", ".", "../..", "/", "//", "//evil.example.com/", "a/b", "?", "a?b=c", "#", "a#b", "%", "%2e%2e", "%2E%2E%2F", "%00", "%zz", ";", "a;b", ":", "@",
	"user@evil.example.com", "https://evil.example.com", "\\", "\\..\\", "\r\n", "a\r\nHost: evil", "\x00", "\x7f", "\t", " ", "  a  ", "ä/ö", "日本語", "😀", "\u202e",
	"&a=b", "=", "+", "*", "'", `"`, "<script>", "{{ data.userId }}", "${jndi:ldap://x}", "n/a", "null", strings.Repeat("x", 100_000), strings.Repeat("../", 1000),
}

// Whatever the event holds, a call goes to the rule's host, has as many path
// segments, query parameters and headers as the rule says, and carries the
// value as it was.
func checkCall(t rapid.TB, c *actiontest.Compiled, tb testing.TB, value string) {
	data, err := json.Marshal(map[string]string{"userId": value})
	if err != nil {
		t.Fatal(err)
	}
	var sent struct{ UserID string }
	if err := json.Unmarshal(data, &sent); err != nil {
		t.Fatal(err)
	}
	value = sent.UserID // as JSON carries it
	raw, err := c.Render(tb, string(data))
	if err != nil {
		parts := strings.FieldsFunc(value, func(r rune) bool { return r == '/' || r == '\\' })
		refused := value == "" || slices.Contains(parts, ".") || slices.Contains(parts, "..") ||
			strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
		if !refused {
			t.Fatalf("%q is refused: %v", value, err)
		}
		return
	}
	r := request(tb, raw)
	u, err := url.Parse(r["url"].(string))
	if err != nil {
		t.Fatalf("%q makes no address: %v", value, err)
	}
	segments := strings.Split(u.EscapedPath(), "/")
	if u.Scheme != "https" || u.Host != "lms.example.com" || u.User != nil || u.Fragment != "" || len(segments) != 5 ||
		segments[1] != "api" || segments[2] != "users" || segments[4] != "end" {
		t.Fatalf("%q leads to %s", value, u)
	}
	if got, err := url.PathUnescape(segments[3]); err != nil || got != value {
		t.Fatalf("%q arrives as %q in the path", value, got)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if diff := cmp.Diff(url.Values{"q": {"<" + value + ">"}, "z": {"1"}}, query); diff != "" || err != nil {
		t.Fatalf("%q in the query: %v %s", value, err, diff)
	}
	form, err := url.ParseQuery(r["body"].(string))
	if diff := cmp.Diff(url.Values{"f": {value}}, form); diff != "" || err != nil {
		t.Fatalf("%q in the form: %v %s", value, err, diff)
	}
	want := map[string]any{"X-User": "is " + value, "Content-Type": "application/x-www-form-urlencoded"}
	if diff := cmp.Diff(want, r["headers"]); diff != "" {
		t.Fatalf("%q in the headers: %s", value, diff)
	}
}

const everywhere = `
path: /users/{{ data.userId }}/end
query: {q: "<{{ data.userId }}>", z: 1}
headers: {X-User: "is {{ data.userId }}"}
form: {f: "{{ data.userId }}"}`

func TestNoEventChoosesWhereACallGoes(t *testing.T) {
	c := actiontest.MustCompile(t, rule(lms, everywhere))
	for _, value := range hostile {
		checkCall(t, c, t, value)
	}
	rapid.Check(t, func(rt *rapid.T) {
		checkCall(rt, c, t, strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom(hostile)), 0, 3).Draw(rt, "parts"), ""))
	})
}

func FuzzNoEventChoosesWhereACallGoes(f *testing.F) {
	for _, value := range hostile {
		if len(value) < 100 {
			f.Add(value)
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		checkCall(t, actiontest.MustCompile(t, rule(lms, everywhere)), t, value)
	})
}
