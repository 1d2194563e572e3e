package document

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxSearched is how many lines after the one named by the library are searched for the
// mistake; maxAbove is how far above a line the search looks.
const (
	maxSearched = 1000
	maxAbove    = 1000
)

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// reportSyntax turns the library's message, "yaml: line 3: did not find …", into a
// problem. The message has no line number for line 1. It names the line where the
// enclosing list or object starts, so the search for the mistake begins there.
func reportSyntax(file *File, err error, report *Report) {
	line, message := 1, err.Error()
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	line = min(line, len(file.lines))
	for i := max(line-2, 0); i < min(len(file.lines), line+maxSearched); i++ {
		for _, look := range slips {
			if s, found := look(file, i); found && !insideText(file, i) {
				at := Place{
					File: file, Line: i + 1, Col: 1 + utf8.RuneCountInString(file.Line(i + 1)[:s.from]),
					Width: s.width,
				}
				report.Errorf(at, "yaml-syntax", "this is not YAML: %s", s.message).Suggest("%s", s.hint)
				return
			}
		}
	}
	for line > 1 && strings.TrimSpace(file.Line(line)) == "" {
		line--
	}
	text := file.Line(line)
	at := Place{File: file, Line: line, Col: 1 + len(text) - len(strings.TrimLeft(text, " "))}
	problem := report.Errorf(at, "yaml-syntax", "this is not YAML: %s", message)
	for _, s := range syntaxHints {
		if strings.Contains(message, s.part) {
			problem.Suggest("%s", s.hint)
			break
		}
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		problem.Message = "this is not YAML: *" + m[1] + " refers to nothing"
		for i := range file.lines {
			if at := strings.Index(file.Line(i+1), "*"+m[1]); at >= 0 {
				problem.Line, problem.Col, problem.text = i+1, at+1, file.Line(i+1)
				break
			}
		}
	}
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// syntaxHints are for errors that no slip explains.
var syntaxHints = []struct{ part, hint string }{
	{"mapping values are not allowed", "check the indentation here and above, and that no key such as do: is " +
		"missing; a text that holds a colon and a space needs quotes"},
	{"did not find expected key", "check the indentation of this line and those below: what belongs together " +
		"starts in the same column"},
	{"did not find expected '-'", "check the indentation of this line and those below: what belongs together " +
		"starts in the same column"},
	{"found unexpected end of stream", "a quote or a bracket that was opened is not closed"},
	{"did not find expected ',' or", "a value that starts with { or [ is YAML's own list or object; put quotes " +
		"round it if it is a template or an expression"},
	{"could not find expected ':'", "a key is followed by a colon and a space: when: data.score < 70"},
	{"found unknown escape character", `in double quotes a backslash starts an escape: write \\ for one, or use ` +
		`single quotes`},
	{"unknown anchor", "put quotes round a text that starts with *"},
	{"found character that cannot", "put quotes round a value that starts with a special sign"},
	{"found a tab character", "replace tabs by spaces"},
	{"block sequence entries are not", "start the list on a line of its own, below its key"},
	{"document contains excessive", "write the values out instead of using & and *"},
	{"control characters are not", "remove the control character; it was probably copied along"},
	{"did not find expected whitespace", "put quotes round a text that starts with &, ! or *"},
}

// A slip is a mistake in one line: where it is, in bytes, and what to write.
type slip struct {
	from, width   int
	message, hint string
}

// slips find common mistakes in a line, the most certain ones first.
var slips = []func(*File, int) (slip, bool){
	strayMark, commentInText, quotesInFlow, unquotedHole, badEscape, expressionInFlow, quotedStart,
	bracketStart, specialStart, colonInText, openQuote, missingSpace, dashAmidKeys, belowItsDash, tooFarRight,
	fitsNowhere, missingColon,
}

// strayMark finds what is not YAML at all: marks used in documents and web pages.
func strayMark(file *File, i int) (slip, bool) {
	text := file.Line(i + 1)
	indent := indentOf(file, i)
	rest := []rune(text[indent:])
	switch {
	case strings.HasPrefix(text[indent:], "```"):
		return slip{indent, len(rest), "the line is a mark of a formatted document", "delete it"}, true
	case len(rest) > 1 && strings.ContainsRune("–—•·●*", rest[0]) && rest[1] == ' ':
		return slip{indent, 1, fmt.Sprintf("%c is not a hyphen", rest[0]), "write a plain hyphen and a space: - "}, true
	}
	return slip{}, false
}

// unknownEscape matches a backslash in double quotes that does not start a YAML escape.
var unknownEscape = regexp.MustCompile(`^"(?:[^"\\]|\\[0abtnvfre "/\\N_LPxuU])*(\\[^0abtnvfre "/\\N_LPxuU])`)

func badEscape(file *File, i int) (slip, bool) {
	_, value, from := keyAndValue(file, i)
	m := unknownEscape.FindStringSubmatchIndex(value)
	if m == nil {
		return slip{}, false
	}
	return slip{
		from + m[2], 2, value[m[2]:m[3]] + " is not an escape in double quotes",
		`write single quotes outside; in a text inside an expression a backslash is written twice: '… matches "\\d+"'`,
	}, true
}

var bracketThenMore = regexp.MustCompile(`^(\[[^\[\]]*\]|\{[^{}]*\})\s*[^\s#,}\]]`)

func bracketStart(file *File, i int) (slip, bool) {
	key, value, from := keyAndValue(file, i)
	m := bracketThenMore.FindStringSubmatch(value)
	if m == nil {
		return slip{}, false
	}
	return slip{
		from, utf8.RuneCountInString(m[1]), fmt.Sprintf("%s is taken for the whole value, and more follows", m[1]),
		fmt.Sprintf("put quotes round all of it: %s: %s", key, inQuotes(value)),
	}, true
}

// dashAmidKeys finds a dash before a key among the keys of one object.
func dashAmidKeys(file *File, i int) (slip, bool) {
	above := i - 1
	for above >= 0 && isBlank(file, above) {
		above--
	}
	if above < 0 || !strings.HasPrefix(strings.TrimSpace(file.Line(i+1)), "- ") || insideBlock(file, i) {
		return slip{}, false
	}
	_, value, _ := keyAndValue(file, above)
	if value == "" || indentOf(file, i) != keyColumn(file, above) {
		return slip{}, false
	}
	return slip{
		indentOf(file, i), 1, "a dash among the keys of one entry",
		"one dash stands in front of an entry's first key only: leave this one out, or put one there",
	}, true
}

// belowItsDash finds a line that starts directly below the dash of its own entry.
func belowItsDash(file *File, i int) (slip, bool) {
	text := strings.TrimSpace(file.Line(i + 1))
	if isBlank(file, i) || strings.HasPrefix(text, "-") || insideBlock(file, i) {
		return slip{}, false
	}
	indent := indentOf(file, i)
	for above := i - 1; above >= max(0, i-maxAbove); above-- {
		if isBlank(file, above) || insideBlock(file, above) || indentOf(file, above) > indent {
			continue
		}
		column := keyColumn(file, above)
		if indentOf(file, above) < indent || column == indent || indent == 0 {
			return slip{}, false
		}
		key, _, _ := strings.Cut(text, ":")
		return slip{
			indent, utf8.RuneCountInString(key), key + " starts right below a dash",
			fmt.Sprintf("it belongs to the entry behind the dash: put %d spaces in front", column),
		}, true
	}
	return slip{}, false
}

// entryLine splits a line: "  - key: value" has its value at from. The value is empty if
// the line is not a key with a value.
var entryLine = regexp.MustCompile(`^( *(?:- +)*)([A-Za-z_][\w. -]*?)(: +)(\S.*)$`)

func keyAndValue(file *File, i int) (key, value string, from int) {
	text := file.Line(i + 1)
	m := entryLine.FindStringSubmatchIndex(text)
	if m == nil {
		return "", "", 0
	}
	return text[m[4]:m[5]], strings.TrimRight(text[m[8]:m[9]], " "), m[8]
}

// holeInFlow matches an unquoted hole inside braces or brackets.
var holeInFlow = regexp.MustCompile(`[{\[].*(?:: +|, +|\[)((?:[^\s"'{}\[\],][^"'{}\[\],]*)?\{\{[^}]*\}\}[^,\]}"']*)`)

func unquotedHole(file *File, i int) (slip, bool) {
	_, value, from := keyAndValue(file, i)
	m := holeInFlow.FindStringSubmatchIndex(file.Line(i + 1))
	isQuoted := strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'")
	if m != nil && !isQuoted && !strings.HasPrefix(value, "{{") {
		hole := strings.TrimSpace(file.Line(i + 1)[m[2]:m[3]])
		message := "a text that starts with {{ needs quotes"
		if !strings.HasPrefix(hole, "{{") {
			message = "a text that holds {{ needs quotes inside of braces and brackets"
		}
		return slip{m[2], utf8.RuneCountInString(hole), message, "put quotes round it: " + inQuotes(hole)}, true
	}
	if !strings.HasPrefix(value, "{{") {
		return slip{}, false
	}
	return slip{
		from, 2, "a text that starts with {{ needs quotes",
		fmt.Sprintf("put quotes round the whole text: %s", inQuotes(value)),
	}, true
}

var quotedThenMore = regexp.MustCompile(`^("(?:[^"\\]|\\.)*"|'[^']*')\s*[^\s#,}\]]`)

func quotedStart(file *File, i int) (slip, bool) {
	key, value, from := keyAndValue(file, i)
	m := quotedThenMore.FindStringSubmatch(value)
	if m == nil {
		return slip{}, false
	}
	if quote := value[:1]; strings.HasSuffix(value, quote) && strings.Count(value, quote) > 2 {
		inside := value[1 : len(value)-1]
		return slip{
			from, utf8.RuneCountInString(m[1]), "the text ends at its second quote, and more follows",
			fmt.Sprintf("write the outer quotes as the other kind: %s: %s", key, inQuotes(inside)),
		}, true
	}
	return slip{
		from, utf8.RuneCountInString(m[1]), fmt.Sprintf("%s is taken for the whole value, and more follows", m[1]),
		fmt.Sprintf("put quotes round all of it: %s: %s", key, inQuotes(value)),
	}, true
}

// textInFlow matches the start of a double-quoted text inside braces or brackets.
var textInFlow = regexp.MustCompile(`[{\[,] *(?:(\w+): *)?(")`)

// quotesInFlow finds a text in braces or brackets with its own kind of quotes inside a
// hole.
func quotesInFlow(file *File, i int) (slip, bool) {
	text := file.Line(i + 1)
	for _, m := range textInFlow.FindAllStringSubmatchIndex(text, -1) {
		from := m[4]
		end, inHole := endOfHoles(text[from+1:])
		if end < 0 || !inHole {
			continue
		}
		whole, key := text[from:from+1+end+1], ""
		if m[2] >= 0 {
			key = text[m[2]:m[3]] + ": "
		}
		return slip{
			from, utf8.RuneCountInString(whole), "the text ends at its second quote, and more follows",
			"write the outer quotes as the other kind: " + key + inQuotes(whole[1:len(whole)-1]),
		}, true
	}
	return slip{}, false
}

// valueInFlow matches an unquoted value in braces that contains a question mark followed
// by a blank, or a bracket.
var valueInFlow = regexp.MustCompile(`[{,] *(\w+): +([^\s"'{}\[\],][^"'{}\[\],]*(?:\?\s|\[))`)

// expressionInFlow finds an expression inside braces, such as user.active ?? true or
// row["Score"], in which YAML sees the start of a key or a list.
func expressionInFlow(file *File, i int) (slip, bool) {
	text := file.Line(i + 1)
	m := valueInFlow.FindStringSubmatchIndex(text)
	if m == nil {
		return slip{}, false
	}
	key, value := text[m[2]:m[3]], strings.TrimSpace(text[m[4]:m[4]+endOfValue(text[m[4]:])])
	return slip{
		m[4], utf8.RuneCountInString(value), "inside braces an expression with ? or [ needs quotes",
		fmt.Sprintf("put quotes round the value: %s: %s", key, inQuotes(value)),
	}, true
}

// endOfValue returns where an expression in braces ends.
func endOfValue(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case '"', '\'':
			if end := strings.IndexByte(text[i+1:], c); end >= 0 {
				i += end + 1
			}
		case ',', '}':
			if depth <= 0 {
				return i
			}
		}
	}
	return len(text)
}

// endOfHoles returns where a double-quoted text ends if quotes inside {{ and }} are taken
// for part of it, or -1 if it does not end, and reports whether there are such quotes.
func endOfHoles(text string) (end int, quotes bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '"':
			return i, quotes
		case strings.HasPrefix(text[i:], "{{"):
			hole, _, closed := strings.Cut(text[i:], "}}")
			if !closed {
				return -1, false
			}
			quotes = quotes || strings.Contains(strings.ReplaceAll(hole, `\"`, ""), `"`)
			i += len(hole) + 1
		}
	}
	return -1, false
}

var anchored = regexp.MustCompile(`^[&*]\w[\w-]*( |$)`)

func specialStart(file *File, i int) (slip, bool) {
	_, value, from := keyAndValue(file, i)
	isAnchor := anchored.MatchString(value) && !strings.HasPrefix(value, "*")
	if value == "" || !strings.ContainsRune("@`%&*", rune(value[0])) || isAnchor {
		return slip{}, false
	}
	if strings.HasPrefix(value, "*") && anchored.MatchString(value) && !strings.Contains(value, " ") {
		return slip{}, false // an alias; whether it exists is another question
	}
	return slip{from, utf8.RuneCountInString(value), fmt.Sprintf("a value cannot start with %c without quotes",
		value[0]), "put quotes round it: " + inQuotes(value)}, true
}

// holders are keys whose value is an object or a list, never a text.
var holders = []string{
	"actions", "rules", "do", "given", "expect", "data", "tests", "events", "fields", "slack",
	"http", "email", "log", "retry", "headers", "query", "json", "form", "blocks",
}

func colonInText(file *File, i int) (slip, bool) {
	key, value, from := keyAndValue(file, i)
	at := strings.Index(value, ": ")
	if strings.HasSuffix(value, ":") {
		at = len(value) - 1
	}
	if at < 0 || strings.ContainsAny(value[:1], `"'{[|>&*!#`) || strings.Contains(value[:at], " #") {
		return slip{}, false
	}
	if name, rest, _ := strings.Cut(value, ": "); name == "env" || name == "file" {
		return slip{
			from, utf8.RuneCountInString(value), "env and file stand in braces",
			fmt.Sprintf("write %s: {%s: %s}", key, name, rest),
		}, true
	}
	if slices.Contains(holders, key) {
		return slip{
			from, utf8.RuneCountInString(value), "what belongs to " + key + " starts on a line of its own",
			"start a new line after " + key + ": and write it there, with two more spaces in front",
		}, true
	}
	if strings.HasPrefix(value, "Bearer {env") || strings.HasPrefix(value, "Basic {env") {
		return slip{
			from, utf8.RuneCountInString(value), "what stands in braces must stand alone",
			fmt.Sprintf("write %s: {env: NAME}; the variable then holds Bearer and the token", key),
		}, true
	}
	return slip{
		from + at, 1, "a text that holds a colon and a space needs quotes",
		fmt.Sprintf("put quotes round it: %s: %s", key, inQuotes(value)),
	}, true
}

// openQuote finds a value whose quote is not closed on its line, where the
// next line is an entry again.
func openQuote(file *File, i int) (slip, bool) {
	quote, open := opensQuote(file, i)
	if !open || endOfQuote(file, i, quote) > 0 || i+1 < len(file.lines) && strings.TrimSpace(file.Line(i+2)) != "" &&
		!entryLine.MatchString(file.Line(i+2)) {
		return slip{}, false
	}
	_, value, from := keyAndValue(file, i)
	return slip{from, 1, "the quote is not closed", "close it at the end of the text: " + value + quote}, true
}

// endOfQuote returns the line, counted from 0, on which the quoted text that starts on
// line i ends, or -1 if the next quote below starts another text.
func endOfQuote(file *File, i int, quote string) int {
	for n := i + 1; n < len(file.lines); n++ {
		before, _, found := strings.Cut(file.Line(n+1), quote)
		if !found {
			continue
		}
		if strings.HasSuffix(before, ": ") || strings.HasSuffix(before, "- ") || strings.HasSuffix(before, "[") {
			return -1
		}
		return n
	}
	return -1
}

// insideText reports whether a line continues a text that started above it, in a block or
// in quotes.
func insideText(file *File, i int) bool {
	for above := i - 1; above >= max(0, i-maxAbove); above-- {
		if quote, open := opensQuote(file, above); open {
			return endOfQuote(file, above, quote) >= i
		}
		if entryLine.MatchString(file.Line(above + 1)) {
			break
		}
	}
	return insideBlock(file, i)
}

// opensQuote reports whether the value of a line starts with a quote that is not closed
// on the line, and returns the quote.
func opensQuote(file *File, i int) (quote string, open bool) {
	_, value, _ := keyAndValue(file, i)
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return "", false
	}
	quote = value[:1]
	inside := strings.ReplaceAll(strings.ReplaceAll(value[1:], `\`+quote, ""), quote+quote, "")
	return quote, !strings.Contains(inside, quote)
}

var noSpace = regexp.MustCompile(`^( *(?:- +)*)([a-z_]+):([^\s:/].*)$`)

func missingSpace(file *File, i int) (slip, bool) {
	text := file.Line(i + 1)
	m := noSpace.FindStringSubmatchIndex(text)
	if m == nil {
		return slip{}, false
	}
	return slip{
		m[5], 1, "a key is followed by a colon and a space",
		fmt.Sprintf("write %s: %s", text[m[4]:m[5]], text[m[6]:m[7]]),
	}, true
}

// tooFarRight finds a line indented further than an entry above it that already has a
// value.
func tooFarRight(file *File, i int) (slip, bool) {
	above := i - 1
	for above >= 0 && isBlank(file, above) {
		above--
	}
	if above < 0 || !entryLine.MatchString(file.Line(i+1)) && !strings.HasSuffix(strings.TrimSpace(file.Line(i+1)), ":") {
		return slip{}, false
	}
	_, value, _ := keyAndValue(file, above)
	indent, column := indentOf(file, i), keyColumn(file, above)
	if value == "" || strings.ContainsAny(value[:1], `"'{[|>&`) || indent <= column {
		return slip{}, false
	}
	return slip{
		indent, 1, "the line starts further right than the one above, which has a value already",
		fmt.Sprintf("start it in the same column as the line above, with %d spaces in front", column),
	}, true
}

// fitsNowhere finds a line that starts in a column in which no line above it starts.
func fitsNowhere(file *File, i int) (slip, bool) {
	if isBlank(file, i) || insideBlock(file, i) {
		return slip{}, false
	}
	indent, nearest := indentOf(file, i), -1
	for above := i - 1; above >= max(0, i-maxAbove); above-- {
		if isBlank(file, above) || insideBlock(file, above) {
			continue
		}
		start, column := indentOf(file, above), keyColumn(file, above)
		if start == indent || column == indent {
			return slip{}, false
		}
		if above == i-1 && column < indent {
			return slip{}, false // it opens something
		}
		if nearest < 0 || abs(column-indent) < abs(nearest-indent) {
			nearest = column
		}
		if start < indent {
			break
		}
	}
	if nearest < 0 {
		return slip{}, false
	}
	return slip{
		indent, 1, "the line starts in a column where nothing above it starts",
		fmt.Sprintf("what belongs together starts in the same column: put %d spaces in front", nearest),
	}, true
}

func abs(n int) int { return max(n, -n) }

var noColon = regexp.MustCompile(`^ *(?:- +)*([a-z_]+) +([^\s:][^:]*)$`)

// commonKeys are keys after which a missing colon is a likely mistake.
var commonKeys = []string{
	"name", "description", "on", "when", "do", "action", "text", "channel", "method", "path",
	"to", "subject", "token", "url",
}

func missingColon(file *File, i int) (slip, bool) {
	text := file.Line(i + 1)
	m := noColon.FindStringSubmatchIndex(text)
	if m == nil || !slices.Contains(commonKeys, text[m[2]:m[3]]) {
		return slip{}, false
	}
	return slip{
		m[3], 1, "a key is followed by a colon and a space",
		fmt.Sprintf("write %s: %s", text[m[2]:m[3]], text[m[4]:m[5]]),
	}, true
}

func isBlank(file *File, i int) bool {
	text := strings.TrimSpace(file.Line(i + 1))
	return text == "" || strings.HasPrefix(text, "#")
}

func indentOf(file *File, i int) int {
	text := file.Line(i + 1)
	return len(text) - len(strings.TrimLeft(text, " "))
}

// keyColumn returns where a line's key starts, after its dashes.
func keyColumn(file *File, i int) int {
	text := file.Line(i + 1)
	return len(text) - len(strings.TrimLeft(text, " -"))
}

// inQuotes returns a text quoted so that YAML takes it as a whole.
func inQuotes(text string) string {
	if strings.Contains(text, `"`) || strings.Contains(text, `\`) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return `"` + text + `"`
}
