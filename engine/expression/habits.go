package expression

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// habit is what people write who come from another language: JavaScript,
// Python, SQL, a spreadsheet, a document.
type habit struct {
	// pattern finds it outside of quotes; its last group, or the whole match
	// without one, is what is wrong.
	pattern       *regexp.Regexp
	message, hint string
	// meant is what it stands for, so that the rest can be checked; empty if
	// that cannot be said.
	meant string
}

var habits = []habit{
	{regexp.MustCompile(`&lt;|&gt;|&amp;|&nbsp;|&quot;`), "a sign of HTML (copied from a web page?)", "write the sign itself: <, >, and, a space, a quote", ""},
	{regexp.MustCompile(`^\s*(=)\s*[^=]`), "a formula's = at the start", "leave it out", " "},
	{regexp.MustCompile("^\\s*(\\*\\*|`)|(\\*\\*|`)\\s*$"), "a mark of a formatted document", "leave ** and backticks out", " "},
	{regexp.MustCompile(`[−–—]`), "a dash that is no minus (copied from a document?)", "write -", "-"},
	{regexp.MustCompile(`×`), "× is no multiplication here", "write *", "*"},
	{regexp.MustCompile(`÷`), "÷ is no division here", "write /", "/"},
	{regexp.MustCompile(`[<>]\s+(=)[^=]`), "<= and >= are written without a space", "write <= or >=", ""},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`), "a date stands in quotes, inside date(…)", `write it as in date("2026-01-31")`, `now`},
	{regexp.MustCompile(`\b\d\d?[./]\d\d?[./]\d{4}\b`), "a date stands in quotes, inside date(…), the year first", `write it as in date("2026-01-31"), which is 31 January`, `now`},
	{regexp.MustCompile(`\b\d\d?:\d\d\b`), "a time of day is no number", `compare the hour, as in hour(now, "Asia/Kolkata") >= 17, or texts, as in format(now, "15:04", "Asia/Kolkata") >= "17:30"`, ""},
	{regexp.MustCompile(`(?i)\bin\s+(?:the\s+)?last\s+\d+\s+(?:days?|hours?|weeks?|minutes?)\b`), "a time is compared with a time", "write it as data.completedAt > now - days(7), with your field and number", ""},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(is +(?:one|any) +of|(?:one|any) +of)\b`), "the word is in", `write data.quizType in ["graded", "final"]`, "in"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(does +not +(?:contain|include)s?|doesn.t +(?:contain|include)s?)\b`), "the words are not contains", `write data.quizName not contains "call"`, "not contains"},
	{regexp.MustCompile(`(!)(?:contains|in|startsWith|endsWith|matches)\b`), "the word is not", `write not contains, not in`, "not "},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(exists?|is +(?:set|present|given|there))\b`), "the question whether there is a value is a comparison", "write != nil", "!= nil"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(unless|except(?: +when)?)\b`), "there is no unless", "write and not (…)", "and not"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(else|otherwise)\b`), "there is no else: a rule acts or does not", "write a second rule for the other case", ""},
	{regexp.MustCompile(`[\w)\]"'] +(und|et|y|e|en)\b`), "the word is and", "write and", "and"},
	{regexp.MustCompile(`[\w)\]"'] +(oder|ou|o)\b`), "the word is or", "write or", "or"},
	{regexp.MustCompile(`[\w)\]"'] +(and/or)\b`), "and/or is or", "write or", "or"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(lt|below|under)\b`), "a comparison is written with a sign", "write <", "<"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(gt|above|over)\b`), "a comparison is written with a sign", "write >", ">"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(lte|le|at +most)\b`), "a comparison is written with a sign", "write <=", "<="},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(gte|ge|at +least)\b`), "a comparison is written with a sign", "write >=", ">="},
	{regexp.MustCompile(`\b\d+ ?(d|days?|h|hours?|min|mins|minutes?|weeks?)\b`), "a duration is a function of a number", "write days(7), hours(2), minutes(45); in seconds a plain number: 45 * 60", ""},
	{regexp.MustCompile(`\b(days|hours|minutes|weeks) +\d`), "a duration is a function of a number", "write days(7), with brackets", ""},
	{regexp.MustCompile(`\b\d+ (points?|seconds?|secs?)\b`), "a number stands without its unit", "leave the unit out", " "},
	{regexp.MustCompile(`\b\d+ (percent|pct)\b`), "a percent sign stands behind a number", "write 70 for 70 % of a value that runs to 100, 0.7 for a share such as data.score / data.maxScore", " "},
	{regexp.MustCompile(`\b\d+ (times)\b`), "a rule sees one event and counts no others", nothingInstead, " "},
	{regexp.MustCompile(`\b\d+( +)\d+\b`), "a space inside a number", "write 1000 or 1_000", ""},
	{regexp.MustCompile(`\bin\s+\d+(\s*-\s*)\d+`), "a range is written with two points", "write 60 <= data.score and data.score <= 70; in 60..70 holds whole numbers only", ".."},
	{regexp.MustCompile(`\bin\s*(\[)\s*[^\[\]]*\.\.`), "a range stands without brackets", "write 60 <= data.score and data.score <= 70; in 60..70 holds whole numbers only", ""},
	{regexp.MustCompile(`["'](\s*\|\s*)["']`), "alternatives stand in a list", `write data.quizType in ["graded", "final"]`, ""},
	{regexp.MustCompile(`[\w)]\s+(xor)\b`), "there is no xor", "write data.passed != (data.score < 70)", "or"},
	{regexp.MustCompile(`(==\s*(?:one|any)\s+of)\b`), "the word is in", `write data.quizType in ["graded", "final"]`, "in"},
	{regexp.MustCompile(`\[[^\]]*["'](\s+)["'][^\]]*\]`), "a comma is missing in the list", `write ["graded", "final"]`, ", "},
	{regexp.MustCompile(`\b(data) +(?:score|passed|quiz\w+|user\w+|email|role|reason)\b`), "a field stands behind a point", "write data.score", ""},
	{regexp.MustCompile(`^\s*(no)\s+data\.`), "the word is not", "write not data.passed", "not"},
	{regexp.MustCompile(`(^|\s)(--)\s`), "-- starts no comment here", "put the comment on a line of its own above the key, with # in front", ""},
	{regexp.MustCompile(`\.(toFixed|Format|format|getDay|getHours|hour|day|year|month)\b`), "functions stand in front of what they work on", `write round(data.score, 1), hour(now, "UTC"), weekday(now, "UTC"), format(now, "2006-01-02", "UTC")`, ""},
	{regexp.MustCompile(`(?i)\bis\s+not\s+(?:null|nil|none|empty|missing|blank|undefined|defined)\b`), "the question whether there is a value is a comparison", "write != nil", "!= nil"},
	{regexp.MustCompile(`(?i)\bis\s+(?:null|nil|none|empty|missing|blank|undefined)\b`), "the question whether there is a value is a comparison", "write == nil", "== nil"},
	{regexp.MustCompile(`[“”„‘’«»]`), typographic, `write straight quotes: "…"`, `"`},
	{regexp.MustCompile(`[\x{00a0}\x{2007}\x{202f}\x{200b}\x{feff}]`), noPlainSpace, "delete it and type a space", " "},
	{regexp.MustCompile(`≤`), "≤ is written with two signs here", "write <=", "<="},
	{regexp.MustCompile(`≥`), "≥ is written with two signs here", "write >=", ">="},
	{regexp.MustCompile(`≠`), "≠ is written with two signs here", "write !=", "!="},
	{regexp.MustCompile(`===`), "=== is JavaScript", "write ==", "=="},
	{regexp.MustCompile(`!==`), "!== is JavaScript", "write !=", "!="},
	{regexp.MustCompile(`<>`), "<> does not exist here", "write !=", "!="},
	{regexp.MustCompile(`=~|~=`), "a match is written as a word here", `write matches: data.quizName matches "^Discovery"`, "matches"},
	{regexp.MustCompile(`=>`), "=> does not exist here", "write >=", ">="},
	{regexp.MustCompile(`(?:^|[^<>=!])(=<)`), "=< does not exist here", "write <=", "<="},
	{regexp.MustCompile(`(?:^|[^=])(=!)`), "=! does not exist here", "write !=", "!="},
	{regexp.MustCompile(`\bAND\b`), "AND is written in lower case", "write and", "and"},
	{regexp.MustCompile(`\bOR\b`), "OR is written in lower case", "write or", "or"},
	{regexp.MustCompile(`\bNOT\b`), "NOT is written in lower case", "write not", "not"},
	{regexp.MustCompile(`\b(IN)\s*[\[(]`), "IN is written in lower case", "write in", "in"},
	{regexp.MustCompile(`(?:^|[^&])(&)(?:$|[^&])`), "a single &", "write and", "and"},
	{regexp.MustCompile(`\b(?:TRUE|True|WAHR|VRAI|VERDADERO)\b`), "true and false are written in lower case", "write true", "true"},
	{regexp.MustCompile(`\b(?:FALSE|False|FALSCH|FAUX|FALSO)\b`), "true and false are written in lower case", "write false", "false"},
	{regexp.MustCompile(`\b(?:null|NULL|None|undefined)\b`), "a missing value is written nil", "write == nil or != nil", "nil"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(is +not|not +equals?(?: +to)?|does +not +equal)\b`), "a comparison is written with a sign", "write !=", "!="},
	{regexp.MustCompile(`(?i)[\w)\]"'] +((?:is +)?(?:less|smaller|lower) +than)\b`), "a comparison is written with a sign", "write <", "<"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +((?:is +)?(?:greater|more|larger|higher) +than)\b`), "a comparison is written with a sign", "write >", ">"},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(is|equals?(?: +to)?|eq)\b`), "a comparison is written with a sign", "write ==", "=="},
	{regexp.MustCompile(`(?i)\bbetween\b`), "between does not exist here", "write 60 <= data.score and data.score <= 70", ""},
	{regexp.MustCompile(`(?i)[\w)\]"'] +(i?like)\b`), "like is SQL", `write contains, startsWith, endsWith, or matches for a pattern`, "contains"},
	{regexp.MustCompile(`[\w)\]"'] +(starts +with|startswith|begins +with|StartsWith)\b`), "startsWith is one word, with a capital W", "write startsWith", "startsWith"},
	{regexp.MustCompile(`[\w)\]"'] +(ends +with|endswith|EndsWith)\b`), "endsWith is one word, with a capital W", "write endsWith", "endsWith"},
	{regexp.MustCompile(`[\w)\]"'] +(includes?|has|Contains|CONTAINS)\b`), "the word is contains", "write contains", "contains"},
	{regexp.MustCompile(`(?:^|[(]|\b(?:and|or|not)\s)\s*(contains|startsWith|endsWith|matches)\s*\(`), "this is a word between two texts", `write data.quizName contains "x", startsWith, endsWith, or matches`, ""},
	{regexp.MustCompile(`\b(?:and|or)\s*(<=?|>=?|==|!=)`), "a comparison needs both its sides, also behind and or or", "name the field again: data.score > 60 and data.score < 70", ""},
	{regexp.MustCompile(`(?i)\bin\s*(\()`), "a list stands in square brackets", `write data.quizType in ["graded", "final"]`, ""},
	{regexp.MustCompile(`\$\{?(?:json|event|body|data)\b|\$\{`), "a $ of another language", "write data.score, without $ and braces", ""},
	{regexp.MustCompile(`\.(length|size)\b`), "the length is a function", "write len(data.quizName)", ""},
	{regexp.MustCompile(`\.(toLowerCase|toUpperCase|lower|upper|strip|trim|split|replace|format|round|join)\(`), "functions stand in front of what they work on", "write lower(data.quizName), upper(…), trim(…), round(data.score, 1)", ""},
	{regexp.MustCompile(`\.(includes|indexOf|contains|startsWith|startswith|endsWith|endswith|match|test)\(`), "this is a word between two texts", `write data.quizName contains "x", startsWith, endsWith, or matches`, ""},
	{regexp.MustCompile(`\b(IF|IFS)\s*\(`), "IF(…) is a spreadsheet's", "write condition ? value : otherwise; in when: only the condition", ""},
	{regexp.MustCompile(`\b(ISNUMBER|ISTEXT)\s*\(`), "a missing value is asked for by a comparison", "write data.score == nil, or data.score ?? 0 for another value", ""},
	{regexp.MustCompile(`\b(TODAY|NOW|GETDATE|today)\s*\(\s*\)`), "today and now are a value here", "write now for this moment, as in now - days(7); a day is a text: format(now, \"2006-01-02\", \"UTC\")", "now"},
	{regexp.MustCompile(`\b(SUM|COUNT|DATE|CONCAT)\s*\(`), "this function of a spreadsheet does not exist here", "sum and count look at a list, date reads a text, texts are joined with +", ""},
	{regexp.MustCompile(`^\s*((?i:if|when|where))\b`), "when: is the if already", "write only the condition: data.score < 70", ""},
	{regexp.MustCompile(`\b(then|THEN)\b`), "what follows stands under do:", "write only the condition here: data.score < 70", ""},
	{regexp.MustCompile(`[0-9]\s*(%)\s*(?:$|[)]|and\b|or\b)`), "a percent sign stands behind a number", "write 70 for 70 % of a value that runs to 100, 0.7 for a share such as data.score / data.maxScore", " "},
	{regexp.MustCompile(`^[^()\[\]]*[0-9](,)[0-9]`), "a comma inside a number", "write 1000 or 1_000; a decimal has a point: 0.5", ""},
	{regexp.MustCompile(`\{\{`), bracesHere, "what stands here is an expression already: leave {{ and }} out", " "},
	{regexp.MustCompile(`\{\{.*?(\}\})`), bracesHere, "what stands here is an expression already: leave {{ and }} out", " "},
	{regexp.MustCompile(`(?:^|[^=!<>~])(=)(?:$|[^=!<>~])`), "a single =", "write == to compare", "=="},
}

// findHabits finds every habit in an expression that cannot be read, and what
// it would be without them.
func (s *Scope) findHabits(text string) ([]Problem, *mended) {
	m := newMended(text)
	formulas := s.findFormulas(m)
	faults := append(findSemicolons(m), findPipes(m)...)
	var taken []bool // by bytes
	for i, r := range []rune(m.code) {
		taken = append(taken, slices.Repeat([]bool{m.skip[i]}, utf8.RuneLen(r))...)
	}
	for _, h := range habits {
		for from := 0; ; {
			at, to, ok := h.find(m.code[from:])
			if !ok {
				break
			}
			at, to = at+from, to+from
			from = to
			if slices.Contains(taken[at:to], true) {
				continue
			}
			for i := at; i < to; i++ {
				taken[i] = true
			}
			start := len([]rune(m.code[:at]))
			faults = append(faults, Problem{From: start, To: start + len([]rune(m.code[at:to])), Code: "syntax", Message: h.message, Hint: h.hint})
			m.replace(faults[len(faults)-1], h.meant)
		}
	}
	for _, f := range formulas {
		faults = append(faults, f.fault(m))
	}
	faults = thinned(faults)
	slices.SortStableFunc(faults, func(a, b Problem) int { return cmp.Compare(a.From, b.From) })
	return faults, m
}

// find is the first place of the habit in a text, in bytes.
func (h *habit) find(code string) (from, to int, ok bool) {
	groups := h.pattern.FindStringSubmatchIndex(code)
	if groups == nil {
		return 0, 0, false
	}
	for last := len(groups) - 2; ; last -= 2 { // of groups that are alternatives one takes part
		if groups[last] >= 0 {
			return groups[last], groups[last+1], true
		}
	}
}

// thinned keeps one fault of what comes in pairs or in crowds: a quote or brace
// that opens has one that closes.
func thinned(faults []Problem) []Problem {
	seen := map[string]bool{}
	return slices.DeleteFunc(faults, func(f Problem) bool {
		again := seen[f.Hint] && (f.Message == typographic || f.Message == noPlainSpace || f.Message == bracesHere || f.Message == commasBetween)
		seen[f.Hint] = true
		return again
	})
}

const (
	typographic  = "a typographic quote"
	noPlainSpace = "a space that is no plain space (copied from a document?)"
	bracesHere   = "{{ }} does not belong here"
)

// mended is an expression with its habits replaced by what they mean.
type mended struct {
	code    string         // the expression with its texts blanked
	runes   []rune         // the expression
	instead map[int]string // by the place in runes
	skip    map[int]bool
}

func newMended(text string) *mended {
	runes := []rune(text)
	return &mended{code: outsideStrings(runes), runes: runes, instead: map[int]string{}, skip: map[int]bool{}}
}

func (m *mended) replace(f Problem, meant string) {
	if meant == "" {
		return
	}
	m.instead[f.From] = meant
	for i := f.From; i < f.To; i++ {
		m.skip[i] = true
	}
}

// text is the mended expression.
func (m *mended) text() string { return m.between(0, len(m.runes)) }

// between is a part of the mended expression.
func (m *mended) between(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		text.WriteString(m.instead[i])
		if !m.skip[i] {
			text.WriteRune(m.runes[i])
		}
	}
	return text.String()
}

// original moves a fault of the mended expression to its place in the one that
// was written.
func (m *mended) original(f Problem) Problem {
	var places []int
	for i := range m.runes {
		for range []rune(m.instead[i]) {
			places = append(places, i)
		}
		if !m.skip[i] {
			places = append(places, i)
		}
	}
	place := func(i int) int {
		if i >= len(places) {
			return len(m.runes)
		}
		return places[i]
	}
	f.From, f.To = place(f.From), place(f.To)
	f.To = max(f.To, f.From+1)
	return f
}

// outsideStrings blanks what stands in quotes, character by character, so that
// habits are found in code only.
func outsideStrings(text []rune) string {
	out := make([]rune, len(text))
	var quote rune
	for i := 0; i < len(text); i++ {
		r := text[i]
		switch {
		case quote != 0 && r == '\\' && quote != '`':
			out[i] = '_'
			if i++; i < len(text) {
				out[i] = '_'
			}
			continue
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			r = '_'
		case r == '"' || r == '\'' || r == '`':
			quote = r
		}
		out[i] = r
	}
	return string(out)
}
