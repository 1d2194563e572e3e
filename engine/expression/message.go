package expression

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"

	"heed/engine/expression/syntax"
	"heed/engine/suggest"
)

// fromExpr turns an error of the expression library, which is meant for programmers, into
// a problem that rule authors understand.
func (s *Scope) fromExpr(text string, err error) Problem {
	runes := []rune(text)
	var at *file.Error
	if !errors.As(err, &at) {
		return Problem{To: len(runes), Code: "syntax", Message: err.Error()}
	}
	from := min(max(at.From, 0), len(runes))
	p := Problem{From: from, To: syntax.WordEnd(runes, from), Code: "syntax", Message: at.Message}
	for _, t := range translations {
		m := t.pattern.FindStringSubmatch(at.Message)
		if m == nil {
			continue
		}
		if t.code != "" {
			p.Code = t.code
		}
		p.Message, p.Hint = expand(t.message, m), expand(t.hint, m)
		if t.complete != nil {
			t.complete(s, &p, m)
		}
		break
	}
	if strings.HasPrefix(at.Message, "unexpected token EOF") {
		p.From, p.To = len(runes), len(runes)+1
	}
	if m := quotedField.FindStringSubmatch(text); m != nil && p.Code == "type-mismatch" {
		p.Hint = "write " + m[1] + " without quotes"
	}
	if p.Message == unclosedComment {
		_, p.From = comments(runes)
		p.To = p.From + 2
	}
	return p
}

// quotedField matches a field that was put in quotes.
var quotedField = regexp.MustCompile(`["'](data\.\w+)["']`)

const unclosedComment = "a comment that starts with /* is not closed"

// A translation is a message for an error of the library. In message and hint, {1} stands
// for the text of the first group, <1> for the same as a type in words.
type translation struct {
	pattern             *regexp.Regexp
	code, message, hint string
	complete            func(s *Scope, p *Problem, m []string)
}

func expand(template string, m []string) string {
	for i, group := range m[min(1, len(m)):] {
		digit := string(rune('1' + i))
		template = strings.NewReplacer("{"+digit+"}", group, "<"+digit+">", word(group)).Replace(template)
	}
	return template
}

func on(pattern, code, message, hint string, complete ...func(s *Scope, p *Problem, m []string)) translation {
	t := translation{pattern: regexp.MustCompile(pattern), code: code, message: message, hint: hint}
	if len(complete) > 0 {
		t.complete = complete[0]
	}
	return t
}

var translations = []translation{
	on(`^unknown field (\S+)$`, "unknown-field", "", "",
		func(s *Scope, p *Problem, m []string) { s.unknownField(p, m[1]) }),
	on(`^unknown name (\S+)$`, "unknown-name", "", "",
		func(s *Scope, p *Problem, m []string) { s.unknownName(p, m[1], "") }),
	on(`^type (.+) has no (?:field|method) (\S+)$`, "unknown-field", "<1> has no field {2}", "", (*Scope).noSuchMember),
	on(`^(\S+) is not callable$`, "not-a-function", "this is a value, not a function", "write it without brackets"),
	on(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`, "type-mismatch",
		"{1} cannot be used between <2> and <3>", "", mismatchHint),
	on(`^invalid operation: (\S+) \(mismatched type (.+)\)$`, "type-mismatch",
		"{1} does not work on <2>", "put a whole comparison in brackets: not (data.score < 70)"),
	on(`^cannot use (.+) as type (.+) in (?:array|map key)$`, "type-mismatch", "<1> can never be in a list of <2>",
		"all values of a list are of the kind that is looked for: a text with quotes, a number without"),
	on(`^cannot use (.+) as argument \(type (.+)\) to call (\S+)`, "type-mismatch", "{3} takes <2> here, not <1>", "",
		func(_ *Scope, p *Problem, m []string) { p.Hint = conversions[[2]string{word(m[1]), word(m[2])}] }),
	on(`^invalid argument for (\S+) \(type (.+)\)$`, "type-mismatch",
		"{1} does not take <2>", "it takes a list or a text; a number is compared as it is: data.score > 3"),
	on(`^predicate should return boolean \(got (.+)\)$`, "not-boolean",
		"the condition in the brackets gives <1>, not true or false",
		"compare it with something, as in # == \"urgent\""),
	on(`^builtin (\S+) takes only array \(got (.+)\)$`, "type-mismatch",
		"{1} takes a list, not <2>", severalEvents),
	on(`cannot be mixed`, "", "?? and another operator beside it need brackets", "write (data.score ?? 100) < 70"),
	on(`^unexpected token EOF$`, "", "the expression ends too early",
		"something is missing at the end, such as a value or a closing bracket"),
	on(`^unexpected token \w+\("([)\]])"\)$`, "", "unexpected {1}",
		"no bracket is open here: remove it, or open one before it"),
	on(`^unexpected token \w+\("/"\)$`, "", "unexpected /", `a pattern is a text in quotes: matches "(?i)call"`),
	on(`^unexpected token \w+\("#"\)$`, "", "# starts no comment in an expression",
		"put the comment on a line of its own above the key, with # in front; inside any(…) # is an element of the "+
			"list"),
	on(`^unexpected token \w+\("([,;])"\)$`, "", "unexpected {1}",
		"join conditions with and, or with or; between the values in brackets write a comma"),
	on(`^unexpected token (?:Operator|Bracket)\("(.*)"\)$`, "", "unexpected {1}",
		"a comparison has a value on each side of one sign: data.score <= 70"),
	on(`^unexpected token (?:Identifier|Number|String)\("(.*)"\)$`, "", "unexpected {1}",
		"an operator or a comma is missing before it, or quotes around a text of several words"),
	on(`^invalid char escape$`, "", "unknown escape after a backslash",
		`write two backslashes, as in "\\d+", or put the text in backticks`),
	on(`^bad number syntax: "(.*)"$`, "", "{1} is not a number",
		"write a plain number, or days(7), hours(2), minutes(45)"),
	on(`^unrecognized character: U\+\w+ '(.*)'$`, "", "unexpected character {1}",
		"the operators are + - * / % < <= > >= == != and or not in contains startsWith endsWith matches ??"),
	on(`^not enough arguments to call (\w+)|^expected at least \d+ arguments`, "type-mismatch",
		"an argument is missing in the brackets", "", usageHint),
	on(`^too many arguments to call (\w+)`, "type-mismatch", "{1} takes fewer arguments", "", usageHint),
	on(`^invalid number of arguments(?: for (\w+))? \(expected (.+), got (\d+)\)$`, "type-mismatch",
		"wrong number of arguments: {3}, not {2}", "", usageHint),
	on(`^type string\[int\] is undefined$|^cannot get (?:first|last) element from string$`, "type-mismatch",
		"a text has no elements", "take a part of it: data.quizName[0:1]"),
	on(`^unclosed comment$`, "", unclosedComment, "close it with */"),
	on(`^literal not terminated$`, "", "a quote is not closed", `a text starts and ends with the same quote: "graded"`),
	on(`^error parsing regexp: (missing argument to repetition.*)$`, "bad-regexp", badRegexp.Message+": {1}",
		`there are no wildcards: write contains "call"; in a pattern .* stands for anything`),
	on(`^error parsing regexp: (.*)$`, "bad-regexp", badRegexp.Message+": {1}", badRegexp.Hint),
}

// conversions say how to convert a value to another kind.
var conversions = map[[2]string]string{
	{"a number", "a text"}: "make a text of the number: string(data.score)",
	{"a text", "a number"}: "make a number of the text: float(data.quizName)",
	{"a text", "a time"}:   `make a time of the text: date("2026-01-31")`,
}

// usages show how to call functions that people often call wrongly.
var usages = map[string]string{
	"format":   `format(data.completedAt, "2 Jan 2006", "Asia/Kolkata"); for a number round(data.score, 1)`,
	"percent":  "percent(data.score, data.maxScore)",
	"round":    "round(data.score, 1)",
	"progress": `progress(data.userId, "m-77")`,
	"uuid":     `uuid(id + "/certificate")`,
	"rank":     `rank(data.userId, "score")`,
}

func usageHint(s *Scope, p *Problem, m []string) {
	usage, known := usages[m[1]]
	switch {
	case m[1] == "lookup":
		p.Hint = "write " + s.example(s.anyTable())
	case known:
		p.Hint = "write " + usage
	default:
		p.Hint = "see the functions in the rule language"
	}
}

func (s *Scope) unknownField(p *Problem, name string) {
	p.Code, p.Message = "unknown-field", s.Events()+" has no field "+name
	if closest := suggest.Closest(name, s.FieldNames()); closest != "" {
		p.Hint = "did you mean data." + closest + "?"
		return
	}
	p.Hint = "it has " + s.someFields()
	if others := s.elsewhere(name); others != "" {
		p.Hint = "that is a field of " + others + "; " + p.Hint
	}
}

// someFields lists the fields, or the first few if there are very many.
func (s *Scope) someFields() string {
	const most = 50
	names := s.FieldNames()
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, ", ")
}

func (s *Scope) noSuchMember(p *Problem, m []string) {
	switch member := m[2]; {
	case word(m[1]) == "a function":
		p.Hint = "a function is called with brackets, and looks at a list or a value"
	case member == "data" || s.hasField(member):
		p.Hint = "an event's fields are in data: write data." + strings.Replace(member, "data", "score", 1)
	case slices.Contains(s.Names(), member):
		p.Hint = "write " + member + " alone"
	case member == "type" || member == "name":
		p.Hint = `event is the event's type itself: event == "quiz.submitted"`
	case word(m[1]) == "a text":
		p.Hint = `a function comes before its value: len(data.quizName), lower(data.quizName); ` +
			`contains, startsWith and endsWith are operators: data.quizName contains "x"`
	}
}

// unknownName completes a problem for an unknown name. behind is the text after the name:
// a parenthesis makes it a function.
func (s *Scope) unknownName(p *Problem, name, behind string) {
	p.Code, p.Message = "unknown-name", "unknown name "+name
	candidates := s.Names()
	if isCall := strings.HasPrefix(behind, "("); isCall {
		p.Message = "unknown function " + name
		p.Hint = "the functions are in the rule language; most used are lower, upper, trim, len, round, percent, " +
			"format, days, hour, weekday, any, count"
		candidates = functionNames
	} else {
		p.Hint = "put quotes around a text: \"" + name + "\"; " + s.knownHere()
		candidates = append(candidates, functionNames...)
	}
	_, isTable := s.tables[name]
	foreign, isForeign := findForeignName(name)
	field := suggest.Closest(name, s.FieldNames())
	closest := suggest.Closest(name, candidates)
	known, hint := s.elsewhereKnown(name)
	switch {
	case hint != "":
		p.Message, p.Hint = known, hint
	case name == "mention" && strings.HasPrefix(behind, "("):
		p.Code = "bad-mention"
		p.Message = "mention(…) stands alone in a hole, in the text of a Slack message that reads mrkdwn, and " +
			"nowhere else"
		p.Hint = `in such a text write {{ mention(data.email) }}; elsewhere the address itself: {{ data.email }}`
	case strings.HasPrefix(behind, "-") && (s.loose || !strings.EqualFold(field, name)):
		// A field with a dash in its name reads as a subtraction.
		p.Hint = `write data["first-name"] for a field with a dash in its name; a subtraction has a value on each side`
	case strings.EqualFold(field, name):
		p.Hint = "an event's fields are in data: write data." + field
	case isTable:
		p.Hint = "write " + s.example(name)
	case strings.HasPrefix(name, "$"):
		p.Hint = "write data.score, without $"
	case isForeign:
		if p.Hint = foreign.hint; foreign.message != "" {
			p.Message = foreign.message
		}
	case s.memberHint(name, behind) != "":
		p.Hint = s.memberHint(name, behind)
	case closest != "":
		p.Hint = "did you mean " + closest + "?"
	case field != "":
		p.Hint = "did you mean data." + field + "?"
	}
}

// memberHint suggests what to write instead of quiz.submitted or quiz.score, where quiz
// does not exist. behind is the text after the name.
func (s *Scope) memberHint(name, behind string) string {
	member, isMember := strings.CutPrefix(behind, ".")
	if !isMember {
		return ""
	}
	for _, t := range slices.Concat(s.types, s.other) {
		if t.Name == name+"."+member {
			return `an event type is a text: event == "` + t.Name + `"; ` + severalEvents
		}
	}
	for _, t := range s.types {
		if subject, _, _ := strings.Cut(t.Name, "."); subject == name && slices.Contains(t.FieldNames(), member) {
			return "an event's fields are in data: write data." + member
		}
	}
	return s.knownHere()
}

func (s *Scope) knownHere() string {
	names := slices.Clone(s.Names())
	if i := slices.Index(names, "data"); i >= 0 {
		names[i] = "data.…"
	}
	return "known here: " + strings.Join(names, ", ")
}

// severalEvents is the hint for an expression over earlier events.
const severalEvents = "to act on several events, give the rule a count: {at_least: 3, within: 7d, per: data.userId}"

// mismatchHint suggests what to write if an operator does not accept two kinds.
func mismatchHint(_ *Scope, p *Problem, m []string) {
	op, left, right := m[1], word(m[2]), word(m[3])
	between := func(a, b string) bool { return left == a && right == b || left == b && right == a }
	is := func(kind string) bool { return left == kind || right == kind }
	switch {
	case is("a function"):
		p.Hint = `a function needs brackets: days(7), weekday(now, "UTC")`
	case between("true or false", "a text"):
		p.Hint = "write data.passed for true, not data.passed for false; " +
			"a text, such as a table's cell, is compared with a text"
	case between("true or false", "a number"):
		p.Hint = "write data.passed for true, not data.passed for false"
	case op == "in" && (right == "a text" || right == "a number"):
		p.Hint = `a list is written in square brackets: in ["graded"]; a range of whole numbers as 60..70`
	case is("a list") && (op == "==" || op == "!="):
		p.Hint = `write in or not in: data.quizType in ["graded", "final"]`
	case between("a list", "a text"):
		p.Hint = `write any(["call", "demo"], data.quizName contains #), or matches "call|demo"`
	case between("a duration", "a number"), between("a duration", "a text"):
		p.Hint = "compare a difference of times with a duration: < days(30); " +
			"seconds such as data.timeSpentSec with a number: > 45 * 60"
	case is("nil"), m[2] == "unknown", m[3] == "unknown":
		p.Hint = "to ask whether there is a value write == nil or != nil"
	case op == "%" && left == right:
		p.Message, p.Hint = "% is for whole numbers", "write int(data.score) % 10"
	case op == "..":
		p.Hint = "a range is of whole numbers: 60..70; for others write 60.5 <= data.score and data.score < 70"
	case between("a number", "a text") && op == "+":
		p.Hint = `make a text of the number, string(data.score), ` +
			`or write the text around a hole: "scored {{ data.score }}"`
	case between("a number", "a text"):
		p.Hint = `write numbers without quotes, texts with: data.score < 70, data.quizType == "graded"; ` +
			`a number in a text, such as a table's cell, is float(…)`
	case between("a time", "a text"):
		p.Hint = `write date("2026-01-31") to compare with a time`
	case between("a time", "a number"):
		p.Hint = `write a day as date("2026-01-31"), a number with its unit: now + days(30), or hours, minutes, weeks`
	}
}

// words maps prefixes of Go types to the words that rule authors know. They are tried in
// order.
var words = [][2]string{
	{"string", "a text"},
	{"bool", "true or false"},
	{"time.Time", "a time"},
	{"time.Duration", "a duration"},
	{"unknown", "a value"},
	{"interface", "a value"},
	{"any", "a value"},
	{"int", "a number"},
	{"uint", "a number"},
	{"float", "a number"},
	{"time.", "a number"},
	{"func", "a function"},
	{"[]", "a list"},
	{"map[", "an object"},
	{"Map{", "an object"},
}

// word returns the name of a Go type in the words of rule authors.
func word(goType string) string {
	goType = strings.TrimLeft(goType, "*")
	for _, w := range words {
		if strings.HasPrefix(goType, w[0]) {
			return w[1]
		}
	}
	return goType
}
