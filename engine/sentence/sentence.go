// Package sentence says in plain English what a rule does. Whatever it has no words for,
// it shows as written: it never guesses.
package sentence

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/state"
)

// Of returns a sentence that describes a rule: When a quiz is submitted and the score is
// below 70, send a Slack message (coaching), at most once a day per person and quiz.
func Of(rule *engine.Rule) string {
	s := "When " + events(rule.On)
	if condition := conditionOf(rule.Condition); condition != "" {
		s += " and " + condition
	}
	return s + ", " + strings.Join(actions(rule), ", ") + "."
}

// actions describes what the rule does, with when and how often.
func actions(rule *engine.Rule) (parts []string) {
	t := rule.Time
	do := steps(rule.Steps)
	if t == nil {
		return with(rule, []string{do})
	}
	switch {
	case t.Count != nil:
		parts = append(parts, countOf(t))
	case t.Wait != nil:
		parts = append(parts, waitOf(t)...)
	}
	if t.Digest != nil {
		do = "collect it and " + do + " " + periodOf(t.Digest.Every)
		if t.Digest.At != (state.ClockTime{}) {
			do += fmt.Sprintf(" at %02d:%02d", t.Digest.At.Hour, t.Digest.At.Minute)
		}
		key := t.Per
		if t.DigestPer != nil {
			key = t.DigestPer
		}
		do += per(key)
	}
	if t.WaitSteps == nil {
		parts = append(parts, do)
	}
	if t.Throttle != nil {
		parts = append(parts, throttleOf(t))
	}
	if t.Quiet != nil {
		parts = append(parts, map[bool]string{
			true: "not in the quiet hours", false: "in the quiet hours only when they end",
		}[t.Quiet.Drop])
	}
	return with(rule, parts)
}

func with(rule *engine.Rule, parts []string) []string {
	if rule.Shadow {
		return append(parts, "which is recorded and not sent (shadow mode)")
	}
	return parts
}

func countOf(t *engine.Timing) string {
	s := fmt.Sprintf("once this happens %s", times(t.Count.AtLeast))
	if t.Distinct != nil {
		s += ", each with another " + keyWords(t.Distinct) + ","
	}
	if t.Count.Within > 0 {
		s += " within " + duration(t.Count.Within)
	}
	s += per(t.Per)
	if t.Reset != nil {
		s += ", starting over when " + conditionOf(t.Reset)
	}
	return s
}

func waitOf(t *engine.Timing) (parts []string) {
	for i := range t.Wait.Steps {
		part := momentOf(&t.Wait.Steps[i])
		if t.WaitSteps != nil {
			part += " " + steps(t.WaitSteps[i])
		}
		parts = append(parts, part)
	}
	if t.WaitSteps == nil {
		parts = []string{strings.Join(parts, " and ")}
	}
	var ends []string
	for _, u := range t.Unless {
		end := events(u.On)
		if condition := conditionOf(u.When); condition != "" {
			end += " and " + condition
		}
		ends = append(ends, end)
	}
	if len(ends) > 0 {
		parts[len(parts)-1] += " (unless " + strings.Join(ends, " or ") + " before)"
	}
	if t.Still != nil {
		parts[len(parts)-1] += " if still " + conditionOf(t.Still)
	}
	return parts
}

func momentOf(s *state.Step) string {
	text := duration(s.Offset) + " later"
	if s.Before {
		text = duration(s.Offset) + " before the deadline"
	}
	if s.At != nil {
		text += fmt.Sprintf(" at %02d:%02d", s.At.Hour, s.At.Minute)
	}
	return text
}

func throttleOf(t *engine.Timing) string {
	s := "at most " + times(t.Throttle.AtMost)
	switch {
	case t.Throttle.Within > 0:
		s += " within " + duration(t.Throttle.Within)
	case t.Throttle.Every != "":
		s += " " + aPeriod[t.Throttle.Every]
	default:
		s += " ever"
	}
	return s + per(t.ThrottlePer)
}

var aPeriod = map[state.Period]string{
	state.Hour: "an hour", state.Day: "a day", state.Week: "a week", state.Month: "a month",
}

func periodOf(p state.Period) string {
	switch p {
	case state.Hour, state.Day, state.Weekday, state.Week, state.Month:
		return "each " + string(p)
	default:
		return "each " + strings.ToUpper(string(p[:1])) + string(p[1:])
	}
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

func duration(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{
		{"week", 7 * 24 * time.Hour},
		{"day", 24 * time.Hour},
		{"hour", time.Hour},
		{"minute", time.Minute},
		{"second", time.Second},
	} {
		if n := int(d / unit.size); d%unit.size == 0 && n > 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}

// per describes what a key distinguishes.
func per(key engine.Key) string {
	if len(key) == 0 {
		return ""
	}
	return " per " + keyWords(key)
}

func keyWords(key engine.Key) string {
	words := make([]string, len(key))
	for i, part := range key {
		words[i] = keyWord(part.Text)
	}
	return join(words, "and")
}

func keyWord(text string) string {
	field, plain := strings.CutPrefix(text, "data.")
	switch {
	case !plain || !isWord(field):
		return "`" + text + "`"
	case field == "userId":
		return "person"
	default:
		return strings.TrimSuffix(words(field), " id")
	}
}

// kinds maps kinds of actions to what they do.
var kinds = map[string]string{
	"slack": "send a Slack message", "http": "make an HTTP call", "email": "send an e-mail", "log": "write a log line",
}

func steps(list []engine.Step) string {
	parts := make([]string, len(list))
	for i, step := range list {
		do := kinds[step.Kind]
		if do == "" {
			do = "act by " + step.Kind
		}
		parts[i] = do + " (" + step.Action + ")"
	}
	return join(parts, "and")
}

// known maps event types to what happened, in words.
var known = map[string]string{
	"course.completed": "a course is completed", "quiz.submitted": "a quiz is submitted",
	"user.provisioned": "a person is provisioned", "user.deprovisioned": "a person is deprovisioned",
	"module.progress": "a person makes progress in a module", "certification.expired": "a certification expires",
}

func events(types []string) string {
	var parts, others []string
	for _, name := range types {
		if known[name] != "" {
			parts = append(parts, known[name])
		} else {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		parts = append(parts, "an event "+join(others, "or")+" comes")
	}
	return join(parts, "or")
}

func join(parts []string, word string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " " + word + " " + parts[last]
}

// conditionOf describes a condition. It returns "" for one that always holds.
func conditionOf(c *expression.Condition) string {
	if c == nil {
		return ""
	}
	tree := c.Explain(expression.NewEnv(&event.Event{Data: map[string]any{}}, nil, time.Unix(0, 0)))
	if tree.Text == "always" {
		return ""
	}
	return clause(tree, false)
}

// clause describes a clause. nested reports whether it is part of another.
func clause(c *expression.Clause, nested bool) string {
	switch {
	case c.Op == "not" && len(c.Clauses) == 1:
		return negated(c.Clauses[0])
	case len(c.Clauses) > 0:
		parts := make([]string, len(c.Clauses))
		for i, part := range c.Clauses {
			parts[i] = clause(part, true)
		}
		text := strings.Join(parts, " "+c.Op+" ")
		if nested && c.Op == "or" {
			return "either " + text
		}
		return text
	default:
		return leaf(c.Text)
	}
}

func negated(c *expression.Clause) string {
	if m := bare.FindStringSubmatch(c.Text); m != nil && len(c.Clauses) == 0 {
		return flag(m[1]) + " is not true"
	}
	return "not (" + clause(c, true) + ")"
}

const path = `((?:data|user)\.\w+)`

var (
	bare     = regexp.MustCompile(`^` + path + `$`)
	negation = regexp.MustCompile(`^(?:not |!)\s*` + path + `$`)
	missing  = regexp.MustCompile(`^` + path + ` (==|!=) nil$`)
	compared = regexp.MustCompile(`^` + path + ` (<=|>=|==|!=|<|>) (-?[0-9.]+|"[^"]*"|true|false)$`)
	among    = regexp.MustCompile(`^` + path + ` in \[([^\[\]]*)\]$`)
	looked   = regexp.MustCompile(`^lookup\(["'](\w+)["'], data\.userId\) (==|!=) nil$`)
)

var comparisons = map[string]string{
	"<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least", "==": "is", "!=": "is not",
}

// leaf describes a clause without parts, or returns it as written.
func leaf(text string) string {
	if m := compared.FindStringSubmatch(text); m != nil {
		return subject(m[1]) + " " + comparisons[m[2]] + " " + strings.Trim(m[3], `"`)
	}
	if m := among.FindStringSubmatch(text); m != nil {
		var values []string
		for value := range strings.SplitSeq(m[2], ",") {
			values = append(values, strings.Trim(strings.TrimSpace(value), `"'`))
		}
		return subject(m[1]) + " is " + join(values, "or")
	}
	if m := missing.FindStringSubmatch(text); m != nil {
		return map[string]string{"==": "there is no ", "!=": "there is a "}[m[2]] +
			strings.TrimPrefix(subject(m[1]), "the ")
	}
	if m := looked.FindStringSubmatch(text); m != nil {
		return map[string]string{"==": "the person is not in the table ", "!=": "the person is in the table "}[m[2]] +
			m[1]
	}
	if m := bare.FindStringSubmatch(text); m != nil {
		return flag(m[1]) + " is true"
	}
	if m := negation.FindStringSubmatch(text); m != nil {
		return flag(m[1]) + " is not true"
	}
	return "`" + text + "`"
}

// subject describes a field: the score, or the person's role.
func subject(path string) string {
	owner, field, _ := strings.Cut(path, ".")
	if owner == "user" {
		return "the person's " + words(field)
	}
	return "the " + words(field)
}

// flag describes a field that is true or false: passed.
func flag(path string) string { return strings.TrimPrefix(subject(path), "the ") }

// words splits a name such as progressPct into words.
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.ReplaceAll(b.String(), "_", " ")
}

func isWord(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) &&
			!unicode.IsDigit(r)
	})
}
