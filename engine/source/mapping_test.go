package source

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine/event"
	"heed/engine/expression"
)

// mapping compiles a mapping as a rule file has it: expressions by their key, those
// of single fields under data.NAME.
func mapping(t testing.TB, rows bool, expressions map[string]string) *Mapping {
	t.Helper()
	names := []expression.Named{{Name: "row", Kind: event.Any}}
	if !rows {
		names = []expression.Named{
			{Name: "body", Kind: event.Any},
			{Name: "item", Kind: event.Any},
			{Name: "headers", Kind: event.Object, Texts: true},
			{Name: "query", Kind: event.Object, Texts: true},
		}
	}
	scope := expression.ValueScope(names...)
	m := &Mapping{}
	places := map[string]**expression.Value{
		"each": &m.Each, "event": &m.Event, "id": &m.ID, "at": &m.At, "company": &m.Company, "data": &m.Data,
	}
	for key, text := range expressions {
		tree, problems := scope.Check(text)
		if tree == nil {
			t.Fatalf("%s: %s: %v", key, text, problems)
		}
		if name, isField := strings.CutPrefix(key, "data."); isField {
			m.Fields = append(m.Fields, Field{name, tree.Value()})
		} else {
			*places[key] = tree.Value()
		}
	}
	return m
}

func request(m *Mapping, body string) []Made { return m.Request([]byte(body), nil, nil) }

// summary is what is made in a word: the data of an event, or why there is none.
func summary(made Made) string {
	if made.Reason != "" {
		return made.Reason + ": " + made.Detail
	}
	data, err := json.Marshal(made.Event.Data)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestRequest_makesTheEventThatTheExpressionsSay(t *testing.T) {
	m := mapping(t, false, map[string]string{
		"event": `"quiz.submitted"`, "id": `body.submission.id + "/" + string(body.submission.attempt)`,
		"at": "body.submission.submittedAt", "company": "query.company",
		"data.userId": "body.user.email", "data.quizName": "headers[\"x-quiz\"]", "data.score": "body.score",
	})
	body := `{"submission":{"id":"s1","attempt":2,"submittedAt":"2026-03-01T10:00:00+05:30"},"user":{"email":"a@b"},"score":61}`
	made := m.Request([]byte(body), map[string]string{"x-quiz": "Intro <1>"}, map[string]string{"company": "acme"})
	want := []Made{{
		ID: "s1/2", At: time.Date(2026, 3, 1, 4, 30, 0, 0, time.UTC),
		Event: event.Event{
			ID: "s1/2", Type: "quiz.submitted", CompanyID: "acme",
			Data: map[string]any{"userId": "a@b", "quizName": "Intro <1>", "score": 61},
		},
		Body: []byte(`{"event":"quiz.submitted","companyId":"acme","data":{"quizName":"Intro <1>","score":61,"userId":"a@b"}}`),
	}}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRequest_ofData(t *testing.T) {
	for name, c := range map[string]struct {
		expressions map[string]string
		body, want  string
	}{
		"a missing value leaves its field out": {
			map[string]string{"data.userId": "body.user.id", "data.score": "body.score"},
			`{"score":1}`, `{"score":1}`,
		},
		"null leaves its field out": {
			map[string]string{"data.userId": "body.user", "data.score": "body.score"},
			`{"user":null,"score":1}`, `{"score":1}`,
		},
		"a bad value is named": {
			map[string]string{"data.score": "float(body.score)"},
			`{"score":"n/a"}`, `unmapped: data.score: `,
		},
		"all missing is an event without data": {
			map[string]string{"data.score": "body.score"}, `{}`, `{}`,
		},
		"a whole object": {
			map[string]string{"data": "body.payload"},
			`{"payload":{"userId":"u1","deep":{"a":[1,{"b":null}]}}}`, `{"deep":{"a":[1,{"b":null}]},"userId":"u1"}`,
		},
		"no object": {
			map[string]string{"data": "body.payload"}, `{"payload":[1]}`, `unmapped: data: body.payload is not an object`,
		},
		"no data": {
			map[string]string{"data": "body.payload"}, `{}`, `unmapped: data: `,
		},
		"numbers stay exact": {
			map[string]string{"data": "body"},
			`{"a":9007199254740993,"b":9223372036854775807,"c":123456789012345678901234567890,"d":0.1,"e":-0}`,
			`{"a":9007199254740993,"b":9223372036854775807,"c":"123456789012345678901234567890","d":0.1,"e":0}`,
		},
		"a number that cannot be calculated with is named": {
			map[string]string{"data.n": "body.n"},
			`{"n":1e400}`,
			`unmapped: data.n: body.n is the number 1e400, too large to calculate with`,
		},
		"an event type that is not a text": {
			map[string]string{
				"event": "body.type",
				"data":  "body",
			}, `{"type":1}`, `unmapped: event: body.type gives no text`,
		},
		"an empty event type": {
			map[string]string{
				"event": "body.type",
				"data":  "body",
			}, `{"type":""}`, `unmapped: event: body.type gives no text`,
		},
		"no event type": {
			map[string]string{"event": "body.type", "data": "body"}, `{}`, `unmapped: event: `,
		},
		"a company that is not a text": {
			map[string]string{
				"company": "body.company",
				"data":    "body",
			}, `{"company":7}`, `unmapped: company: body.company gives no text`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.expressions["event"] == "" {
				c.expressions["event"] = `"quiz.submitted"`
			}
			made := request(mapping(t, false, c.expressions), c.body)
			if len(made) != 1 {
				t.Fatalf("%d events", len(made))
			}
			if got := summary(made[0]); got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got,
				c.want) && got != c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if made[0].Reason != "" && string(made[0].Body) != c.body {
				t.Errorf("of what cannot be used %s is kept, not what came", made[0].Body)
			}
		})
	}
}

// What a number was is what the body of the event says, to the digit.
func TestRequest_theBodyHasTheExactNumbers(t *testing.T) {
	m := mapping(t, false, map[string]string{"event": `"x"`, "data": "body"})
	const body = `{"a":123456789012345678901234567890,"b":9223372036854775807,"c":1e400,"d":-0.5}`
	made := request(m, body)[0]
	if want := `{"event":"x","data":` + body + `}`; string(made.Body) != want {
		t.Errorf("the body is %s, want %s", made.Body, want)
	}
}

func TestRequest_ofBodiesThatAreNoJSON(t *testing.T) {
	m := mapping(t, false, map[string]string{"event": `"x"`, "data.a": "body"})
	for body, want := range map[string]event.Fault{
		"{\"a\":\"\xff\"}":      event.FaultNotUTF8,
		``:                      event.FaultNotJSON,
		`{"a":`:                 event.FaultNotJSON,
		`{"a":1} x`:             event.FaultNotJSON,
		`{"a":1,"a":2}`:         event.FaultDuplicateKey,
		`{"b":{"a":1,"a":2}}`:   event.FaultDuplicateKey,
		strings.Repeat("[", 65): event.FaultTooDeep,
	} {
		made := request(m, body)
		if len(made) != 1 || made[0].Reason != string(want) || made[0].Detail == "" ||
			string(made[0].Body) != body || len(made[0].ID) != 64 {
			t.Errorf("%q: %+v, want %s", body, made, want)
		}
	}
	// What is deep enough for a body may be too deep once it is within the event.
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	if made := request(m, deep); len(made) != 1 || made[0].Reason != Unmapped || !strings.HasPrefix(made[0].Detail,
		"data: ") {
		t.Errorf("64 lists within each other: %+v", made)
	}
}

func TestRequest_ofIDs(t *testing.T) {
	m := mapping(t, false, map[string]string{"event": `"x"`, "id": "body.id", "data": "{}"})
	const bad = "id: body.id gives no text or number of 1 to 256 printable characters"
	for body, want := range map[string]string{
		`{"id":"a/b ü"}`:          "a/b ü",
		`{"id":17}`:               "17",
		`{"id":-0.5}`:             "-0.5",
		`{"id":0.12345678}`:       "0.12345678",
		`{"id":9007199254740993}`: "9007199254740993",
		`{"id":"` + strings.Repeat("x", 256) + `"}`: strings.Repeat("x", 256),
		`{"id":"` + strings.Repeat("x", 257) + `"}`: bad,
		`{"id":"` + strings.Repeat("ü", 129) + `"}`: bad,
		`{"id":""}`:              bad,
		`{"id":"a\nb"}`:          bad,
		`{"id":"a\u0000"}`:       bad,
		`{"id":"\u202e"}`:        bad,
		`{"id":"\ud800"}`:        bad, // half of a pair
		`{"id":true}`:            bad,
		`{"id":["a"]}`:           bad,
		`{"id":{}}`:              bad,
		`{"id":"heed.notice-1"}`: "id: body.id gives heed.notice-1, and ids that begin with heed. are heed's own",
		`{"id":"heed.timed-1"}`:  "id: body.id gives heed.timed-1, and ids that begin with heed. are heed's own",
		`{"id":"heedful"}`:       "heedful",
	} {
		made := request(m, body)[0]
		got := made.ID
		if made.Reason != "" {
			got = made.Detail
			if len(made.ID) != 64 {
				t.Errorf("%s: it is stored under %q", body, made.ID)
			}
		}
		if got != want || made.Reason == "" && made.Event.ID != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	if made := request(m, `{}`)[0]; made.Reason != Unmapped || !strings.HasPrefix(made.Detail, "id: ") {
		t.Errorf("without one: %+v", made)
	}
}

func TestRequest_ofTimes(t *testing.T) {
	m := mapping(t, false, map[string]string{"event": `"x"`, "at": "body.at", "data": "{}"})
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for value, want := range map[string]time.Time{
		`"2026-03-01T12:00:00Z"`:         at("2026-03-01T12:00:00Z"),
		`"2026-03-01T12:00:00.25+05:30"`: at("2026-03-01T06:30:00.25Z"),
		`"2026-03-01"`:                   at("2026-03-01T00:00:00Z"),
		`1767225600`:                     at("2026-01-01T00:00:00Z"),
		`1767225600.5`:                   at("2026-01-01T00:00:00.5Z"),
		`1767225600500`:                  at("2026-01-01T00:00:00.5Z"),
		`1767225600500.0`:                at("2026-01-01T00:00:00.5Z"),
		`0`:                              at("1970-01-01T00:00:00Z"),
		`99999999999`:                    at("5138-11-16T09:46:39Z"),
		`100000000000`:                   at("1973-03-03T09:46:40Z"),
		`-1`:                             {},
		`1e14`:                           {},
		`9223372036854775807`:            {},
		`1e300`:                          {},
		`1e400`:                          {},
		`"1767225600"`:                   {},
		`"1969-12-31T23:59:59Z"`:         {},
		`"0001-01-01T00:00:00Z"`:         {},
		`"9999-12-31T23:59:59-23:00"`:    {}, // year 10000 at Greenwich
		`"2026-02-30T00:00:00Z"`:         {},
		`"yesterday"`:                    {},
		`""`:                             {},
		`true`:                           {},
		`[]`:                             {},
	} {
		made := request(m, `{"at":`+value+`}`)[0]
		if want.IsZero() != (made.Reason != "") || !made.At.Equal(want) || made.Reason != "" &&
			!strings.HasPrefix(made.Detail, "at: ") {
			t.Errorf("%s: at %s, %s %s, want %s", value, made.At, made.Reason, made.Detail, want)
		}
		if made.At.Location() != time.UTC {
			t.Errorf("%s: at %s", value, made.At)
		}
	}
	m = mapping(t, true, map[string]string{
		"event": `"x"`, "at": `date(row["Submitted"], "2006-01-02 15:04", "Asia/Kolkata")`, "data": "{}",
	})
	for text, want := range map[string]string{
		"2026-03-01 10:00": "2026-03-01 04:30:00 +0000 UTC", "1. 3. 2026": "",
		"": "",
	} {
		made := m.Row(Row{[]string{"Submitted"}, []string{text}})
		if (made.Reason == "") != (want != "") || want != "" && made.At.String() != want {
			t.Errorf("%q: %s, %s %s", text, made.At, made.Reason, made.Detail)
		}
	}
}

func TestUnix_absurdValues(t *testing.T) {
	for _, n := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1e300, 1e300, 1e14, -0.001} {
		if at, ok := unix(n); ok {
			t.Errorf("%v is %s", n, at)
		}
	}
}

func TestRequest_ofLists(t *testing.T) {
	m := mapping(t, false, map[string]string{
		"each": "body.events", "event": "item.type", "id": "item.id",
		"data.n": "int(item.n)",
	})
	if made := request(m, `{"events":[]}`); len(made) != 0 {
		t.Errorf("an empty list: %+v", made)
	}
	var got []string
	for _, made := range request(m,
		`{"events":[{"type":"a","id":1,"n":"1"},{"type":"b","id":"","n":"2"},{"type":"c","id":3,"n":"x"},7,{"type":"d","id":4}]}`) {
		text := summary(made)
		if made.Reason == "" {
			text = made.ID + " " + made.Event.Type + " " + text
		}
		got = append(got, text)
	}
	for i, want := range []string{
		`1 a {"n":1}`, "unmapped: element 2: id: ", "unmapped: element 3: data.n: ", "unmapped: element 4: id: ", `4 d {}`,
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("element %d: %v, want %s", i+1, got, want)
		}
	}
	many := `{"events":[0` + strings.Repeat(",0", 10_000) + `]}`
	for body, want := range map[string]string{
		`{"events":{"a":1}}`: "each: body.events is not a list",
		`{"events":"x"}`:     "each: body.events is not a list",
		`{}`:                 "each: ",
		`[]`:                 "each: ",
		many:                 "each: body.events has 10001 elements, more than 10000",
	} {
		made := request(m, body)
		if len(made) != 1 || made[0].Reason != Unmapped || !strings.HasPrefix(made[0].Detail, want) ||
			string(made[0].Body) != body {
			t.Errorf("%.50s: %d events, %.200s", body, len(made), fmt.Sprint(made))
		}
	}
	if made := request(m, strings.Replace(many, ",0", "", 1)); len(made) != 10_000 {
		t.Errorf("%d events of 10000", len(made))
	}
	nested := mapping(t, false, map[string]string{
		"each": `flatten(map(body.groups, #.events))`, "event": `"x"`,
		"data.n": "item",
	})
	if made := request(nested, `{"groups":[{"events":[1,2]},{"events":[3]}]}`); len(made) != 3 ||
		summary(made[2]) != `{"n":3}` {
		t.Errorf("lists within lists: %+v", made)
	}
}

// The events of a request may not take a thousand times its memory.
func TestRequest_eventsOfAllElementsAreBounded(t *testing.T) {
	m := mapping(t, false, map[string]string{"each": "body.list", "event": `"x"`, "data": "body"})
	body := func(elements int) string {
		return `{"filler":"` + strings.Repeat("x", maxMade/10) + `","list":[0` + strings.Repeat(",1", elements-1) + `]}`
	}
	if made := request(m, body(9)); len(made) != 9 || made[8].Reason != "" {
		t.Errorf("%d events, %s", len(made), made[0].Detail)
	}
	if made := request(m, body(1000)); len(made) != 1 || made[0].Reason != Unmapped || string(made[0].Body) != body(1000) {
		t.Errorf("%d events, %s", len(made), made[0].Detail)
	}
}

// Without an id what is the same has the same one, however its keys are ordered.
func TestMapping_idsOfContent(t *testing.T) {
	m := mapping(t, false, map[string]string{"each": "body", "event": `"x"`, "data": "item"})
	made := request(m,
		`[{"a":1,"b":{"c":2,"d":"<é>"}},{"b":{"d":"<\u00e9>","c":2},"a":1},{"a":1,"b":{"c":2,"d":"<e>"}}]`)
	if made[0].ID != made[1].ID || made[0].ID == made[2].ID || len(made[0].ID) != 64 {
		t.Errorf("ids %s, %s, %s", made[0].ID, made[1].ID, made[2].ID)
	}
	rows := mapping(t, true, map[string]string{"event": `"x"`, "data.a": "row.a"})
	one := rows.Row(Row{[]string{"a", "b"}, []string{"1", "2"}})
	other := rows.Row(Row{[]string{"b", "a"}, []string{"2", "1"}})
	if one.ID != other.ID {
		t.Error("columns in another order make another row")
	}
	if third := rows.Row(Row{[]string{"a", "b"}, []string{"1", "3"}}); third.ID == one.ID {
		t.Error("another cell makes the same row")
	}
}

func TestRowID_isThatOfTheRow(t *testing.T) {
	for _, m := range []*Mapping{
		mapping(t, true, map[string]string{"event": `"x"`, "data.a": "row.a"}),
		mapping(t, true, map[string]string{"event": `"x"`, "id": `row.a + "/" + row.b`, "data.a": "row.a"}),
	} {
		row := Row{[]string{"a", "b"}, []string{"1", "2"}}
		if id, made := m.RowID(row), m.Row(row); id != made.ID || id == "" {
			t.Errorf("RowID is %q, Row's %q", id, made.ID)
		}
	}
	m := mapping(t, true, map[string]string{"event": `"x"`, "id": `row.a + "/" + row.b`, "data.a": "row.a"})
	row := Row{[]string{"a", "b"}, []string{"1", ""}}
	if id, made := m.RowID(row), m.Row(row); id != "" || made.Reason != Unmapped || !strings.HasPrefix(made.Detail,
		"id: ") || len(made.ID) != 64 {
		t.Errorf("a row without an id: %q, %+v", id, made)
	}
}

func TestRow_aCellThatIsNoNumberSaysSo(t *testing.T) {
	m := mapping(t, true, map[string]string{"event": `"x"`, "id": "row.id", "data.score": "float(row.score)"})
	made := m.Row(Row{[]string{"id", "score"}, []string{"r1", "n/a"}})
	if made.ID != "r1" || made.Reason != Unmapped || !strings.HasPrefix(made.Detail, "data.score: ") ||
		string(made.Body) != `{"id":"r1","score":"n/a"}` {
		t.Errorf("%+v, body %s", made, made.Body)
	}
}

func TestAllows(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		act  Act
		at   time.Time
		want bool
	}{
		{Act{}, now.Add(-1e6 * time.Hour), true},
		{Act{Never: true}, now, false},
		{Act{Since: now}, now, true},
		{Act{Since: now}, now.Add(-time.Nanosecond), false},
		{Act{Within: time.Hour}, now.Add(-time.Hour), true},
		{Act{Within: time.Hour}, now.Add(-time.Hour - time.Nanosecond), false},
		{Act{Within: time.Hour}, now.Add(time.Hour), true},
	} {
		if got := c.act.Allows(c.at, now); got != c.want {
			t.Errorf("%+v at %s: %t", c.act, c.at, got)
		}
	}
}

// A mapping that looks at all elements for each of them must not keep a request
// busy for seconds.
func TestRequest_workOfAllElementsIsBounded(t *testing.T) {
	body := `{"e":[` + strings.Repeat("1,", 9999) + `1]}`
	m := mapping(t, false, map[string]string{
		"each": "body.e", "event": `"quiz.submitted"`, "id": "string(len(filter(body.e, # != item)))", "data": `{"a": 1}`,
	})
	made := m.Request([]byte(body), nil, nil)
	if last := made[len(made)-1]; len(made) != 10_000 || !strings.Contains(last.Detail, "more work") {
		t.Errorf("the last of %d is %+v", len(made), last)
	}
}
