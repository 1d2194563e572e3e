package rulefile

import (
	"heed/engine/document"
	"heed/engine/layout"
)

// fileStyle is the layout of rule files.
var fileStyle = &layout.Style{
	Order: []string{"version", "timezone", "quiet_hours", "sources", "events", "lookups", "actions", "rules", "tests"},
	Gap:   layout.GapAlways,
	Fields: map[string]*layout.Style{
		"quiet_hours": {Each: &layout.Style{Order: spanOrder, Each: &layout.Style{Order: spanOrder}}},
		"sources":     {Gap: layout.GapTall, Each: sourceStyle},
		"events":      {Each: &layout.Style{Order: []string{"description", "fields"}}},
		"actions":     {Gap: layout.GapTall},
		"rules":       {Gap: layout.GapAlways, Each: ruleStyle},
		"tests":       testsStyle,
	},
}

// spanOrder is the order of keys in a span of quiet hours. Spans may be listed.
var spanOrder = []string{"days", "dates", "from", "to"}

// ruleStyle orders the blocks of a rule as an alert passes through them.
var ruleStyle = &layout.Style{
	Order: []string{
		"name", "was", "description", "mode", "timezone", "on", "when",
		"count", "wait", "digest", "quiet_hours", "throttle", "do", "tests",
	},
	Fields: map[string]*layout.Style{
		"count":       {Order: []string{"at_least", "within", "per", "distinct", "reset"}},
		"wait":        waitStyle,
		"digest":      {Order: []string{"every", "at", "per", "one_per"}},
		"quiet_hours": {Order: []string{"use", "during"}},
		"throttle": {
			Order:  []string{"per", "at_most", "within", "every", "rest"},
			Fields: map[string]*layout.Style{"rest": stepsStyle},
		},
		"do":    stepsStyle,
		"tests": testsStyle,
	},
}

var waitStyle = &layout.Style{
	Order: []string{"after", "before", "at", "per", "deadline", "unless", "still", "again", "steps"},
	Fields: map[string]*layout.Style{
		"unless": {Order: unlessOrder, Each: &layout.Style{Order: unlessOrder}},
		"steps": {Each: &layout.Style{
			Order:  []string{"after", "before", "at", "do"},
			Fields: map[string]*layout.Style{"do": stepsStyle},
		}},
	},
}

// unlessOrder is the order of keys in an event that cancels a wait. Events may be listed.
var unlessOrder = []string{"on", "when"}

var stepsStyle = &layout.Style{Each: &layout.Style{Order: []string{"action"}}}

var testsStyle = &layout.Style{Each: &layout.Style{
	Order: []string{"name", "rule", "now", "given", "expect"},
	Fields: map[string]*layout.Style{
		"given": givenStyle,
		"expect": {
			Order: []string{"outcome", "actions", "effects", "alerts"},
			Fields: map[string]*layout.Style{
				"actions": stepsStyle,
				"alerts":  {Each: &layout.Style{Order: []string{"at", "action"}}},
			},
		},
	},
}}

// givenStyle is the layout of one given event, or of a list of them.
var givenStyle = &layout.Style{
	Order:  givenOrder,
	Each:   &layout.Style{Order: givenOrder},
	Fields: map[string]*layout.Style{"data": nil},
}

var givenOrder = []string{
	"at", "arrives", "event", "source", "id", "companyId", "data", "user", "progress", "rank", "lookups", "mute",
	"down",
}

// Format lays out a rule file, or a file of tests. It does not check what the rules say,
// so a file can be formatted while it is still being written. If the file is not YAML,
// the text is nil and the problems say why. If the file cannot be laid out, the error is
// a *layout.Error.
func Format(file File) (text []byte, problems []document.Problem, err error) {
	report := new(document.Report)
	root := document.Parse(file.Name, file.Text, report)
	if root == nil {
		return nil, report.Problems(), nil
	}
	text, err = layout.Format(root, fileStyle)
	return text, report.Problems(), err
}
