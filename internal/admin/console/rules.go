package console

import (
	"time"

	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/admin"
)

type rulesData struct {
	admin.RuleList
	Muted map[string]bool
}

func (c *console) rules(q *request) (answer, error) {
	list, err := c.Service.Rules(q.ctx())
	if err != nil {
		return nil, err
	}
	mutes, err := c.Service.Mutes(q.ctx(), false)
	if err != nil {
		return nil, err
	}
	d := rulesData{list, map[string]bool{}}
	for _, m := range mutes.Mutes {
		d.Muted[m.Rule] = true
	}
	return view{
		Title: "Rules", Nav: "Rules", Template: "rules", Data: d, Command: "heed rules list",
		API: "/api/v1/rules",
	}, nil
}

type ruleData struct {
	admin.Rule
	Mutes  []state.Mute
	Recent []admin.ListedEvent
	// Share is the percentage of unknown outcomes in 7 days, Main their main cause.
	Unknown, Events int
	Promotion       *admin.Promotion
}

func (c *console) rule(q *request) (answer, error) {
	name := q.PathValue("name")
	list, err := c.Service.Rules(q.ctx())
	if err != nil {
		return nil, err
	}
	d := ruleData{}
	for _, rule := range list.Rules {
		if rule.Name == name {
			d.Rule = rule
		}
	}
	if d.Name == "" {
		return nil, &pageError{404, "There is no active rule " + name + ". It may have been renamed or removed."}
	}
	mutes, err := c.Service.Mutes(q.ctx(), false)
	if err != nil {
		return nil, err
	}
	for _, m := range mutes.Mutes {
		if m.Rule == name {
			d.Mutes = append(d.Mutes, m)
		}
	}
	recent, err := c.Service.Events(q.ctx(), admin.EventQuery{Rule: name, Limit: 10, Look: ruleLook})
	if err != nil {
		return nil, err
	}
	d.Recent = recent.Events
	d.Unknown, d.Events = d.Stats.Week["unknown"], d.Stats.Week["events"]
	if d.Mode == "shadow" && q.get("promote") != "" {
		if d.Promotion, err = c.Service.Promote(q.ctx(), name, time.Now().Add(-7*24*time.Hour)); err != nil {
			return nil, err
		}
	}
	return view{
		Title: "Rule " + name, Nav: "Rules", Template: "rule", Data: d, Command: "heed why --rule " + quoted(name),
		API: "/api/v1/rules/" + admin.Segment(name) + "/stats",
	}, nil
}

// ruleLook is among how many of the newest events those of a rule are looked for.
const ruleLook = 5000

// suppressed are the effects that a rule's page counts.
var suppressed = []string{
	record.Throttled, record.Muted, record.DroppedQuiet, record.DelayedQuiet, record.Collected, record.Waiting,
	record.GivenUp,
}

// Suppressed counts, in 7 days, what was not sent at once.
func (d ruleData) Suppressed() (counts []labelled) {
	for _, name := range suppressed {
		if n := d.Stats.Week[name]; n > 0 {
			counts = append(counts, labelled{name, n})
		}
	}
	return counts
}

type labelled struct {
	Name string
	N    int
}
