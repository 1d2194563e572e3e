package expression

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"heed/engine/expression/syntax"
)

// People write what they know from SQL, spreadsheets, JavaScript and prose. The tables
// below list the equivalents. They are consulted only if an expression cannot be parsed
// or a name in it cannot be resolved, so a valid expression that looks foreign is left
// alone.

// A rewrite is foreign syntax and its equivalent.
type rewrite struct {
	// pattern matches the syntax outside of quotes. Its last group, or the whole match if
	// it has no groups, is what is wrong.
	pattern string
	// with is the equivalent, which lets the rest of the expression be checked; empty if
	// there is no single equivalent.
	with string
	// message defaults to "unknown operator" and what was found; hint defaults to "write
	// " and with.
	message, hint string
}

// infix returns a pattern for words between two values, in any case.
func infix(words string) string { return `(?i)[\w)\]"'] +(` + words + `)(?:$|[^\w(])` }

const (
	bySign   = "a comparison is written with a sign"
	toNil    = "whether there is a value is a comparison with nil"
	noBraces = "{{ }} does not belong here"
	badQuote = "a typographic quote"
	badSpace = "a space that is not a plain space (copied from a document?)"
	aList    = `write data.quizType in ["graded", "final"]`
	only     = "write only the condition: data.score < 70"
)

var rewrites = []rewrite{
	{`&(?:lt|gt|amp|nbsp|quot);`, "", "an HTML entity (copied from a web page?)", "write the sign itself, such as <"},
	{`[“”„‘’«»]`, `"`, badQuote, `write straight quotes: "…"`},
	{`[\x{00a0}\x{2007}\x{202f}\x{200b}\x{feff}]`, " ", badSpace, "delete it and type a space"},
	{`\{\{|\}\}`, " ", noBraces, "this is an expression already: remove {{ and }}"},
	{`^\s*(=)[^=]`, " ", "a formula's = at the start", "remove it"},
	{`\b\d{4}-\d\d-\d\d\b`, "now", "a date is written in quotes, inside date(…)", `write date("2026-01-31")`},
	{
		`[0-9]\s*(%)\s*(?:$|[)]|and\b|or\b)`, " ", "a percent sign after a number",
		"write 70 for 70 % of a value that runs to 100, 0.7 for a share such as data.score / data.maxScore",
	},
	{`^[^()\[\]]*[0-9](,)[0-9]`, "", "a comma inside a number", "write 1000 or 1_000; a decimal has a point: 0.5"},
	{
		`\b\d+ ?(d|days?|h|hours?|min|mins|minutes?|weeks?)\b`, "", "a duration is a function of a number",
		"write days(7), hours(2), minutes(45); in seconds a plain number: 45 * 60",
	},
	{`(?i)\bbetween\b`, "", "between does not exist here", "write 60 <= data.score and data.score <= 70"},
	{infix(`i?like`), "contains", "like is SQL", "write contains, startsWith, endsWith, or matches for a pattern"},
	{infix(`(?:is +)?(?:one|any) +of`), "in", "", aList},
	{infix(`is +not +(?:null|nil|none|empty|missing|blank)|exists|is +(?:set|present)`), "!= nil", toNil, ""},
	{infix(`is +(?:null|nil|none|empty|missing|blank)`), "== nil", toNil, ""},
	{infix(`is +not|not +equals?(?: +to)?|does +not +equal`), "!=", bySign, ""},
	{infix(`(?:is +)?(?:less|smaller|lower) +than|below|under`), "<", bySign, ""},
	{infix(`(?:is +)?(?:greater|more|larger|higher) +than|above|over`), ">", bySign, ""},
	{infix(`is|equals?(?: +to)?|eq`), "==", bySign, ""},
	{infix(`does +not +(?:contain|include)`), "not contains", "", `write data.quizName not contains "call"`},
	{infix(`includes?|has`), "contains", "", ""},
	{infix(`(?:starts|begins) +with`), "startsWith", "startsWith is one word, with a capital W", ""},
	{infix(`ends +with`), "endsWith", "endsWith is one word, with a capital W", ""},
	{
		`(?:^|[.(]|\b(?:and|or|not) )\s*(contains|startsWith|endsWith|matches)\(`, "",
		"this is an operator between two texts", `write data.quizName contains "x"`,
	},
	{`[\w)\]"'] +(AND)\b[^(]`, "and", "AND is written in lower case", ""},
	{`[\w)\]"'] +(OR)\b[^(]`, "or", "OR is written in lower case", ""},
	{`\bNOT\b`, "not", "NOT is written in lower case", ""},
	{`(?i)\bin\s*(\()`, "", "a list is written in square brackets", aList},
	{`\bIN\b`, "in", "IN is written in lower case", ""},
	{
		`\b(?:and|or)\s*(<=?|>=?|==|!=)`, "", "a comparison needs both its sides, also after and and or",
		"name the field again: data.score > 60 and data.score < 70",
	},
	{`\$\{`, "", "a ${…} of another language", "write data.score, without $ and braces"},
	{`^\s*((?i:if|when|where))\b`, "", "when: is the if already", only},
	{`(?i)\bthen\b`, "", "what follows belongs under do:", only},
}

// patterns are the compiled patterns of rewrites.
var patterns = func() (compiled []*regexp.Regexp) {
	for _, r := range rewrites {
		compiled = append(compiled, regexp.MustCompile(r.pattern))
	}
	return compiled
}()

// signs maps operators of other languages to their equivalents. anySign matches anything
// that may be one.
var (
	signs = map[string]string{
		"=": "==", "===": "==", "!==": "!=", "<>": "!=", "=!": "!=", "≠": "!=",
		"=<": "<=", "≤": "<=", "=>": ">=", "≥": ">=",
		"&": "and", "=~": "matches", "~=": "matches", "−": "-", "–": "-", "—": "-", "×": "*", "÷": "/",
	}
	anySign = regexp.MustCompile(`[−–—×÷≤≥≠]|[=!<>&~]+`)
)

// A foreignName is a set of names from other languages, with what to report for them.
type foreignName struct{ names, message, hint string }

// foreignNames lists names in lower case. The spreadsheet functions are those that people
// actually type.
var foreignNames = []foreignName{
	{"if ifs", "IF(…) is a spreadsheet function", "write condition ? value : otherwise; in when: only the condition"},
	{
		"and or", "and and or are written between two conditions",
		"write data.score < 70 and data.passed, or data.score < 70 or data.passed",
	},
	{"not", "", "write not (…), in lower case"},
	{"isblank isempty isnull exists", toNil, "write data.score == nil, or data.score ?? 0 for another value"},
	{"ifnull coalesce iferror", "", "write data.score ?? 0"},
	{"vlookup xlookup", "", `write lookup("managers", data.userId).email: the table, the key, the name of the column`},
	{"countif sumif events", "an expression sees one event, not those before it", severalEvents},
	{"previous", "an expression sees one event, not those before it", nothingInstead},
	{"concatenate concat", "", "join texts with +"},
	{"average", "", "write mean([…])"},
	{"today now", "", `write now, as in now - days(7); a day is a text: format(now, "2006-01-02", "UTC")`},
	{"uppercase upcase", "", "write upper(…)"},
	{"lowercase downcase", "", "write lower(…)"},
	{"length size", "", "write len(…)"},
	{"true", "true and false are written in lower case", "write true"},
	{"false", "true and false are written in lower case", "write false"},
	{"null none undefined", "a missing value is written nil", "write == nil or != nil"},
	{"payload body json", "", "write data.score for a field, event for the type"},
	{"type eventtype", "", "write event"},
	{"timestamp time", "", "write now, or receivedAt, when heed received the event"},
}

func findForeignName(name string) (foreignName, bool) {
	name = strings.ToLower(name)
	has := func(f foreignName) bool { return slices.Contains(strings.Fields(f.names), name) }
	i := slices.IndexFunc(foreignNames, has)
	return foreignNames[max(i, 0)], i >= 0
}

// nothingInstead is the hint if every replacement would change the meaning of the rule.
const nothingInstead = "remove it: no expression says the same"

// A replacement is a part of a text and what replaces it.
type replacement struct {
	from, to int
	with     string
}

// findForeign finds foreign syntax in an expression that cannot be parsed, and what to
// write instead.
func findForeign(text string) ([]Problem, []replacement) {
	code := syntax.Blank([]rune(text))
	var problems []Problem
	var replaced []replacement
	add := func(at, to int, p Problem, with string) {
		p.From, p.To, p.Code = len([]rune(code[:at])), len([]rune(code[:to])), "syntax"
		overlaps := func(r replacement) bool { return p.From < r.to && r.from < p.To }
		if slices.ContainsFunc(replaced, overlaps) {
			return
		}
		replaced = append(replaced, replacement{p.From, p.To, cmp.Or(with, code[at:to])})
		again := slices.ContainsFunc(problems, func(have Problem) bool { return have.Message == p.Message })
		if !again || p.Message != badQuote && p.Message != badSpace && p.Message != noBraces { // these come in pairs
			problems = append(problems, p)
		}
	}
	for i, r := range rewrites {
		for _, m := range patterns[i].FindAllStringSubmatchIndex(code, -1) {
			at, to := m[len(m)-2], m[len(m)-1]
			message, hint := cmp.Or(r.message, "unknown operator "+code[at:to]), cmp.Or(r.hint, "write "+r.with)
			add(at, to, Problem{Message: message, Hint: hint}, r.with)
		}
	}
	for _, m := range anySign.FindAllStringIndex(code, -1) {
		switch sign := code[m[0]:m[1]]; {
		case sign == "=":
			add(m[0], m[1], Problem{Message: "a single =", Hint: "write == to compare"}, "==")
		case signs[sign] != "":
			add(m[0], m[1], Problem{Message: "unknown operator " + sign, Hint: "write " + signs[sign]}, signs[sign])
		}
	}
	for _, m := range piped.FindAllStringSubmatchIndex(code, -1) {
		value, name, rest := code[m[2]:m[3]], code[m[6]:m[7]], strings.TrimLeft(code[m[1]:], " \t\r\n")
		called, foreign := findForeignName(name)
		switch {
		case strings.HasPrefix(rest, "("): // a pipe as expr writes it
		case strings.HasPrefix(rest, "."):
			add(m[4], m[5], Problem{Message: "unknown operator |", Hint: "write or"}, " or ")
		case isFunction(name):
			call := name + "(" + value + ")"
			add(m[0], m[1], Problem{Message: noFilters, Hint: "write " + call}, call)
		case foreign && called.message == "":
			add(m[0], m[1], Problem{Message: noFilters, Hint: called.hint}, "")
		default:
			add(m[0], m[1], Problem{Message: noFilters, Hint: "write the function in front, as in upper(data.quizName)"}, "")
		}
	}
	slices.SortFunc(replaced, func(a, b replacement) int { return cmp.Compare(a.from, b.from) })
	return problems, replaced
}

// piped matches value | filter. If parentheses follow, expr accepts it.
var piped = regexp.MustCompile(`([\w.]+)(\s*\|\s*)([A-Za-z_]\w*)`)

const noFilters = "filters are functions here"

// replaceAll applies replacements in order. For each character of the new text, and for
// its end, origin is the position in the old text.
func replaceAll(text string, all []replacement) (replaced string, origin []int) {
	runes := []rune(text)
	var out []rune
	keep := func(from, to int) {
		for i := from; i < to; i++ {
			out, origin = append(out, runes[i]), append(origin, i)
		}
	}
	at := 0
	for _, r := range all {
		keep(at, r.from)
		for _, c := range r.with {
			out, origin = append(out, c), append(origin, r.from)
		}
		at = r.to
	}
	keep(at, len(runes))
	return string(out), append(origin, len(runes))
}

// explainSyntax explains why a text cannot be parsed. It returns the foreign syntax in
// the text and, if the text parses once that is replaced, all its other problems. If
// there is no foreign syntax, it returns the error of the parser.
func (s *Scope) explainSyntax(text string, parserSays Problem) []Problem {
	problems, replaced := findForeign(text)
	if len(problems) == 0 {
		return []Problem{parserSays}
	}
	rewritten, origin := replaceAll(text, replaced)
	if tree, p := s.parse(rewritten); p == nil {
		_, rest := s.analyse(rewritten, tree)
		for _, p := range rest {
			p.From, p.To = origin[min(p.From, len(origin)-1)], origin[min(p.To, len(origin)-1)]
			if p.To = max(p.To, p.From+1); !overlaps(p, problems) {
				problems = append(problems, p)
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.From, b.From) })
	return problems
}

func overlaps(p Problem, others []Problem) bool {
	return slices.ContainsFunc(others, func(o Problem) bool { return p.From < o.To && o.From < p.To })
}

var (
	// filter matches value | filter, as in Jinja, Liquid and similar languages.
	filter = regexp.MustCompile(`^([\w.]+)\s*\|\s*(\w+)(.*)$`)
	block  = regexp.MustCompile(`^(?:[#/^>!&%-]|(?:if|else|end|endif|range|for|with|each|unless)\b)`)
)

// explainHole returns the problems of a hole. If it is written as in another template
// language, it returns one problem that says so.
func (s *Scope) explainHole(text string, problems []Problem) []Problem {
	trimmed := strings.TrimSpace(text)
	p := Problem{From: len([]rune(text[:strings.Index(text, trimmed)])), Code: "foreign-template"}
	p.To = p.From + len([]rune(trimmed))
	switch m := filter.FindStringSubmatch(trimmed); {
	case trimmed == "":
		problems[0].Hint = "write what is to be shown, such as {{ data.userId }}"
		return problems
	case block.MatchString(trimmed):
		p.Message = "there are no blocks in a template here"
		p.Hint = `choose a text with {{ data.passed ? "passed" : "failed" }}, or write a rule for each case`
	case strings.HasPrefix(trimmed, "{"):
		p.Message = "a hole has two braces on each side, not three"
		p.Hint = "write {{ " + s.Qualify(strings.Trim(trimmed, "{} ")) + " }}: values are escaped for where they stand"
	case strings.HasPrefix(trimmed, "."):
		p.Message, p.Hint = "a hole starts with a dot, as in Go templates", "write {{ "+s.Qualify(trimmed[1:])+" }}"
	case m != nil:
		p.Message = noFilters
		p.Hint = `write the function in front, as in {{ upper(data.quizName) }}; for a missing value {{ data.score ?? ` +
			`"n/a" }}`
		if isFunction(m[2]) && m[3] == "" {
			p.Hint = "write {{ " + m[2] + "(" + s.Qualify(m[1]) + ") }}"
		}
	default:
		return problems
	}
	return []Problem{p}
}

// Qualify returns a name as expressions write it: a bare field becomes data.field,
// regardless of case.
func (s *Scope) Qualify(name string) string {
	last := name[strings.LastIndexByte(name, '.')+1:]
	for _, field := range s.FieldNames() {
		if strings.EqualFold(field, last) {
			return "data." + field
		}
	}
	return name
}
