package expression

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/file"

	"heed/engine/suggest"
)

// Problem is one mistake in an expression or template. From and To count the
// characters of its text from 0.
type Problem struct {
	From, To int
	Code     string
	Message  string
	Hint     string
	// Warning says that the expression can be used all the same.
	Warning bool

	end     int  // of the whole text
	tooMany bool // values in the brackets of the function that stands here
}

// shift moves a fault by the place of the expression in a larger text.
func (f Problem) shift(by int) Problem {
	f.From += by
	f.To += by
	return f
}

// fromExpr turns an error of the expression library, which speaks to
// programmers, into a fault that speaks to rule authors.
func (s *Scope) fromExpr(text string, err error) Problem {
	runes := []rune(text)
	var at *file.Error
	if !errors.As(err, &at) {
		return Problem{To: len(runes), Code: "syntax", Message: err.Error()}
	}
	from := min(max(at.From, 0), len(runes))
	f := Problem{From: from, To: wordEnd(runes, from), Code: "syntax", Message: at.Message, end: len(runes)}
	for _, t := range translations {
		if m := t.pattern.FindStringSubmatch(at.Message); m != nil {
			t.rewrite(s, &f, m)
			if _, open := comments(runes); at.Message == "unclosed comment" && open >= 0 {
				f.From, f.To = open, open+2
			}
			if decimal, ok := decimalAsTwo(text, f); ok {
				return decimal
			}
			if hint := s.moduloHint(text, &f); hint != "" {
				f.Hint = hint
			}
			if sides.MatchString(at.Message) {
				if hint := s.sidesHint(text, &f); hint != "" {
					f.Hint = hint
				}
			}
			if m := quotedField.FindStringSubmatch(text); m != nil && f.Code == "type-mismatch" {
				f.Hint = m[1] + " stands without quotes"
			}
			return f
		}
	}
	return f
}

// decimalAsTwo finds the decimal comma for which a function has a value too many.
func decimalAsTwo(text string, f Problem) (Problem, bool) {
	m := newMended(text)
	code := []rune(m.code)
	if !f.tooMany || f.To >= len(code) || code[f.To] != '(' {
		return f, false
	}
	_, between := separators(code, f.To)
	for _, comma := range decimalCommas(m.code) {
		if slices.Contains(between, comma.From) {
			return comma, true
		}
	}
	return f, false
}

// sides are complaints about the kinds of two sides for which the hint may be
// made of them.
var sides = regexp.MustCompile(`^invalid operation: \S+ \(mismatched types (?:bool and string|string and bool|(?:u?int|float)\w* and string|string and (?:u?int|float)\w*|string and string)\)$`)

// quotedField is a field that was put into quotes.
var quotedField = regexp.MustCompile(`["'](data\.\w+)["']`)

// wordEnd is where the word or sign ends that starts at from.
func wordEnd(text []rune, from int) int {
	isWord := func(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	to := from
	for to < len(text) && isWord(text[to]) {
		to++
	}
	if to == from && from < len(text) {
		to++
		if two := string(text[from:min(from+2, len(text))]); two == "==" || two == "!=" || two == "<=" || two == ">=" || two == "??" || two == "&&" || two == "||" {
			to++
		}
	}
	return max(to, from+1)
}

type translation struct {
	pattern *regexp.Regexp
	rewrite func(s *Scope, f *Problem, m []string)
}

// usages show how functions are called that people call wrongly.
var usages = map[string]string{
	"format": `format(data.completedAt, "2 Jan 2006", "Asia/Kolkata"); for a number round(data.score, 1)`, "percent": "percent(data.score, data.maxScore)",
	"round": "round(data.score, 1)", "days": "days(7)", "hour": `hour(now, "Asia/Kolkata")`, "weekday": `weekday(now, "Asia/Kolkata")`,
	"lookup": `lookup("managers", data.userId).email`, "progress": "progress(data.userId, data.moduleId)", "rank": `rank(data.userId, "score")`,
	"any": `any(data.tags, # == "urgent")`, "count": `count(data.tags, # == "urgent")`, "replace": `replace(data.quizName, "a", "b")`, "split": `split(data.email, "@")`,
}

func (s *Scope) usageOf(function string) string {
	switch {
	case function == "lookup":
		return "write " + s.example(s.anyTable())
	case function == "progress" && !slices.Contains(s.fieldNames(), "moduleId"):
		return `write progress(data.userId, "m-77")`
	}

	if usage, ok := usages[function]; ok {
		return "write " + usage
	}
	return "see the functions in the rule language"
}

var translations = []translation{
	{regexp.MustCompile(`^unknown field (\S+)$`), (*Scope).unknownField},
	{regexp.MustCompile(`^type (.+) has no (?:field|method) (\S+)$`), func(s *Scope, f *Problem, m []string) {
		f.Code, f.Message = "unknown-field", word(m[1])+" has no field "+m[2]
		switch {
		case word(m[1]) == "a function":
			f.Hint = "a function is called with brackets, and looks at a list or a value"
			return
		case slices.Contains(s.names(), m[2]) && m[2] != "data":
			f.Hint = m[2] + " stands alone: write " + m[2]
		case m[2] == "type" || m[2] == "name":
			f.Hint = "event is the event's type itself: event == \"quiz.submitted\""
		}
		if slices.Contains(s.fieldNames(), m[2]) || m[2] == "data" {
			f.Hint = "an event's fields stand in data: write data." + strings.Replace(m[2], "data", "score", 1)
		}
	}},
	{regexp.MustCompile(`^unknown name (\S+)$`), (*Scope).unknownName},
	{regexp.MustCompile(`^(\S+) is not callable$`), func(_ *Scope, f *Problem, _ []string) {
		f.Code, f.Message, f.Hint = "not-a-function", "this is a value, not a function", "write it without brackets"
	}},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)$`), (*Scope).mismatch},
	{regexp.MustCompile(`^invalid operation: (\S+) \(mismatched type (.+)\)$`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", m[1]+" does not work on "+word(m[2])
		if m[1] == "not" || m[1] == "!" {
			f.Hint = "put the whole comparison into brackets: not (data.score < 70)"
		}
	}},
	{regexp.MustCompile(`^cannot use (.+) as type (.+) in (?:array|map key)$`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", word(m[1])+" can never be in a list of "+word(m[2])
		switch {
		case word(m[1]) == "a time":
			f.Hint = "write hour(now, \"UTC\") in 9..17, or data.completedAt > date(\"2026-01-31\") and data.completedAt < now"
		case word(m[1]) == "a text":
			f.Hint = `texts stand in quotes: in ["1042", "2001"]`
		case word(m[1]) == "a number":
			f.Hint = "numbers stand without quotes: in [60, 70]"
		}
	}},
	{regexp.MustCompile(`^cannot use (.+) as argument \(type (.+)\) to call (\S+)`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", m[3]+" takes "+word(m[2])+" here, not "+word(m[1])
		switch {
		case word(m[2]) == "a text" && word(m[1]) == "a number":
			f.Hint = "make a text of the number: string(data.score)"
		case word(m[2]) == "a number" && word(m[1]) == "a text":
			f.Hint = "make a number of the text: float(data.quizName)"
		case word(m[2]) == "a time" && word(m[1]) == "a text":
			f.Hint = `make a time of the text: date("2026-01-31")`
		}
	}},
	{regexp.MustCompile(`^invalid argument for (\S+) \(type (.+)\)$`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", m[1]+" does not take "+word(m[2])
		f.Hint = "it takes a list or a text; a number is compared as it is: data.score > 3"
	}},
	{regexp.MustCompile(`^predicate should return boolean \(got (.+)\)$`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "not-boolean", "the condition in the brackets gives "+word(m[1])+", not true or false"
	}},
	{regexp.MustCompile(`^builtin (\S+) takes only array \(got (.+)\)$`), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", m[1]+" takes a list, not "+word(m[2])
		f.Hint = "a rule sees one event: heed counts no others"
	}},
	{regexp.MustCompile(`^Operator \(\?\?\) and coalesce expressions \(.+\) cannot be mixed|cannot be mixed`), func(_ *Scope, f *Problem, _ []string) {
		f.Message, f.Hint = "?? and another operator beside it need brackets", "write (data.score ?? 100) < 70"
	}},
	{regexp.MustCompile(`^unexpected token EOF$`), func(_ *Scope, f *Problem, _ []string) {
		f.From, f.To = f.end, f.end+1
		f.Message, f.Hint = "the expression ends too early", "something is missing at the end, such as a value or a closing bracket"
	}},
	{regexp.MustCompile(`^unexpected token (\w+)\("(.*)"\)$`), func(_ *Scope, f *Problem, m []string) {
		f.Message = "unexpected " + m[2]
		switch {
		case m[2] == ")" || m[2] == "]":
			f.Hint = "there is no bracket that it closes: leave it out, or open one in front"
		case m[2] == "/":
			f.Hint = `a pattern is a text in quotes: matches "(?i)call"`
		case m[2] == "#":
			f.Message = "# starts no comment in an expression"
			f.Hint = "put the comment on a line of its own above the key, with # in front; inside any(…) # is an element of the list"
		case m[1] == "Operator":
			f.Hint = "a comparison has a value on each side of one sign: data.score <= 70"
		case m[1] == "Identifier" || m[1] == "Number" || m[1] == "String":
			f.Hint = "an operator is missing in front of it, such as ==, < or and; or quotes round a text of several words"
		case m[2] == ",":
			f.Hint = "join conditions with and, or with or"
		}
	}},
	{regexp.MustCompile(`^invalid char escape$`), func(_ *Scope, f *Problem, _ []string) {
		f.Message, f.Hint = "a backslash that starts no escape", "write two backslashes, as in \"\\\\d+\", or put the text in backticks"
	}},
	{regexp.MustCompile(`^bad number syntax: "(.*)"$`), func(_ *Scope, f *Problem, m []string) {
		f.Message, f.Hint = m[1]+" is no number", "write a plain number, or days(7), hours(2), minutes(45)"
	}},
	{regexp.MustCompile(`^unrecognized character: U\+\w+ '(.*)'$`), func(_ *Scope, f *Problem, m []string) {
		f.Message, f.Hint = m[1]+" means nothing here", "write the operator as a sign or word of the language: + - * / < <= == != and or not"
	}},
	{regexp.MustCompile(`^not enough arguments to call (\w+)|^expected at least (\d+) arguments`), func(s *Scope, f *Problem, m []string) {
		f.Code, f.Message = "type-mismatch", "a function lacks a value in its brackets"
		f.Hint = s.usageOf(m[1])
	}},
	{regexp.MustCompile(`^too many arguments to call (\w+)`), func(s *Scope, f *Problem, m []string) {
		f.Code, f.Message, f.Hint, f.tooMany = "type-mismatch", m[1]+" takes fewer values", s.usageOf(m[1]), true
	}},
	{regexp.MustCompile(`^invalid number of arguments(?: for \w+)? \(expected (.+), got (\d+)\)$`), func(s *Scope, f *Problem, m []string) {
		values := " values"
		if m[1] == "1" {
			values = " value"
		}
		f.Code, f.Message = "type-mismatch", "this function takes "+m[1]+values+", not "+m[2]
		f.Hint, f.tooMany = s.usageOf(""), m[2] > m[1]
	}},
	{regexp.MustCompile(`^type string\[int\] is undefined$|^cannot get (?:first|last) element from string$`), func(_ *Scope, f *Problem, _ []string) {
		f.Code, f.Message, f.Hint = "type-mismatch", "a text has no elements", "cut a piece out: data.quizName[0:1]"
	}},
	{regexp.MustCompile(`^unclosed comment$`), func(_ *Scope, f *Problem, _ []string) {
		f.Message, f.Hint = "a comment that starts with /* is not closed", "close it with */"
	}},
	{regexp.MustCompile(`^literal not terminated$`), func(_ *Scope, f *Problem, _ []string) {
		f.Message, f.Hint = "a quote is not closed", `a text starts and ends with the same quote: "graded"`
	}},
	{regexp.MustCompile("^error parsing regexp: (.*)$"), func(_ *Scope, f *Problem, m []string) {
		f.Code, f.Message, f.Hint = "bad-regexp", "this is no regular expression: "+m[1], badRegexp.Hint
		if strings.HasPrefix(m[1], "missing argument to repetition") {
			f.Hint = `there are no wildcards: write contains "call"; in a pattern .* stands for anything`
		}
	}},
}

func (s *Scope) unknownField(f *Problem, m []string) {
	f.Code = "unknown-field"
	f.Message = s.events() + " has no field " + m[1]
	if closest := suggest.Closest(m[1], s.fieldNames()); closest != "" {
		f.Hint = "did you mean data." + closest + "?"
		return
	}
	f.Hint = "it has " + strings.Join(s.fieldNames(), ", ")
	if others := s.elsewhere(m[1]); others != "" {
		f.Hint = "that is a field of " + others + "; " + f.Hint
	}
}

// unknownName says what to write instead of a name that there is not. m[2], if
// given, is the sign behind it: a bracket or a dot says what it was meant as;
// m[3] is the word behind that.
func (s *Scope) unknownName(f *Problem, m []string) {
	f.Code, f.Message = "unknown-name", "there is no "+m[1]
	behind := ""
	if len(m) > 2 {
		behind = m[2]
	}
	if behind == "(" {
		f.Message = "there is no function " + m[1]
	}
	if m[1] == "mention" && behind == "(" {
		f.Code = "bad-mention"
		f.Message = "mention(…) stands alone in a hole, in the text of a Slack message that reads mrkdwn, and nowhere else"
		f.Hint = `in such a text write {{ mention(data.email) }}; elsewhere the address itself: {{ data.email }}`
		return
	}
	for _, field := range s.fieldNames() {
		if strings.EqualFold(field, m[1]) {
			f.Hint = "an event's fields stand in data: write data." + field
			return
		}
	}
	if reason, ok := absent[strings.ToLower(m[1])]; ok {
		f.Message += ": " + reason
		f.Hint = nothingInstead
		return
	}
	if instead, ok := otherNames[strings.ToLower(m[1])]; ok {
		f.Hint = "write " + instead
		return
	}
	if closest := suggest.Closest(m[1], append(s.names(), functionNames...)); closest != "" {
		f.Hint = "did you mean " + closest + "?"
		return
	}
	if closest := suggest.Closest(m[1], s.fieldNames()); closest != "" {
		f.Hint = "did you mean data." + closest + "?"
		return
	}
	switch behind {
	case "(":
		f.Hint = "the functions are in the rule language; most used are lower, upper, trim, len, round, percent, format, days, hour, weekday, any, count"
		return
	case ".":
		known := "known here: " + strings.Join(s.names(), ", ") + ", data.…"
		f.Hint = s.memberHint(m[1], m[3:], known)
		return
	}
	f.Hint = "if it is a text, put quotes round it: \"" + m[1] + "\"; known here: " + strings.Join(s.names(), ", ") + ", data.…"
}

// memberHint is what to write instead of a.b where there is no a.
func (s *Scope) memberHint(name string, member []string, otherwise string) string {
	if len(member) == 0 {
		return otherwise
	}
	for _, t := range slices.Concat(s.types, s.other) {
		if t.Name == name+"."+member[0] {
			return fmt.Sprintf("an event type is a text: event == %q", t.Name)
		}
	}
	for _, t := range s.types {
		if subject, _, _ := strings.Cut(t.Name, "."); subject == name && slices.Contains(t.FieldNames(), member[0]) {
			return "an event's fields stand in data: write data." + member[0]
		}
	}
	return otherwise
}

// otherNames are what people call things that have another name here.
var otherNames = map[string]string{
	"payload": "data.score for a field, event for the type", "body": "data.score for a field, event for the type",
	"today": `format(now, "2006-01-02", "UTC"), the day as a text, and compare it with a day that is formatted alike; now is the moment`, "type": "event", "eventtype": "event", "event_type": "event", "timestamp": "receivedAt, when heed received the event", "time": "now, or receivedAt, when heed received the event",
	"length": "len(data.quizName)", "size": "len(data.quizName)", "exists": "data.score != nil", "isset": "data.score != nil",
	"defined": "data.score != nil", "empty": `data.reason == nil or data.reason == ""`, "has": "data.score != nil",
	"no": "false", "yes": "true", "nein": "false", "ja": "true", "nill": "nil", "nan": "nil", "months": "days(30), which is no calendar month", "years": "days(365), which is no calendar year",
	"year": `format(now, "2006", "UTC")`, "month": `format(now, "January", "UTC")`, "dayofweek": `weekday(now, "UTC")`,
	"uppercase": "upper(data.quizName)", "lowercase": "lower(data.quizName)", "title": "the text as it is: there is no function for it", "env": "the value itself: a rule cannot read the environment",
	"tolower": "lower(data.quizName)", "toupper": "upper(data.quizName)",
	"company": "companyId", "userid": "data.userId", "number": "float(data.…)", "str": "string(data.…)", "substring": "data.quizName[0:3]",
}

func (s *Scope) mismatch(f *Problem, m []string) {
	op, left, right := m[1], word(m[2]), word(m[3])
	f.Code = "type-mismatch"
	f.Message = op + " cannot be used between " + left + " and " + right
	both := left + " " + right
	switch {
	case strings.Contains(both, "true or false") && strings.Contains(both, "a text") && (op == "==" || op == "!="):
		f.Hint = "true and false stand without quotes: write data.passed for true, not data.passed for false"
	case strings.Contains(both, "a function"):
		f.Hint = "a function needs brackets: days(7), weekday(now, \"UTC\")"
		if m[2] == "func(interface {}) string" {
			f.Hint = "the event's type is called event: event == \"quiz.submitted\""
		}
	case op == "in" && (right == "a text" || right == "a number"):
		f.Hint = `a list stands in square brackets: in ["graded"]; a range is written 60..70`
	case strings.Contains(both, "a list") && (op == "==" || op == "!="):
		f.Hint = `write in or not in: data.quizType in ["graded", "final"]`
	case strings.Contains(both, "a list") && strings.Contains(both, "a text"):
		f.Hint = `write any(["call", "demo"], data.quizName contains #), or matches "call|demo"`
	case strings.Contains(both, "a duration") && (strings.Contains(both, "a number") || strings.Contains(both, "a text")):
		f.Hint = "a difference of times is compared with a duration: < days(30); seconds such as data.timeSpentSec with a number: > 45 * 60"
	case m[2] == "nil" || m[3] == "nil" || m[2] == "unknown" || m[3] == "unknown":
		f.Hint = "to ask whether there is a value write == nil or != nil"
	case op == "%" && left == "a number" && right == "a number":
		f.Message, f.Hint = "% is for whole numbers", "write int(data.score) % 10"
	case op == "..":
		f.Hint = "a range is of whole numbers: 60..70; for others write 60.5 <= data.score and data.score < 70"
	case strings.Contains(both, "true or false") && strings.Contains(both, "a number"):
		f.Hint = "write data.passed for true, not data.passed for false"
	case strings.Contains(both, "a number") && strings.Contains(both, "a text") && op == "+":
		f.Hint = "make a text of the number, string(data.score), or write the text round a hole: \"scored {{ data.score }}\""
	case strings.Contains(both, "a number") && strings.Contains(both, "a text"):
		f.Hint = "numbers stand without quotes, texts with: data.score < 70, data.quizType == \"graded\""
	case strings.Contains(both, "a time") && strings.Contains(both, "a text"):
		f.Hint = `write date("2026-01-31") to compare with a time`
	case strings.Contains(both, "a time") && strings.Contains(both, "a number"):
		f.Hint = "a number of what? Write now + days(30), or hours, minutes, weeks"
	}
}

// word is a Go type in the words of rule authors.
func word(goType string) string {
	switch {
	case strings.HasPrefix(goType, "*"):
		return word(goType[1:])
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	case goType == "time.Time":
		return "a time"
	case goType == "time.Duration":
		return "a duration"
	case goType == "nil":
		return "nil"
	case goType == "unknown", goType == "interface {}", goType == "any":
		return "a value"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"), strings.HasPrefix(goType, "float"):
		return "a number"
	case strings.HasPrefix(goType, "func"):
		return "a function"
	case goType == "time.Weekday", goType == "time.Month":
		return "a number"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map["), strings.HasPrefix(goType, "Map{"):
		return "an object"
	default:
		return goType
	}
}
