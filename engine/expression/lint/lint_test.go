package lint

import (
	"strings"
	"testing"

	"heed/engine/event"
	"heed/engine/expression"
)

// quiz is a type with a field of every kind beside those of a quiz.
var quiz = func() *event.Type {
	catalog, err := event.Standard().With(event.Type{Name: "quiz.submitted", Fields: []event.Field{
		{Name: "tags", Kind: event.List}, {Name: "extra", Kind: event.Object}, {Name: "at", Kind: event.Time}, {Name: "free", Kind: event.Any},
	}})
	if err != nil {
		panic(err)
	}
	return catalog.Lookup("quiz.submitted")
}()

// scopeOf is a scope with a table.
func scopeOf(types ...*event.Type) *expression.Scope {
	s := expression.NewScope(types)
	s.SetTables(expression.Tables{"managers": {Columns: []string{"userId", "email"}, Key: "userId"}})
	return s
}

// tree checks an expression that must have no errors.
func tree(t testing.TB, s *expression.Scope, text string, use Use) *expression.Tree {
	t.Helper()
	check := s.Check
	if use == Condition {
		check = s.CheckCondition
	}
	tree, problems := check(text)
	if tree == nil {
		t.Fatalf("%s: %+v", text, problems)
	}
	return tree
}

// expectHints lints expressions. Each must have no problem, if the hint is empty,
// or one, whose hint starts so.
func expectHints(t *testing.T, s *expression.Scope, use Use, hints map[string]string) {
	t.Helper()
	for text, want := range hints {
		problems := Tree(tree(t, s, text, use), use)
		switch {
		case want == "" && len(problems) > 0:
			t.Errorf("%s: %+v, want nothing", text, problems)
		case want != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0].Hint, want) || !problems[0].Warning):
			t.Errorf("%s: %+v, want one with the hint %q", text, problems, want)
		}
	}
}

func TestTree_looksAtConditionsAndValues(t *testing.T) {
	s := scopeOf(quiz)
	expectHints(t, s, Value, map[string]string{`data.quizName == "a "`: "", `user.email == ""`: "write user.email == nil"})
	expectHints(t, s, Condition, map[string]string{`data.quizName == "a "`: `write "a"`, `user.email == ""`: "write user.email == nil"})
}

func TestTemplate_placesAreThoseOfTheTemplate(t *testing.T) {
	text := `ä {{ hour(now) }}, {{ data.userId }}`
	checked, problems := scopeOf(quiz).CheckTemplate(text)
	if checked == nil {
		t.Fatal(problems)
	}
	problems = Template(checked, false)
	if len(problems) != 1 || string([]rune(text)[problems[0].From:problems[0].To]) != "hour" {
		t.Errorf("%+v", problems)
	}
}

// A warning that is wrong teaches people not to read warnings.
func TestTree_soundConditionsHaveNoProblem(t *testing.T) {
	for _, text := range []string{
		`format(data.at, "04:05", "UTC") == "10:30"`,
		`format(data.at, "2006-01-02T15:04:05-07:00", "UTC") startsWith "2026"`,
		`format(data.at, "2006-01-02T15:04:05Z07:00", "UTC") startsWith "2026"`,
		`format(data.at, "Mon 2 Jan", "UTC") == "Fri 27 Feb"`,
		`format(data.at, "Monday, 15:04", "UTC") == "Tuesday, 09:00"`,
		`format(data.at, "15:04", "UTC") < "24:00"`,
		`format(data.at, "2006-01-02", "UTC") endsWith "-01"`,
		`weekday(data.at, "UTC") startsWith "S"`,
		`weekday(data.at, "UTC") < "N"`,
		`upper(data.quizName) < "a"`,
		`data.at == date("2026-03-02")`,
		`data.quizName in ["Discovery, part 1", "Discovery, part 2"]`,
		`data.quizName matches "^/paths/(a|b)/x$"`,
		`data.quizName matches "/paths/intro"`,
		`data.quizName matches "100%$"`,
		`data.quizName matches "^%d"`,
		`data.quizName contains "100%"`,
		`data.quizName endsWith "50 %"`,
		`data.quizName startsWith "*"`,
		`data.quizName == "a * b"`,
		`"ä" != data.quizName and data.quizName != "äöü 1.000"`,
		`len(data) > 0`,
		`"score" in data and data.score < 70`,
		`"score" in data or data.passed`,
		`data.score > 9007199254740992 and data.score < 9007199254740994`,
		`data.score > 0.1 and data.score < 0.10000000000000003`,
		`data.score == 9007199254740993 and data.score != 9007199254740992`,
		`data.score != 9007199254740992 or data.score == 9007199254740993`,
		`user.role == "rep" or user.role != "rep"`,
		`any(["u1", "u2"], lookup("managers", #).email == "x")`,
		`rank("u1", "score") < 3`,
		`lookup("managers", data.userId).email != nil and data.userId == "u1"`,
	} {
		if problems := Tree(tree(t, scopeOf(quiz), text, Condition), Condition); len(problems) > 0 {
			t.Errorf("%s\n%+v", text, problems)
		}
	}
	for _, text := range []string{
		`event startsWith "quiz." and event contains "submit"`, `event != "quiz.submitted"`, `event > "m" and event < "q"`,
		`event == "a" or event == "b"`, `len(data) > 0 and data.x == 1`,
	} {
		if problems := Tree(tree(t, scopeOf(nil), text, Condition), Condition); len(problems) > 0 {
			t.Errorf("%s, of any type\n%+v", text, problems)
		}
	}
}

func FuzzTree(f *testing.F) {
	for _, seed := range []string{
		`data.score < 70 and data.score > 80`, `lookup("managers", data.userId)["email"] == ""`, `let x = data.score; x == x`,
		`format(now, data.quizName) == "x" or weekday(now) == ""`, `progress("m", data.userId) > 1..2`, `data.quizName matches "/x/i"`,
		`not (event == "a") and user.role in []`, `-9223372036854775807 < data.score or data.score in [1e308, 0.1]`, `hour(now, "UTC") == 1 ?? 2`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []*expression.Scope{scopeOf(quiz), scopeOf(nil), expression.ResponseScope()} {
			checked, _ := s.CheckCondition(text)
			if checked == nil {
				continue
			}
			for _, p := range append(Tree(checked, Condition), Tree(checked, Address)...) {
				if p.Message == "" || p.Code == "" || p.Hint == "" || !p.Warning || p.From < 0 || p.To < p.From {
					t.Errorf("%q: %+v", text, p)
				}
			}
		}
	})
}
