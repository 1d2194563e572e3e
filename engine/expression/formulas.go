package expression

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What people bring along from spreadsheets and SQL are functions that are
// signs here: AND(a, b), ISBLANK(a), IF(a; b; c), VLOOKUP(a, table, 2). The hint
// says the same in this language, made of what was written.

// formula is a call of such a function in a text. Places count its characters.
type formula struct {
	name              string
	from, open, close int   // the name's start and the brackets'
	between           []int // the separators
}

// formulaKinds are what the functions mean, by their names in small letters.
var formulaKinds = func() map[string]formulaKind {
	kinds := map[string]formulaKind{}
	for names, kind := range map[string]formulaKind{
		"and und et":               {"and and or stand between two conditions", joined(" and ")},
		"or oder ou":               {"and and or stand between two conditions", joined(" or ")},
		"concatenate":              {"texts are joined with +", joined(" + ")},
		"ifnull coalesce nvl ifna": {"a substitute for a missing value stands behind ??", joined(" ?? ")},
		"isblank isempty isnull is_null isna istleer": {"a missing value is asked for by a comparison", askedForNil},
		"if iif wenn si": {"IF(…) is a spreadsheet's", chosen},
		"vlookup hlookup xlookup sverweis xverweis wverweis recherchev buscarv": {"tables are asked by lookup, with the name of a column", lookedUp},
		"len lower upper trim round max min abs":                                {"functions are written in lower case", lowered},
	} {
		for _, name := range strings.Fields(names) {
			kinds[name] = kind
		}
	}
	return kinds
}()

type formulaKind struct {
	message string
	// mend writes the call anew; false if it is none of that kind.
	mend func(s *Scope, m *mended, f formula) bool
}

// maxFormulas bounds how many are looked for at once: mending them costs as much
// as the text is long, each.
const maxFormulas = 20

var formulaName = regexp.MustCompile(`(?i)\b([a-z_]+)\s*\(`)

// findFormulas finds the calls and writes them anew in m.
func (s *Scope) findFormulas(m *mended) []formula {
	code := []rune(m.code)
	var found []formula
	tried := 0
	for _, at := range formulaName.FindAllStringSubmatchIndex(m.code, -1) {
		f := formula{name: m.code[at[2]:at[3]], from: len([]rune(m.code[:at[2]])), open: len([]rune(m.code[:at[1]])) - 1}
		kind, known := formulaKinds[strings.ToLower(f.name)]
		if !known || m.skip[f.from] || !startsOperand(code[:f.from]) {
			continue
		}
		if tried++; tried > maxFormulas {
			break
		}
		f.close, f.between = separators(code, f.open)
		if f.close < len(code) && kind.mend(s, m, f) {
			found = append(found, f)
		}
	}
	return found
}

// startsOperand says whether a value may stand behind the text: otherwise and
// ( is what it should be.
func startsOperand(before []rune) bool {
	text := strings.TrimRight(string(before), " \t\n")
	if text == "" || strings.ContainsRune("(,;[=<>!&|?:+-*/", rune(text[len(text)-1])) {
		return true
	}
	word := strings.ToLower(text[strings.LastIndexFunc(text, func(r rune) bool { return r == ' ' || r == '(' || r == '\n' })+1:])
	return slices.Contains([]string{"and", "or", "not", "in"}, word)
}

// separators are where the values of a bracket end: at semicolons if it has any,
// else at commas. A comma beside a semicolon belongs to a number.
func separators(code []rune, open int) (end int, between []int) {
	var commas, semicolons []int
	depth := 0
	for end = open; end < len(code); end++ {
		switch r := code[end]; {
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case depth == 1 && r == ',':
			commas = append(commas, end)
		case depth == 1 && r == ';':
			semicolons = append(semicolons, end)
		}
		if depth == 0 {
			break
		}
	}
	if len(semicolons) > 0 {
		return end, semicolons
	}
	return end, commas
}

// put writes another text instead of a part and the spaces behind it.
func (m *mended) put(from, to int, text string) {
	for to < len(m.runes) && m.runes[to] == ' ' {
		to++
	}
	m.replace(Problem{From: from, To: to}, text)
}

func joined(sign string) func(*Scope, *mended, formula) bool {
	return func(_ *Scope, m *mended, f formula) bool {
		if len(f.between) == 0 {
			return false
		}
		m.put(f.from, f.open+1, "(")
		for _, at := range f.between {
			m.put(at, at+1, sign)
		}
		return true
	}
}

func askedForNil(_ *Scope, m *mended, f formula) bool {
	m.put(f.from, f.open+1, "(")
	m.replace(Problem{From: f.close, To: f.close + 1}, " == nil)")
	return len(f.between) == 0
}

// chosen is IF(condition, then, else); where it only says true and false it is the
// condition.
func chosen(_ *Scope, m *mended, f formula) bool {
	if len(f.between) == 0 || len(f.between) > 2 {
		return false
	}
	rest := strings.ToLower(strings.Join(strings.Fields(string(m.runes[f.between[0]+1:f.close])), ""))
	if len(f.between) == 1 && !slices.Contains([]string{"true", "wahr", "1"}, rest) {
		return false // what it is otherwise is not said
	}
	m.put(f.from, f.open+1, "(")
	switch {
	case len(f.between) == 1, slices.Contains([]string{"true,false", "true;false", "wahr;falsch", "1,0", "1;0"}, rest):
		m.replace(Problem{From: f.between[0], To: f.close}, " ")
	default:
		m.put(f.between[0], f.between[0]+1, " ? ")
		m.put(f.between[1], f.between[1]+1, " : ")
	}
	return true
}

// lookedUp is VLOOKUP(key, table, column's number).
func lookedUp(s *Scope, m *mended, f formula) bool {
	if len(f.between) == 0 {
		return false
	}
	rest := string(m.runes[f.between[0]+1 : f.close])
	words := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(",;! \"'", r) })
	table := s.anyTable()
	if i := slices.IndexFunc(words, func(word string) bool { _, known := s.tables[word]; return known }); i >= 0 {
		table = words[i]
	}
	column, columns := "", s.tables[table].Columns
	for _, word := range words {
		if n, err := strconv.Atoi(word); err == nil && 1 < n && n <= len(columns) {
			column = columns[n-1]
		}
	}
	start, end, _ := strings.Cut(s.cell(table, "\x00", column), "\x00")
	m.put(f.from, f.open+1, start)
	m.replace(Problem{From: f.between[0], To: f.close + 1}, end)
	return true
}

func lowered(_ *Scope, m *mended, f formula) bool {
	m.replace(Problem{From: f.from, To: f.open}, strings.ToLower(f.name))
	return f.name == strings.ToUpper(f.name)
}

// fault is what is wrong with a formula, once all of the text is mended.
func (f formula) fault(m *mended) Problem {
	kind := formulaKinds[strings.ToLower(f.name)]
	meant := strings.Join(strings.Fields(m.between(f.from, f.close+1)), " ")
	outside := strings.TrimLeft(string(m.runes[:f.from]), " =") + strings.TrimSpace(string(m.runes[f.close+1:]))
	if inner, wrapped := strings.CutPrefix(meant, "("); wrapped && outside == "" {
		meant = strings.TrimSpace(strings.TrimSuffix(inner, ")"))
	}
	return Problem{From: f.from, To: f.from + len([]rune(f.name)), Code: "syntax", Message: kind.message, Hint: "write " + meant}
}

const (
	commasBetween   = "values in brackets are separated by commas"
	commaInNumber   = "a comma inside a number"
	decimalHasPoint = "a decimal has a point: "
)

// findSemicolons finds semicolons between values in brackets, and the commas
// beside them, which are decimal points.
func findSemicolons(m *mended) []Problem {
	code := []rune(m.code)
	commas := map[int]Problem{}
	for _, f := range decimalCommas(m.code) {
		commas[f.From] = f
	}
	type bracket struct {
		sign           rune
		semicolon      bool
		numbersWritten []Problem // with a comma
	}
	var faults []Problem
	open := []bracket{{}}
	for i, r := range code {
		inner := &open[len(open)-1]
		switch {
		case strings.ContainsRune("([{", r):
			open = append(open, bracket{sign: r})
		case strings.ContainsRune(")]}", r) && len(open) > 1:
			if inner.semicolon {
				faults = append(faults, inner.numbersWritten...)
			}
			open = open[:len(open)-1]
		case r == ';' && inner.sign == '(':
			inner.semicolon = true
			if !m.skip[i] {
				faults = append(faults, Problem{From: i, To: i + 1, Code: "syntax", Message: commasBetween, Hint: "write , instead of ;"})
			}
		case r == ',' && commas[i].To > 0 && !m.skip[i]:
			inner.numbersWritten = append(inner.numbersWritten, commas[i])
		}
	}
	for _, f := range faults {
		if f.Message == commasBetween {
			m.put(f.From, f.To, ", ")
		} else {
			m.replace(f, ".")
		}
	}
	return faults
}

var decimalComma = regexp.MustCompile(`\b\d+(,)\d+\b`)

// decimalCommas are the commas between two digits.
func decimalCommas(code string) []Problem {
	var faults []Problem
	for _, at := range decimalComma.FindAllStringSubmatchIndex(code, -1) {
		comma := len([]rune(code[:at[2]]))
		faults = append(faults, Problem{
			From: comma, To: comma + 1, Code: "syntax", Message: commaInNumber,
			Hint: decimalHasPoint + strings.Replace(code[at[0]:at[1]], ",", ".", 1),
		})
	}
	return faults
}
