package ruletest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"heed/engine/expression"
	"heed/engine/rulefile"
	"heed/engine/ruletest"
)

const askingRules = `
lookups:
  managers: {file: managers.csv, key: userId}
actions:
  console: {log: {}}
rules:
  - name: told
    on: quiz.submitted
    when: data.score < 70 and lookup("managers", data.userId) != nil
    do: [{action: console, text: "{{ lookup('managers', data.userId).email }} {{ user.role }} {{ progress(data.userId, data.quizId) }} {{ rank(data.userId, 'score') }} {{ lookup('managers', user.email ?? 'nobody').region }} {{ lookup('managers', data.userId).notes }}"}]
  - name: active
    on: quiz.submitted
    when: user.active and progress(data.userId, "m1") >= 50
    do: [{action: console, text: "{{ progress('another', 'm1') }}"}]
  - name: asks-nothing
    on: quiz.submitted
    do: [{action: console, text: "{{ data.score }}"}]
`

func writeAskingRules(t *testing.T) rulefile.File {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "managers.csv"), []byte("userId,email,region,notes,salary\nu-1042,nora@example.com,emea,nora looks after u-1042,98000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return rulefile.File{Name: filepath.Join(dir, "rules.yaml"), Text: []byte(askingRules)}
}

func TestACapturedTestIsGivenWhatItsRuleAsks(t *testing.T) {
	rules := writeAskingRules(t)
	loaded := compile(t, rules)
	fixture := ruletest.Fixture{
		File: "quiz.json",
		Body: []byte(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u-1042","quizId":"q1","score":50}}`),
		Facts: expression.Recorded{
			{Query: expression.Query{About: expression.AboutUser, Key: "u-1042"}, Value: expression.Cells{"email": "maya@example.com", "role": "rep", "active": true}},
			{Query: expression.Query{About: expression.AboutProgress, Of: "u-1042", Key: "q1"}, Value: 12.5},
			{Query: expression.Query{About: expression.AboutProgress, Of: "u-1042", Key: "m1"}, Value: 80},
			{Query: expression.Query{About: expression.AboutProgress, Of: "another", Key: "m1"}, Value: 3},
			{Query: expression.Query{About: expression.AboutRank, Of: "u-1042", Key: "score"}, Value: 2},
			{Query: expression.Query{About: expression.AboutLookup, Of: "managers", Key: "maya@example.com"}, Value: expression.Cells{"region": "apac"}},
		},
	}
	for _, c := range []struct {
		keepPersonal bool
		want, never  string
	}{
		{true, `
      user:
        active: true
        email: maya@example.com
        role: rep
      progress:
        q1: 12.5
      rank:
        score: 2
      lookups:
        managers:
          u-1042:
            email: nora@example.com
            region: emea
            notes: nora looks after u-1042
          maya@example.com:
            region: apac
    expect:
      outcome: matched
      actions:
        - action: console
          level: info
          text: nora@example.com rep 12.5 2 apac nora looks after u-1042
`, "another: "},
		{false, `
      user:
        active: true
        email: person-2@example.com
        role: rep
      progress:
        q1: 12.5
      rank:
        score: 2
      lookups:
        managers:
          user-1:
            email: person-1@example.com
            notes: nora looks after user-1
            region: emea
          person-2@example.com:
            region: apac
`, "u-1042"},
	} {
		tests, err := ruletest.Capture(loaded.Rules, []ruletest.Fixture{fixture}, "", c.keepPersonal, moment)
		if err != nil {
			t.Fatal(err)
		}
		file, err := ruletest.AddTests(rulefile.File{Name: "x_test.yaml"}, tests)
		if err != nil {
			t.Fatal(err)
		}
		got := string(file)
		at := strings.Index(got, "\n      user:")
		if at < 0 || !strings.HasPrefix(got[at:], c.want) {
			t.Error(cmp.Diff(c.want, got))
		}
		if strings.Contains(got, c.never) {
			t.Errorf("%q is in\n%s", c.never, got)
		}
		if asksNothing := got[strings.Index(got, "rule: asks-nothing"):]; strings.Contains(asksNothing, "user:") || strings.Contains(asksNothing, "lookups:") {
			t.Errorf("given more than the rule asks\n%s", asksNothing)
		}
		checkAllPass(t, rules, file, 3)
	}
}

func TestAnyCapturedTestWithAnswersPasses(t *testing.T) {
	rules := writeAskingRules(t)
	loaded := compile(t, rules)
	ids := rapid.SampledFrom([]string{
		"u-1042", "u1", "Maya@example.com", "maya@example.com", "", "2026-01-02", "~",
		"another",
	})
	text := rapid.OneOf(rapid.String(), ids)
	cells := func(columns ...string) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			record := expression.Cells{}
			for _, c := range columns {
				if rapid.Bool().Draw(t, "has "+c) {
					record[c] = text.Draw(t, c)
				}
			}
			return record
		})
	}
	number := rapid.OneOf(rapid.IntRange(-1, 1e6).AsAny(), rapid.Float64Range(0, 1e9).AsAny())
	fact := rapid.Custom(func(t *rapid.T) expression.Answer {
		switch rapid.SampledFrom([]expression.Topic{expression.AboutUser, expression.AboutProgress, expression.AboutRank, expression.AboutLookup}).Draw(t, "about") {
		case expression.AboutUser:
			record := cells("email", "role", "teamId").Draw(t, "user").(expression.Cells)
			record["active"] = rapid.Bool().Draw(t, "active")
			return expression.Answer{Query: expression.Query{About: expression.AboutUser, Key: ids.Draw(t, "id")}, Value: record}
		case expression.AboutProgress:
			return expression.Answer{Query: expression.Query{About: expression.AboutProgress, Of: ids.Draw(t, "id"), Key: rapid.SampledFrom([]string{"m1", "q1"}).Draw(t, "module")}, Value: number.Draw(t, "percent")}
		case expression.AboutRank:
			return expression.Answer{Query: expression.Query{About: expression.AboutRank, Of: ids.Draw(t, "id"), Key: "score"}, Value: number.Draw(t, "place")}
		default:
			return expression.Answer{Query: expression.Query{About: expression.AboutLookup, Of: "managers", Key: ids.Draw(t, "key")}, Value: cells("userId", "email", "region", "notes").Draw(t, "row")}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		body, err := json.Marshal(map[string]any{"event": "quiz.submitted", "data": map[string]any{
			"userId": ids.Draw(t, "userId"), "quizId": "q1", "score": rapid.IntRange(0, 100).Draw(t, "score"),
		}})
		if err != nil {
			t.Fatal(err)
		}
		fixture := ruletest.Fixture{File: "quiz.json", Body: body, Facts: expression.Recorded(rapid.SliceOfN(fact, 0, 12).Draw(t, "facts"))}
		tests, err := ruletest.Capture(loaded.Rules, []ruletest.Fixture{fixture}, "", rapid.Bool().Draw(t, "keep"), moment)
		if err != nil {
			t.Fatal(err)
		}
		file, err := ruletest.AddTests(rulefile.File{Name: "x_test.yaml"}, tests)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := ruletest.AddTests(rulefile.File{Name: "x_test.yaml", Text: file}, tests)
		if err != nil {
			t.Fatal(err)
		}
		checkAllPass(t, rules, twice, 6)
	})
}
