package expression

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"heed/engine/event"
)

// known are facts for tests; it counts what it is asked.
type known struct {
	facts   Recorded
	queries int
}

func (k *known) Resolve(q Query) any {
	k.queries++
	return k.facts.Resolve(q)
}

func everything() *known {
	return &known{facts: Recorded{
		{Query{AboutUser, "", "u1"}, Cells{"email": "u1@example.com", "role": "rep", "active": true}},
		{Query{AboutLookup, "managers", "u1"}, Cells{"userId": "u1", "email": "boss@example.com", "phone": nil}},
		{Query{AboutProgress, "u1", "m1"}, 80},
		{Query{AboutRank, "u1", "score"}, 3},
	}}
}

func factScope() *Scope {
	s := NewScope([]*event.Type{wide})
	s.SetTables(Tables{"managers": {Columns: []string{"userId", "email", "phone"}, Key: "userId"}, "unread": {}})
	return s
}

func TestCondition_looksUpBeyondTheEvent(t *testing.T) {
	for text, want := range map[string]string{
		`user.email == "u1@example.com"`:                              "true",
		`user.role == "manager"`:                                      "false",
		`user.active and data.score < 70`:                             "true",
		`user.teamId == "north"`:                                      "unknown: user.teamId is missing",
		`(user.teamId ?? "none") == "none"`:                           "true",
		`user != nil`:                                                 "true",
		`user?.email endsWith "@example.com"`:                         "true",
		`lookup("managers", data.userId).email == "boss@example.com"`: "true",
		`lookup("managers", data.userId)["email"] contains "boss"`:    "true",
		`lookup("managers", data.userId).phone == "1"`:                `unknown: lookup("managers", data.userId).phone is missing`,
		`lookup("managers", data.quizId).email == "x"`:                `unknown: "managers" has no row for "q7"`,
		`lookup("managers", data.quizId) == nil`:                      "true",
		`lookup("managers", data.region).email == "x"`:                "unknown: data.region is missing",
		`lookup("unread", data.userId).anything == "x"`:               `unknown: "unread" has no row for "u1"`,
		`progress(data.userId, "m1") >= 80`:                           "true",
		`progress(data.userId, "m2") >= 80`:                           `unknown: no progress of "u1" in "m2" is known`,
		`progress(data.userId, "m2") == nil`:                          "true",
		`rank(data.userId, "score") <= 3`:                             "true",
		`rank(data.userId, "time") <= 3`:                              `unknown: "u1" has no place by "time" yet`,
		`any(["m1", "m2"], progress(data.userId, #) == 80)`:           "true",
		`let m = "m1"; progress(data.userId, m) == 80`:                "true",
		`user.role in ["rep", "lead"] and lookup("managers", data.userId).email != nil and rank(data.userId, "score") < 2`: "false",
	} {
		c, problems := regional().Condition(text)
		if c == nil || len(problems) > 0 {
			t.Errorf("%s: %+v", text, problems)
			continue
		}
		env := env(t, `{"userId":"u1","quizId":"q7","score":61}`)
		env.SetLookups(&LookupLog{Resolver: everything()}, nil)
		got, reason := c.Eval(env)
		if reason != "" {
			reason = ": " + reason
		}
		if string(got)+reason != want {
			t.Errorf("%s is %s%s, want %s", text, got, reason, want)
		}
	}
}

// regional is factScope with one more field.
func regional() *Scope {
	region := *wide
	region.Fields = append(append([]event.Field{}, wide.Fields...), event.Field{Name: "region", Kind: event.Text})
	s := NewScope([]*event.Type{&region})
	s.SetTables(Tables{"managers": {Columns: []string{"userId", "email", "phone"}, Key: "userId"}, "unread": {}})
	return s
}

func TestEnv_withoutResolverNothingIsKnown(t *testing.T) {
	c, _ := factScope().Condition(`user.role == "rep"`)
	got, reason := c.Eval(env(t, `{"userId":"u1"}`))
	if got != Undecided || reason != `nothing is known of the user "u1"` {
		t.Errorf("%s: %s", got, reason)
	}
	if _, reason := c.Eval(env(t, `{"userId":7}`)); reason != "data.userId is the number 7, not a text" {
		t.Error(reason)
	}
	if _, reason := c.Eval(env(t, `{}`)); reason != "data.userId is missing" {
		t.Error(reason)
	}
}

// Each question is asked once for an event, and what was asked explains the
// decision when the answers are others.
func TestLookupLog_keepsAnswers(t *testing.T) {
	c, problems := factScope().Condition(`user.role == "rep" and user.active and lookup("managers", data.userId).email != "x" and rank(data.userId, "score") < 9`)
	if c == nil {
		t.Fatal(problems)
	}
	facts, first := everything(), env(t, `{"userId":"u1"}`)
	log := &LookupLog{Resolver: facts}
	first.SetLookups(log, nil)
	for range 2 {
		if got, reason := c.Eval(first); got != True {
			t.Fatal(got, reason)
		}
	}
	if facts.queries != 3 {
		t.Errorf("asked %d times", facts.queries)
	}
	text, err := json.Marshal(log.Answers)
	if err != nil {
		t.Fatal(err)
	}
	var recorded Recorded
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	later := env(t, `{"userId":"u1"}`)
	later.SetLookups(&LookupLog{Resolver: recorded}, nil)
	if got, reason := c.Eval(later); got != True {
		t.Errorf("%s: %s", got, reason)
	}
	if !reflect.DeepEqual(c.Explain(later), c.Explain(first)) {
		t.Errorf("explained as %+v, not %+v", c.Explain(later), c.Explain(first))
	}
	values := c.Explain(later).Clauses[2].Values
	if values[`lookup("managers", data.userId).email`] != "boss@example.com" || values["data.userId"] != "u1" {
		t.Errorf("the clause shows %v", values)
	}
}

func TestLookupLog_isBounded(t *testing.T) {
	c, _ := factScope().Condition(`any(data.tags, progress(data.userId, #) > 1)`)
	tags := make([]string, 500)
	for i := range tags {
		tags[i] = fmt.Sprintf(`"m%d"`, i)
	}
	e := env(t, `{"userId":"u1","tags":[`+strings.Join(tags, ",")+`]}`)
	log := new(LookupLog)
	e.SetLookups(log, nil)
	got, reason := c.Eval(e)
	if got != Failed || !strings.Contains(reason, "more than 200 things") || len(log.Answers) != 200 {
		t.Errorf("%s: %s, %d asked", got, reason, len(log.Answers))
	}
}

func TestCheck_wrongLookupsHaveAPlaceAndAHint(t *testing.T) {
	for text, want := range map[string]string{
		`user.emial == "x"`:    `5-10 unknown-field a user has no emial | did you mean user.email?`,
		`user.team == "x"`:     `5-9 unknown-field a user has no team | it has email, name, role, teamId, manager, active`,
		`user == "u1"`:         `0-4 bare-record user is a person, not a value | write user.email, user.name, user.role, user.teamId, user.manager or user.active; data.userId for the id; user != nil to ask whether the person is known`,
		`user.active == "yes"`: `12-14 type-mismatch == cannot be used between true or false and a text | write data.passed for true, not data.passed for false; a text, such as a table's cell, is compared with a text`,
		`lookup("managers", data.userId).emali == "x"`:  `32-37 unknown-column the table managers has no column emali | did you mean email?`,
		`lookup("manager", data.userId).email == "x"`:   `7-16 unknown-table unknown table manager | did you mean managers?`,
		`lookup(managers, data.userId).email == "x"`:    `7-15 unknown-table the name of the table is written in quotes | write lookup("managers", data.userId).email`,
		`lookup("managers", data.userId) == "x"`:        `0-6 bare-record lookup gives a row, not a value | write the column behind it: lookup("managers", data.userId).email`,
		`lookup("managers").email == "x"`:               `0-6 type-mismatch an argument is missing in the brackets | write lookup("managers", data.userId).email`,
		`lookup("managers", data.score).email == "x"`:   `24-29 type-mismatch lookup takes a text here, not a number | make a text of the number: string(data.score)`,
		`lookup("managers", data.userId).phone == true`: `38-40 type-mismatch == cannot be used between a text and true or false | write data.passed for true, not data.passed for false; a text, such as a table's cell, is compared with a text`,
		`lookup("managers", data.userId).email > 5`:     "38-39 type-mismatch > cannot be used between a text and a number | " + numberAndText,
		`rank(data.userId, "scores") < 3`:               `18-26 unknown-ranking users are ranked by progress, time, score, completions | did you mean score?`,
		`rank(data.userId, data.quizId) < 3`:            `23-29 unknown-ranking users are ranked by progress, time, score, completions | write rank(data.userId, "score")`,
		`progress(data.userId) < 3`:                     `0-8 type-mismatch an argument is missing in the brackets | write progress(data.userId, "m-77")`,
	} {
		c, problems := factScope().Condition(text)
		if c != nil || len(problems) == 0 {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		f := problems[0]
		if got := fmt.Sprintf("%d-%d %s %s | %s", f.From, f.To, f.Code, f.Message, f.Hint); got != want || len(problems) > 1 {
			t.Errorf("%s\n got %s\nwant %s (%d problems)", text, got, want, len(problems))
		}
	}
	s := NewScope([]*event.Type{{Name: "room.booked", Fields: []event.Field{{Name: "room", Kind: event.Text}}}})
	if _, problems := s.Condition(`user.email == "x"`); len(problems) != 1 || problems[0].Code != "no-user" {
		t.Errorf("%+v", problems)
	}
	if _, problems := s.Condition(`lookup("rooms", data.room).floor == "1"`); len(problems) != 1 || !strings.Contains(problems[0].Hint, "lookups: {rooms: {file: rooms.csv") {
		t.Errorf("%+v", problems)
	}
}

// What was not looked up is not missing, and does not use up lookups.
func TestReplayed_whatWasNotLookedUpIsNotMissing(t *testing.T) {
	var asked Replayed
	for i := range maxAnswers {
		asked = append(asked, Answer{Query{AboutProgress, "u1", fmt.Sprint("m", i)}, 1})
	}
	asked[0].Value = nil
	e := env(t, `{"userId":"u1"}`)
	log := &LookupLog{Resolver: asked}
	e.SetLookups(log, nil)
	for text, want := range map[string]string{
		`user.role == "rep"`:               "unknown: the decision did not need it, so it was not looked up",
		`user == nil`:                      "unknown: the decision did not need it, so it was not looked up",
		`progress(data.userId, "m0") > 1`:  `unknown: no progress of "u1" in "m0" is known`,
		`progress(data.userId, "m1") == 1`: "true: ",
	} {
		c, problems := factScope().Condition(text)
		if c == nil {
			t.Fatal(problems)
		}
		if got, reason := c.Eval(e); fmt.Sprintf("%s: %s", got, reason) != want {
			t.Errorf("%s is %s: %s, want %s", text, got, reason, want)
		}
	}
	if len(log.Answers) != 2 {
		t.Errorf("%d questions were used up", len(log.Answers))
	}
}

// What is asked is kept with the event, so neither an event nor a table can
// make it as long as they like.
func TestLookupLog_boundsWhatItKeeps(t *testing.T) {
	c, _ := factScope().Condition(`user.role == "rep" or progress(data.userId, "m1") > 1 or rank(data.userId, "score") > 1`)
	e, log := env(t, `{"userId":"`+strings.Repeat("<", 500_000)+`"}`), &LookupLog{Resolver: everything()}
	e.SetLookups(log, nil)
	if got, reason := c.Eval(e); got != Undecided || !strings.HasSuffix(reason, "is too long to look anything up by") || len(reason) > 200 || len(log.Answers) != 0 {
		t.Errorf("a huge id is %s: %s, %d asked", got, reason, len(log.Answers))
	}
	c, _ = factScope().Condition(`any(["u1", "u2", "u3"], lookup("managers", #).email == "x")`)
	var facts Recorded
	for _, key := range []string{"u1", "u2", "u3"} {
		facts = append(facts, Answer{Query{AboutLookup, "managers", key}, Cells{"email": strings.Repeat("x", 200_000)}})
	}
	log = &LookupLog{Resolver: facts}
	e.SetLookups(log, nil)
	if got, reason := c.Eval(e); got != Failed || reason != "the rules look up more than 256 KiB about this event" || len(log.Answers) != 1 {
		t.Errorf("huge rows are %s: %s, %d asked", got, reason, len(log.Answers))
	}
}
