package rulefile

import (
	"heed/engine/record"
	"heed/engine/schema"
)

const clockText = `^([01]?[0-9]|2[0-4]):[0-5][0-9]$`

func describeZone() *schema.Value {
	return schema.Text("the time zone of every, at and quiet_hours", "Asia/Kolkata", "America/New_York",
		"Europe/Berlin")
}

func describeClock(description string) *schema.Value {
	return schema.Matching(description, clockText, "write a time of day in quotes, such as \"09:00\"", "09:00")
}

// describePer describes an expression, or a list of them, that forms a key.
func describePer(description string) *schema.Value {
	return schema.OneOrList(schema.Scalar(description, "data.userId"), 1)
}

func describeSpans() *schema.Value {
	return schema.OneOrList(schema.Object("a span of quiet hours",
		schema.Optional("from", describeClock("when it begins")),
		schema.Optional("to", describeClock("when it ends, on the next day if that is not after from")),
		schema.Optional("days", schema.OneOrList(schema.Text("a day of the week", "Sat"), 1)),
		schema.Optional("dates", schema.OneOrList(schema.Scalar("a date", "2026-12-25"), 1)),
	), 1)
}

// describeTiming describes the keys of a rule that concern time.
func (c *Compiler) describeTiming() []schema.Key {
	return []schema.Key{
		schema.Optional("mode", schema.Words("live, or shadow: the rule is evaluated and recorded and sends nothing",
			"live", "shadow")),
		schema.Optional("was", schema.Text("the rule's former name; its state moves with it")),
		schema.Optional("timezone", describeZone()),
		schema.Optional("count", describeCount()),
		schema.Optional("wait", c.describeWait()),
		schema.Optional("digest", describeDigest()),
		schema.Optional("quiet_hours", schema.Object("hours in which nothing is sent",
			schema.Required("use", schema.OneOrList(schema.Text("the name of quiet hours that are written at the top",
				"office"), 1)),
			schema.Optional("during", schema.Words("hold sends in the end, drop leaves out", "hold", "drop")),
		)),
		schema.Optional("throttle", c.describeThrottle()),
	}
}

func describeCount() *schema.Value {
	return schema.Object("act once a number of events fall within a time",
		schema.Required("at_least", schema.Whole("how many events", 1, maxAtLeast, 3)),
		schema.Optional("within", schema.Duration("between the first and the last of them", "7d")),
		schema.Optional("per", describePer("what is counted apart")),
		schema.Optional("distinct", describePer("events with the same value count once")),
		schema.Optional("reset", schema.Scalar("a condition that starts the count over", "data.passed")),
	)
}

func (c *Compiler) describeWait() *schema.Value {
	unless := schema.OneOrList(schema.Object("an event that cancels the wait",
		schema.Required("on", c.describeOn()),
		schema.Optional("when", schema.Scalar("a condition on that event", "data.passed")),
	), 1)
	step := schema.Object("a moment at which the rule acts", append(describeMoment(),
		schema.Optional("do", schema.List("the actions of this step", c.Actions.Registry.DescribeStep(), 1)))...)
	keys := append(describeMoment(),
		schema.Optional("per", describePer("what waits apart")),
		schema.Optional("deadline", schema.Scalar("the time that before counts back from", "data.renewalDeadline")),
		schema.Optional("steps", schema.List("several moments, in order", step, 1)),
		schema.Optional("unless", unless),
		schema.Optional("still", schema.Scalar("a condition that must still hold when the wait is over",
			"user.active ?? true")),
		schema.Optional("again", schema.Words("what a later start does to one that is pending: keep, nothing; "+
			"restart, it starts over", "keep", "restart")),
	)
	return schema.Object("act some time later, unless something happens first", keys...)
}

func describeMoment() []schema.Key {
	return []schema.Key{
		schema.Optional("after", schema.Duration("how long after the start", "48h")),
		schema.Optional("before", schema.Duration("how long before the deadline", "7d")),
		schema.Optional("at", describeClock("the time of day; after and before are then days of the calendar")),
	}
}

func describeDigest() *schema.Value {
	return schema.Object("collect, and send one message each period",
		schema.Required("every", schema.Words("the period", digestPeriods...)),
		schema.Optional("at", describeClock("when the message is sent")),
		schema.Optional("per", describePer("what is collected apart, such as the manager's address")),
		schema.Optional("one_per", describePer("of items with the same value the newest is kept")),
	)
}

func (c *Compiler) describeThrottle() *schema.Value {
	return schema.Object("send at most so many alerts",
		schema.Required("at_most", schema.Whole("how many alerts", 1, maxAtMost, 1)),
		schema.Optional("every", schema.Words("in a period of the calendar", throttlePeriods...)),
		schema.Optional("within", schema.Text("in a rolling window, or forever", "10m", "forever")),
		schema.Optional("per", describePer("what is limited apart")),
		schema.Optional("rest", schema.List("one summary of what was not sent", c.Actions.Registry.DescribeStep(), 1)),
	).AtMostOne("every", "within")
}

// describeGivenTime describes the keys of a test entry that concern time.
func describeGivenTime() []schema.Key {
	return []schema.Key{
		schema.Optional("at", schema.Scalar("when: a time, or + and how long after the entry before",
			"2026-03-02T10:00+05:30", "+3d")),
		schema.Optional("arrives", schema.Scalar("how long after its own time the event arrives", "+1h")),
		schema.Optional("down", schema.Duration("how long heed does not run then", "6h")),
		schema.Optional("mute", schema.Any("string", "how long the rule is muted, or {for: 2h, key: u1}")),
	}
}

func describeExpectTime() []schema.Key {
	alert := &schema.Value{
		Description: "parts of an alert; what is not named is not compared", Type: schema.Types{"object"},
		Properties: schema.Keys{
			schema.Optional("at", schema.Scalar("when it is sent", "2026-03-04T10:00+05:30")),
			schema.Optional("action", schema.Text("the action's name")),
		},
	}
	return []schema.Key{
		schema.Optional("alerts", schema.List("all alerts that are sent, in order; empty for none", alert, 0)),
		schema.Optional("effects",
			schema.OneOrList(schema.Words("what time and state do, in order", record.Effects...), 0)),
	}
}
