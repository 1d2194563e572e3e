package rulefile

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"heed/actions"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/expression/lint"
	"heed/engine/suggest"
)

func (b *build) readRules(node *document.Node) {
	if node == nil || node.IsNull() {
		return
	}
	if !node.IsList() {
		b.report.Errorf(node.Place(), "wrong-type", "rules must be a list, not %s", node.Describe()).
			Suggest("start each rule with a dash: - name: low-quiz-score")
		return
	}
	items := node.Items()
	for i, item := range items {
		before := len(b.rules)
		b.readRule(item)
		if len(b.rules) > before {
			b.rules[before].Digest = b.digestOf(item, items[i+1:])
		}
	}
}

// digestOf returns a digest of the text of a rule: the lines from its first up to the
// first of the next rule. Rules on the same line have the same text, which is hashed only
// once.
func (b *build) digestOf(rule *document.Node, after []*document.Node) string {
	place := rule.Place()
	to := place.File.Lines() + 1
	if len(after) > 0 {
		to = max(place.Line+1, after[0].Place().Line)
	}
	if last := &b.lastDigest; last.file != place.File || last.from != place.Line || last.to != to {
		sum := sha256.Sum256(place.File.Between(place.Line, to))
		*last = textDigest{place.File, place.Line, to, fmt.Sprintf("%x", sum[:8])}
	}
	return b.lastDigest.digest
}

// textDigest is the digest of some lines of a file.
type textDigest struct {
	file     *document.File
	from, to int
	digest   string
}

func (b *build) readRule(node *document.Node) {
	fields := node.Fields(b.report, "the rule")
	fields.Elsewhere = elsewhere
	if !node.IsObject() {
		return
	}
	rule := &engine.Rule{File: node.Place().File.Name, Line: node.Place().Line}
	name := fields.Require("name", "write name: and what the rule is for, such as low-quiz-score")
	if name != nil && b.checkName(name, "a rule") {
		rule.Name = name.Text()
		if first, twice := b.named[rule.Name]; twice {
			b.report.Errorf(name.Place(), "duplicate-rule", "there is another rule called %s, in %s:%d", rule.Name,
				first.File.Name, first.Line).
				Suggest("rename one of the two: a rule's history hangs on its name")
		} else {
			b.named[rule.Name], b.byName[rule.Name] = name.Place(), rule
		}
	}
	rule.Description, _ = fields.Text("description")
	rule.On = b.readOn(fields.Require("on", "write on: and an event type, such as quiz.submitted"))
	scope := b.scope(rule.On)
	rule.Condition = b.readWhen(fields.Take("when"), scope)
	now, receivedAt := scope.TakeClockUse()
	b.readTiming(fields, rule, scope)
	queries, shown := b.queries()
	rule.Asks, b.usesClock[rule] = queries, now || receivedAt || shown
	b.readTests(fields.Take("tests"), rule)
	fields.Done()
	b.rules = append(b.rules, rule)
}

// elsewhere maps keys that people mistakenly give a rule to hints at the right place.
var elsewhere = func() map[string]string {
	hints := map[string]string{}
	for key := range strings.FieldsSeq("text channel path to subject json") {
		hints[key] = key + " belongs to the action: put it below action:, in the same column"
	}
	for keys, hint := range map[string]string{
		"unless":           "unless belongs to wait: wait: {after: 48h, unless: {on: course.completed}}",
		"else":             "a rule acts or does not: write a second rule for the other case",
		"and":              "join conditions in when: data.score < 70 and data.passed",
		"or":               "join conditions in when: data.score < 70 or data.passed",
		"enabled disabled": "there is no switch: take the rule out, or put # in front of its lines",
		"priority":         "rules have no order: each that matches acts",
		"include":          "a rules path can be a directory, whose files are read together",

		"delay after until deadline timer remind for": waits,
		"schedule cron every at batch group_by":       digests,
		"within window times threshold":               counts,
		"cooldown debounce rate_limit at_most once":   throttles,
	} {
		for key := range strings.FieldsSeq(keys) {
			hints[key] = hint
		}
	}
	return hints
}()

// Other words that people use for the keys that concern time.
const (
	waits     = "to act later, write wait: {after: 48h}"
	digests   = "to send at a time, write digest: {every: Monday, at: \"09:00\"}"
	counts    = "to act on several events, write count: {at_least: 3, within: 7d, per: data.userId}"
	throttles = "to act once a day, write throttle: {per: data.userId, at_most: 1, every: day}"

	noTimers       = "a rule acts on an event, not at a time alone"
	nothingInstead = "name the event type that it begins with; wait and digest then send later"
)

// readOn reads one event type or a list of them.
func (b *build) readOn(node *document.Node) []string {
	if node == nil {
		return nil
	}
	items := node.Items()
	if node.IsScalar() {
		items = []*document.Node{node}
	} else if slices.ContainsFunc(node.Pairs(), func(p document.Pair) bool { return timer.MatchString(p.Key.Text()) }) {
		b.report.Errorf(node.Place(), "wrong-type", noTimers).Suggest(nothingInstead)
	} else if !node.IsList() || len(items) == 0 {
		b.report.Errorf(node.Place(), "wrong-type", "on must be an event type or a list of them, not %s",
			node.Describe()).
			Suggest("write on: quiz.submitted, or on: [quiz.submitted, course.completed]")
	}
	var on []string
	named := map[string]bool{}
	known := b.catalog.Names()
	for _, item := range items {
		name := item.Text()
		isKnown := b.catalog.Lookup(name) != nil
		switch {
		case !item.IsScalar() || name == "":
			b.report.Errorf(item.Place(), "wrong-type", "an event type is a text, not %s", item.Describe())
			continue
		case !isKnown && timer.MatchString(name):
			b.report.LaterErrorf(item.Place(), "unknown-event", noTimers).Suggest(nothingInstead)
		case strings.ContainsAny(name, ", \t|&"):
			b.reportSeveral(item, name, known)
			continue
		case named[name]:
			b.report.Warnf(item.Place(), "duplicate-event", "%s is named twice", name).Suggest("remove one of the two")
			continue
		case isKnown:
		case slices.Contains(everything, strings.ToLower(name)) || strings.Contains(name, "*"):
			b.report.Errorf(item.Place(), "unknown-event", "on names event types, and has no wildcards such as %s",
				name).
				Suggest("%s", wildcardHint(name, known))
			continue
		case suggest.Closest(name, known) != "":
			problem := b.report.Errorf(item.Place(), "unknown-event", "there is no event type %s", name)
			name = meantEvent(name, known) // check the rest of the rule against the intended type
			problem.Suggest("did you mean %s?", name)
		default:
			b.report.Warnf(item.Place(), "undeclared-event",
				"nobody declared the event type %s, so its fields are not checked", name).
				Suggest("declare it: events: {%s: {fields: {userId: string}}}", name)
		}
		on, named[name] = append(on, name), true
	}
	return on
}

// meantEvent returns the event type that was probably meant by name. It respects the part
// before the dot: quiz.completed is about quizzes, however near course.completed is.
func meantEvent(name string, known []string) string {
	closest := suggest.Closest(name, known)
	subject, _, _ := strings.Cut(name, ".")
	var same []string
	for _, other := range known {
		if strings.HasPrefix(other, subject+".") {
			same = append(same, other)
		}
	}
	if len(same) == 0 || slices.Contains(same, closest) {
		return closest
	}
	return cmp.Or(suggest.Closest(name, same), same[0])
}

// everything lists words for all event types. The language has no such word.
var everything = []string{"any", "all", "every", "everything", "true", "false", "always"}

// reportSeveral reports a text that names several event types, or names one in other
// words.
func (b *build) reportSeveral(item *document.Node, name string, known []string) {
	problem := b.report.Errorf(item.Place(), "wrong-type", "%q is not one event type", name)
	joined := strings.ToLower(strings.Join(strings.Fields(name), "."))
	if one := suggest.Closest(joined, known); one != "" {
		problem.Suggest("did you mean %s?", one)
		return
	}
	var types []string
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(", \t|&", r) }) {
		if one := suggest.Closest(word, known); one != "" {
			types = append(types, one)
		}
	}
	if len(types) > 0 {
		problem.Suggest("write a list: on: [%s]", strings.Join(types, ", "))
		return
	}
	problem.Suggest("heed catalog lists the event types, such as %s", known[0])
}

func (b *build) readWhen(node *document.Node, scope *expression.Scope) *expression.Condition {
	if node == nil {
		return expression.Always()
	}
	return b.readCondition(node, scope, "when")
}

// readCondition reads the condition of a key.
func (b *build) readCondition(node *document.Node, scope *expression.Scope, key string) *expression.Condition {
	switch {
	case node.Tag() != "":
		b.report.Errorf(node.Place(), "yaml-tag", "YAML takes %s for a tag, so the condition is empty", node.Tag()).
			Suggest("write not instead of !: %s: not %s", key, strings.TrimLeft(node.Written(), "! "))
	case !node.IsScalar():
		problem := b.report.Errorf(node.Place(), "wrong-type", "%s must be an expression, not %s", key, node.Describe())
		if node.IsObject() {
			problem.Suggest(`put quotes round the expression: %s: '…', or write it below %s: |`, key, key)
		} else {
			problem.Suggest("join the conditions with and, or with or: %s: data.score < 70 and data.passed == false",
				key)
		}
	case node.IsNull():
		b.report.Errorf(node.Place(), "empty-expression", "%s is empty", key).
			Suggest("write a condition, such as data.score < 70, or leave %s out%s", key, withoutIt[key])
	default:
		tree, problems := scope.CheckCondition(node.Text())
		overLines := actions.ReportComments(b.report, node, expression.Comments(node.Text()))
		if overLines && tree == nil && !b.report.Recorded {
			break // the rest of the text is not what was written
		}
		if tree != nil {
			actions.ReportProblems(b.report, node, lint.Tree(tree, lint.Condition))
			return tree.Condition()
		}
		if node.Comment() != "" && isCut(node.Text()) {
			b.report.Errorf(node.Within(len([]rune(node.Text())), len([]rune(node.Text()))+1), "yaml-comment",
				"YAML takes %q for a comment, so the condition ends here", node.Comment()).
				Suggest("put quotes round the whole condition: %s: '%s %s'", key, node.Text(), node.Comment())
			break
		}
		actions.ReportProblems(b.report, node, problems)
	}
	return expression.Always()
}

// withoutIt says what a rule does without a condition.
var withoutIt = map[string]string{"when": ": the rule then always matches"}

// isCut reports whether an expression has an unclosed bracket. The rest was then probably
// taken for a comment by YAML.
func isCut(text string) bool {
	return strings.Count(text, "(") > strings.Count(text, ")") || strings.Count(text, "[") > strings.Count(text, "]") ||
		strings.Count(text, "{") > strings.Count(text, "}")
}

func (b *build) readDo(node *document.Node, scope *expression.Scope) []engine.Step {
	if node == nil {
		b.partial = true
		return nil
	}
	if !node.IsList() || len(node.Items()) == 0 {
		b.partial = true
		example := "coaching"
		if node.IsText() {
			example = node.Text()
		} else if action := node.Get("action"); action != nil && action.IsText() {
			example = action.Text()
		}
		b.report.Errorf(node.Place(), "wrong-type", "do must be a list of actions, not %s", node.Describe()).
			Suggest("start each with a dash: - action: %s", example)
		return nil
	}
	var steps []engine.Step
	for _, item := range node.Items() {
		if step, ok := b.readStep(item, scope); ok {
			steps = append(steps, step)
		}
	}
	return steps
}

func (b *build) readStep(node *document.Node, scope *expression.Scope) (engine.Step, bool) {
	name := node.Get("action")
	if name == nil || name.IsNull() {
		b.partial = true
		problem := b.report.Errorf(node.Place(), "missing-key", "an entry of do names no action")
		problem.Suggest("write - action: and the name of an action that is configured under actions:")
		for _, pair := range node.Pairs() {
			key := pair.Key.Text()
			_, isKind := b.compiler.Actions.Registry.Lookup(key)
			switch {
			case slices.Contains(b.actionNames, key):
				problem.Suggest("write - action: %s, and what it takes below it", key)
				return engine.Step{}, false
			case isKind:
				problem.Suggest("%s", b.kindHint(key, pair.Value))
				return engine.Step{}, false
			case len(node.Pairs()) > 0 && len(b.actionNames) > 0 && slices.Contains(stepKeys, key):
				problem.Suggest("%s belongs to the action above it: leave the dash in front of it out", key)
			}
		}
		return engine.Step{}, false
	}
	b.used[name.Text()] = true
	configured, ok := b.actions[name.Text()]
	if !ok {
		b.reportUnknownAction(name)
		return engine.Step{}, false
	}
	fields := node.Fields(b.report, "the "+configured.Kind+" action "+configured.Name)
	fields.Take("action")
	params := &actions.Params{Fields: fields, Scope: scope}
	orderPer := params.Expression("order_per")
	step := configured.Step(params)
	fields.Done()
	return engine.Step{Action: configured.Name, Kind: configured.Kind, Renderer: step, OrderPer: orderPer}, true
}

// kindHint suggests what to write where a kind of action stands instead of the name of an
// action, as in - slack: "#enablement".
func (b *build) kindHint(kind string, value *document.Node) string {
	if value.IsText() && slices.Contains(b.actionNames, value.Text()) {
		return "write - action: " + value.Text()
	}
	for _, name := range b.actionNames {
		if configured := b.actions[name]; configured != nil && configured.Kind == kind {
			return "write - action: " + name + ", which is configured as " + kind + " under actions:, and what it " +
				"takes below it"
		}
	}
	return "configure " + kind + " under actions:, by a name of your choice, and write - action: and that name"
}

// stepKeys are keys that people put next to an action although they belong inside it.
var stepKeys = []string{
	"text", "channel", "blocks", "path", "method", "json", "body", "query", "to", "subject",
	"html", "level",
}

func (b *build) reportUnknownAction(name *document.Node) {
	if b.noActions || slices.Contains(b.broken, name.Text()) {
		return // its configuration was already reported
	}
	if meant := suggest.Closest(name.Text(), b.actionNames); meant != "" {
		b.used[meant] = true // so that one mistake is one problem
	}
	problem := b.report.Errorf(name.Place(), "unknown-action", "there is no action called %s", name.Text())
	if hint := suggest.DidYouMean(name.Text(), b.actionNames); hint != "" {
		problem.Suggest("%s", hint)
		return
	}
	problem.Suggest("configure it under actions:")
}
