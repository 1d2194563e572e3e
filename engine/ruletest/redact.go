package ruletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/layout"
)

// Redact returns fixtures without anything that identifies people. Each personal value
// becomes a pseudonym of the same kind, the same one in all fixtures and wherever another
// text mentions the value. The catalogue says what is personal; unknown fields are judged
// by name and value. The bodies are laid out as by Tidy. Recorded facts become facts
// about the pseudonyms; others are omitted. The error says which fixture is not an event.
func Redact(fixtures []Fixture, catalog *event.Catalog) ([]Fixture, error) {
	r := newRedactor(catalog)
	bodies := make([]layout.Object, len(fixtures))
	for i, f := range fixtures {
		body, err := readBody(f, catalog)
		if err != nil {
			return nil, err
		}
		bodies[i] = body
		r.learn(body)
		facts, _ := f.Facts.(expression.Recorded)
		r.learnFacts(facts)
	}
	redacted := make([]Fixture, len(fixtures))
	for i, f := range fixtures {
		var err error
		if redacted[i], err = writeBody(f.File, r.redact(bodies[i])); err != nil {
			return nil, err
		}
		redacted[i].Source = f.Source
		if facts, ok := f.Facts.(expression.Recorded); ok {
			redacted[i].Facts = r.redactFacts(facts)
		}
	}
	return redacted, nil
}

// A redactor learns the personal values of all fixtures before it replaces the first,
// since the text of one event can mention a person of another.
type redactor struct {
	catalog    *event.Catalog
	pseudonyms map[string]string // by the identities they stand for
	counts     map[string]int    // number of pseudonyms so far, by kind
	// invent, if not nil, makes a pseudonym, instead of numbering.
	invent   func(identity, kind string) string
	mentions map[string]mention
	starts   map[string]bool // the first bytes of all mentions
	lengths  []int           // of all mentions, the longest first
}

func newRedactor(catalog *event.Catalog) *redactor {
	return &redactor{
		catalog: catalog, pseudonyms: map[string]string{}, counts: map[string]int{}, mentions: map[string]mention{},
		starts: map[string]bool{},
	}
}

// A mention is a personal value to be found inside other texts.
type mention struct {
	pseudonym string
	word      bool // only as a separate word
}

// A scalar replaces a text or a number. field is the name of its field.
type scalar func(value any, field string, personal bool) any

func (r *redactor) learn(body layout.Object) {
	walkBody(body, r.learnScalar, func(key string) string {
		r.learnInside(key)
		return key
	})
}

func (r *redactor) redact(body layout.Object) layout.Object {
	return walkBody(body, r.redactScalar, func(key string) string {
		if r.isDeclared(key) {
			return key // even if a person's name is "score", that key is not a mention
		}
		return r.withoutMentions(key, true)
	})
}

// walkBody returns a body with each scalar and each key replaced.
func walkBody(body layout.Object, replace scalar, key func(string) string) layout.Object {
	eventType := ""
	walked := make(layout.Object, len(body))
	for i, m := range body {
		switch text, isText := m.Value.(string); {
		case m.Key == "event" && isText:
			eventType = text
		case m.Key == "companyId" && isText && text != "":
			m.Value = "company"
		case m.Key == "data":
			w := walker{eventType, replace, key}
			m.Value = w.walk(m.Value, "", false)
		default:
			w := walker{"", replace, key}
			m = layout.Member{Key: key(m.Key), Value: w.walk(m.Value, m.Key, isPersonal("", m.Key))}
		}
		walked[i] = m
	}
	return walked
}

type walker struct {
	eventType string // of the fields; empty inside them
	replace   scalar
	key       func(string) string
}

func (w walker) walk(value any, field string, personal bool) any {
	switch v := value.(type) {
	case layout.Object:
		return w.object(v, personal)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = w.walk(v[i], field, personal)
		}
		return list
	case string, json.Number:
		return w.replace(v, field, personal)
	default: // true, false and null identify nobody
		return value
	}
}

// object walks an object. Everything in a personal object is personal.
func (w walker) object(object layout.Object, personal bool) layout.Object {
	inside := walker{"", w.replace, w.key}
	walked := make(layout.Object, 0, len(object))
	taken := map[string]bool{}
	for _, m := range object {
		key := w.key(m.Key)
		for n := 2; taken[key]; n++ {
			key = fmt.Sprintf("%s-%d", w.key(m.Key), n)
		}
		taken[key] = true
		value := inside.walk(m.Value, m.Key, personal || isPersonal(w.eventType, m.Key))
		walked = append(walked, layout.Member{Key: key, Value: value})
	}
	return walked
}

func (r *redactor) learnScalar(value any, field string, personal bool) any {
	switch v := value.(type) {
	case json.Number:
		if personal {
			r.learnNumber(string(v))
		}
	case string:
		r.learnInside(v)
		if personal && v != "" && r.pseudonyms[identity(v)] == "" {
			r.learnText(v, field)
		}
	}
	return value
}

// learnInside learns what any text reveals, wherever it occurs.
func (r *redactor) learnInside(text string) {
	for _, address := range anEmail.FindAllString(text, -1) {
		r.learnText(address, "")
	}
	for _, number := range aPhone.FindAllString(text, -1) {
		r.learnText(number, "")
	}
	if isPhone(text) {
		r.learnText(text, "")
	}
}

func (r *redactor) learnText(text, field string) {
	kind := "text-%d"
	switch {
	case isTime(text):
		return
	case isEmail(text):
		kind = "person-%d@example.com"
	case isID(field):
		kind = "user-%d"
	}
	pseudonym := r.pseudonym(identity(text), kind)
	r.addMention(text, pseudonym, kind == "text-%d" && !isPhone(text))
}

func (r *redactor) learnNumber(literal string) {
	pseudonym := r.pseudonym(numberIdentity(literal), "%d")
	if len(literal) >= leastNumberMention {
		r.addMention(literal, pseudonym, true)
	}
}

func (r *redactor) pseudonym(identity, kind string) string {
	switch {
	case r.pseudonyms[identity] != "":
	case r.invent != nil:
		r.pseudonyms[identity] = r.invent(identity, kind)
	default:
		r.counts[kind]++
		r.pseudonyms[identity] = fmt.Sprintf(kind, r.counts[kind])
	}
	return r.pseudonyms[identity]
}

// Shorter values are not looked for inside other texts, where they occur by chance too
// often.
const (
	leastMention       = 3 // characters, and so at least as many bytes
	leastNumberMention = 5 // digits
)

func (r *redactor) addMention(text, pseudonym string, word bool) {
	if _, known := r.mentions[text]; known || utf8.RuneCountInString(text) < leastMention {
		return
	}
	r.mentions[text] = mention{pseudonym, word}
	r.starts[text[:leastMention]] = true
	longestFirst := func(a, b int) int { return cmp.Compare(b, a) }
	if at, have := slices.BinarySearchFunc(r.lengths, len(text), longestFirst); !have {
		r.lengths = slices.Insert(r.lengths, at, len(text))
	}
}

func (r *redactor) redactScalar(value any, _ string, personal bool) any {
	switch v := value.(type) {
	case json.Number:
		if personal {
			return json.Number(r.pseudonyms[numberIdentity(string(v))])
		}
	case string:
		if isTime(v) {
			return timeOf(v, personal)
		}
		if pseudonym := r.pseudonyms[identity(v)]; pseudonym != "" && (personal || isPhone(v)) {
			return pseudonym
		}
		return r.withoutMentions(v, false)
	}
	return value
}

// timeOf returns a time as it is, or, if it is personal, such as a date of birth, another
// one in the same format.
func timeOf(text string, personal bool) string {
	switch {
	case !personal:
		return text
	case len(text) == len("2000-01-01"):
		return "2000-01-01"
	default:
		return "2000-01-01T00:00:00Z"
	}
}

// withoutMentions replaces the personal values inside a text, the longest at each
// position first. With wordsOnly it keeps values adjacent to letters.
func (r *redactor) withoutMentions(text string, wordsOnly bool) string {
	var out strings.Builder
	for at := 0; at < len(text); {
		pseudonym, length := r.mentionAt(text, at, wordsOnly)
		if length == 0 {
			out.WriteByte(text[at])
			at++
			continue
		}
		out.WriteString(pseudonym)
		at += length
	}
	return out.String()
}

func (r *redactor) mentionAt(text string, at int, wordsOnly bool) (pseudonym string, length int) {
	if len(text)-at < leastMention || !r.starts[text[at:at+leastMention]] {
		return "", 0
	}
	for _, length := range r.lengths {
		if at+length > len(text) {
			continue
		}
		m, ok := r.mentions[text[at:at+length]]
		if ok && (!m.word && !wordsOnly || isWord(text, at, at+length)) {
			return m.pseudonym, length
		}
	}
	return "", 0
}

func isWord(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, _ := utf8.DecodeRuneInString(text[to:])
	return !isLetter(before) && !isLetter(after)
}

func isLetter(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// identity returns the same text for texts that mean the same person: case is ignored in
// e-mail addresses.
func identity(text string) string {
	if isEmail(text) {
		return strings.ToLower(text)
	}
	return text
}

// numberIdentity returns an identity that differs from that of any text.
func numberIdentity(literal string) string { return "\x00" + literal }

var (
	anEmail = regexp.MustCompile(`[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	aPhone  = regexp.MustCompile(`\+[1-9][0-9 ().-]{5,18}[0-9]`)
	// phoneLike matches texts that are a telephone number or other digits; isPhone
	// decides.
	phoneLike = regexp.MustCompile(`^[+(]?[0-9][0-9 ()./-]{5,22}[0-9]$`)
	dateLike  = regexp.MustCompile(`^[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}$`)
)

func isEmail(text string) bool { return text != "" && anEmail.FindString(text) == text }

// isPhone reports whether a text can only be a telephone number, which starts with a + or
// has gaps. An ID made of digits is not one.
func isPhone(text string) bool {
	if !phoneLike.MatchString(text) || dateLike.MatchString(text) {
		return false
	}
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if strings.ContainsAny(text[:1], "+(0") {
		return digits >= 7
	}
	return digits >= 10 && digits < len(text)
}

func isTime(text string) bool {
	_, ok := event.ParseTime(text)
	return ok
}

// isDeclared reports whether a type has a field of the given name. The name is then no
// secret.
func (r *redactor) isDeclared(name string) bool {
	return slices.ContainsFunc(r.catalog.Types(), func(t *event.Type) bool { _, ok := t.Field(name); return ok })
}

// declared returns the catalogue's field of the given name: that of the event type or, if
// it has none, of any other type. Fields added by rule files do not count, as those files
// do not say what is personal.
func declared(eventType, name string) (event.Field, bool) {
	if t := event.Standard().Lookup(eventType); t != nil {
		if f, ok := t.Field(name); ok {
			return f, true
		}
	}
	for _, t := range event.Standard().Types() {
		if f, ok := t.Field(name); ok && !event.Reserved(t.Name) { // heed's own types say nothing about other fields
			return f, true
		}
	}
	return event.Field{}, false
}

func isPersonal(eventType, name string) bool {
	if f, ok := declared(eventType, name); ok {
		return f.Personal
	}
	return soundsPersonal(name)
}

// personalParts are parts of the names of personal fields. They match anywhere in a name:
// it is better to replace too much than too little.
var personalParts = []string{
	"name", "mail", "phone", "mobile", "address", "user", "manager", "birth", "employee", "contact", "learner",
	"student", "trainee",
	"boss", "buddy", "chief", "director", "handle", "leader", "nick", "slack", "superior",
	"participant", "attendee", "recipient", "sender", "reviewer", "approver", "assignee", "supervisor", "mentor",
	"gender",
}

// personalWords mark a field as personal only as whole words of its name: "shipping" does
// not contain the word ip.
var personalWords = []string{
	"by", "rep", "person", "owner", "author", "coach", "lead", "login", "ip", "fax", "tel",
	"ssn", "dob",
}

func soundsPersonal(name string) bool {
	lower := strings.ToLower(name)
	if lower == "first" || lower == "last" { // unlike firstAttempt, which is about no person
		return true
	}
	return slices.ContainsFunc(personalParts, func(part string) bool { return strings.Contains(lower, part) }) ||
		slices.ContainsFunc(words(name), func(word string) bool { return slices.Contains(personalWords, word) })
}

// isID reports whether a field holds a person's ID, judging by its name.
func isID(field string) bool {
	list := words(field)
	return len(list) > 0 && slices.Contains([]string{"id", "ids", "user", "users"}, list[len(list)-1])
}

// words splits a name into words: userId, user_id and user-id are user and id.
func words(name string) []string {
	var spaced strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && !unicode.IsUpper(before) {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
		before = r
	}
	return strings.FieldsFunc(spaced.String(), func(r rune) bool { return !unicode.IsLetter(r) })
}
