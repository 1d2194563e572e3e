package rulefile

import (
	"strings"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/schema"
)

// Describe returns a schema of rule files for editors, which also covers files that hold
// only tests. It covers as much of what Compile checks as is possible without reading
// expressions and resolving names.
func (c *Compiler) Describe() *schema.Value {
	file := schema.Object("rules for MindTickle's webhook events, and the actions they use",
		schema.Optional("version", &schema.Value{
			Description: "the version of the rule language", Type: schema.Types{"integer", "string"},
			Enum: []any{1, "1"},
		}),
		schema.Optional("sources", c.describeSources()),
		schema.Optional("events", schema.Map("event types of your own, and fields of your own in MindTickle's",
			describeType()).OrEmpty()),
		schema.Optional("timezone", describeZone()),
		schema.Optional("quiet_hours", schema.Map("hours in which rules that use them send nothing", describeSpans())),
		schema.Optional("lookups", schema.Map("tables to look things up in: lookup(\"managers\", data.userId).email",
			describeLookup()).OrEmpty()),
		schema.Optional("actions", schema.Map("where messages and calls go: each configured once, under a name that "+
			"rules use", c.Actions.Registry.DescribeConfig()).OrEmpty()),
		schema.Optional("rules", schema.List("what to do on which event", c.describeRule(), 0).OrEmpty()),
		schema.Optional("tests", schema.List("tests of rules that stand in another file; only in a file that ends in "+
			"_test.yaml",
			c.describeTest().AddFirst(schema.Required("rule", schema.Text("the name of the rule that is tested"))),
			0).OrEmpty()),
	)
	file.Draft = schema.Draft
	return file
}

func describeType() *schema.Value {
	field := &schema.Value{
		Description: "what the field's values are; a time is a text in RFC 3339 or a plain date",
		Type:        schema.Types{"string"},
	}
	for _, kind := range event.Kinds {
		field.Enum = append(field.Enum, kind)
	}
	return schema.Object("an event type",
		schema.Optional("description", schema.Text("what the event means, for people")),
		schema.Optional("fields",
			schema.Map("the fields of data that rules can name, each with its kind", field).OrEmpty()),
	).OrEmpty()
}

func describeLookup() *schema.Value {
	return schema.Object("a table",
		schema.Required("file",
			schema.Text("a CSV file beside this one; its first line names the columns", "managers.csv")),
		schema.Required("key", schema.Text("the column by which rows are found", "userId")),
		schema.Optional("user", describeUserColumns()),
	)
}

func describeUserColumns() *schema.Value {
	var fields schema.Keys
	for _, name := range tellable {
		fields = append(fields, schema.Optional(name, schema.Text("the column that says it", name)))
	}
	return schema.Object("what of a user the columns say, where neither events nor imports tell it;"+
		" rows are then found by the userId", fields...)
}

func (c *Compiler) describeRule() *schema.Value {
	rule := schema.Object("",
		schema.Required("name", describeName()),
		schema.Optional("description", schema.Text("what the rule is for, for people")),
		schema.Required("on", c.describeOn()),
		schema.Optional("when", describeWhen()),
		schema.Optional("do", schema.List("the actions to take, each with its parameters",
			c.Actions.Registry.DescribeStep(), 1)),
		schema.Optional("tests",
			schema.List("what the rule must make of an event; heed test runs them", c.describeTest(), 0).OrEmpty()),
	)
	return rule.Add(c.describeTiming()...).NeedsOne("do", "wait")
}

func describeName() *schema.Value {
	v := schema.Text("the rule's name, which is unique; what is remembered of the rule hangs on it", "low-quiz-score")
	v.MinLength = 1
	return v
}

func (c *Compiler) describeOn() *schema.Value {
	return schema.OneOrList(c.describeEvent("an event type, or a list of them"), 1)
}

// describeEvent describes the name of an event type.
func (c *Compiler) describeEvent(description string) *schema.Value {
	v := schema.Choice(description)
	for _, t := range c.Catalog.Types() {
		v.AnyOf = append(v.AnyOf, &schema.Value{Const: t.Name, Description: t.Description})
	}
	own := schema.Matching("an event type of your own, which is declared under events", `^[^, \t]+$`,
		"write one event type, or a list: [quiz.submitted, course.completed]")
	v.AnyOf = append(v.AnyOf, own)
	return v
}

func describeWhen() *schema.Value {
	v := &schema.Value{
		Type: schema.Types{"string", "boolean"}, MinLength: 1,
		Description: strings.Join([]string{
			"a condition; leave it out to match always",
			"names: event, id, source, companyId, receivedAt, now, user, and data.FIELD; heed catalog lists the fields",
			"compare: == != < <= > >=, in [1, 2], in 60..70, contains, startsWith, endsWith, matches",
			"combine: and, or, not",
			"missing values: a comparison with one is unknown and never matches; data.score == nil, data.score ?? 0",
			"beyond the event: user.email, user.name, user.role, user.teamId, user.manager, user.active, " +
				"lookup(\"managers\", data.userId).email, progress(data.userId, data.moduleId), rank(data.userId, \"score\")",
			"time: now - days(7), hours(n), minutes(n), weeks(n), date(\"2026-01-31\")",
		}, "\n"),
	}
	for _, example := range whenExamples {
		v.Examples = append(v.Examples, example)
	}
	return v
}

// whenExamples are conditions on MindTickle's own event types.
var whenExamples = []string{
	`data.score < 70`,
	`data.quizType == "graded" and not data.passed`,
	`percent(data.score, data.maxScore) < 60`,
	`data.role in ["Account Executive", "Sales Engineer"]`,
	`data.renewalDeadline < now + days(14)`,
}

func (c *Compiler) describeTest() *schema.Value {
	given := schema.OneOrList(c.describeGiven(), 0)
	given.Items.OrEmpty() // an event with nothing but the rule's type
	return schema.Object("",
		schema.Required("name", schema.Text("what the rule must do", "a failing quiz is flagged")),
		schema.Required("given", given),
		schema.Required("expect", describeExpect()),
		schema.Optional("now", schema.Matching("what the rule sees as now", `^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt]|$)`,
			"write a time such as 2026-03-04T12:00:00Z, or a plain date", "2026-03-04T12:00:00Z")),
	)
}

func (c *Compiler) describeGiven() *schema.Value {
	given := schema.Object("the event that comes in, or a list of events",
		schema.Optional("event", c.describeEvent("the event type; can be left out where the rule listens to one only")),
		schema.Optional("id", schema.Text("the event's id; without one it is e1, e2 and so on")),
		schema.Optional("source", schema.Text("the source that it came from; mindtickle if nothing is said")),
		schema.Optional("companyId", schema.Text("whose event it is")),
		schema.Optional("data", c.describeData()),
		schema.Optional("user", describeGivenUser()),
		schema.Optional("lookups", schema.Map("rows of tables by their keys, beside those of the files",
			schema.Map("the rows of a table", &schema.Value{Type: schema.Types{"object"}}).OrEmpty()).OrEmpty()),
		schema.Optional("progress", schema.Map("how far the user got, in percent, by module",
			schema.Any("number", "")).OrEmpty()),
		schema.Optional("rank", describeGivenRank()),
	)
	return given.Add(describeGivenTime()...)
}

func describeGivenUser() *schema.Value {
	user := schema.Object("what is known of the user; leave it out to test that nothing is")
	for _, name := range expression.UserFields {
		kind := "string"
		if name == "active" {
			kind = "boolean"
		}
		user.Add(schema.Optional(name, schema.Any(kind, "")))
	}
	return user.OrEmpty()
}

func describeGivenRank() *schema.Value {
	rank := schema.Object("the user's place, 1 for the best, by what users are ranked by")
	for _, by := range expression.Rankings {
		rank.Add(schema.Optional(by, schema.Any("number", "")))
	}
	return rank.OrEmpty()
}

// describeData describes the fields of all event types. They may have any value, since
// tests also give values that should not occur.
func (c *Compiler) describeData() *schema.Value {
	data := &schema.Value{
		Description: "the event's data; leave a field out to test that it is missing",
		Type:        schema.Types{"object"},
	}
	types := map[string][]string{}
	for _, t := range c.Catalog.Types() {
		for _, f := range t.Fields {
			if types[f.Name] = append(types[f.Name], t.Name); len(types[f.Name]) == 1 {
				data.Add(schema.Optional(f.Name, schema.Any(jsonTypes[f.Kind], f.Description)))
			}
		}
	}
	for _, key := range data.Properties {
		key.Value.Description += "\nof " + strings.Join(types[key.Name], ", ")
	}
	return data
}

// jsonTypes maps the kind of a field to the JSON type of its values.
var jsonTypes = map[event.Kind]string{
	event.Text: "string", event.Number: "number", event.Bool: "boolean", event.Time: "string",
	event.List: "array", event.Object: "object", event.Any: "string",
}

// outcomes are the outcomes that a test can expect, with their meanings.
var outcomes = []schema.Word{
	{Word: string(engine.Matched), Meaning: "the condition is true: the rule acts"},
	{Word: string(engine.NotMatched), Meaning: "the condition is false"},
	{Word: string(engine.Unknown), Meaning: "the condition could not be decided, since a value is missing or not " +
		"what was declared"},
	{Word: string(engine.Errored), Meaning: "the rule could not be evaluated"},
}

func describeExpect() *schema.Value {
	action := &schema.Value{
		Description: "parts of a rendered action; what is not named is not compared",
		Type:        schema.Types{"object"},
		Properties:  schema.Keys{schema.Optional("action", schema.Text("the action's name"))},
	}
	expect := schema.Object("what the rule must make of the event",
		schema.Optional("outcome", schema.OneOrList(schema.Choice("what the rule decides; with several events, that "+
			"of the last or a list", outcomes...), 0)),
		schema.Optional("actions",
			schema.List("the actions that are taken, in their order; empty for none", action, 0)),
	)
	expect.MinProperties = 1
	return expect.Add(describeExpectTime()...)
}
