package rulefile

import (
	"heed/engine/layout"
	"heed/engine/source"
)

// fileStyle is the one style of rule files.
var fileStyle = &layout.Style{
	Order: []string{"version", "events", "lookups", "actions", "rules", "tests"},
	Gap:   layout.GapAlways,
	Fields: map[string]*layout.Style{
		"events":  {Each: &layout.Style{Order: []string{"description", "fields"}}},
		"actions": {Gap: layout.GapTall},
		"rules":   {Gap: layout.GapAlways, Each: ruleStyle},
		"tests":   testsStyle,
	},
}

var ruleStyle = &layout.Style{
	Order: []string{"name", "description", "on", "when", "do", "tests"},
	Fields: map[string]*layout.Style{
		"do":    stepsStyle,
		"tests": testsStyle,
	},
}

var stepsStyle = &layout.Style{Each: &layout.Style{Order: []string{"action"}}}

var testsStyle = &layout.Style{Each: &layout.Style{
	Order: []string{"name", "rule", "now", "given", "expect"},
	Fields: map[string]*layout.Style{
		"given":  givenStyle,
		"expect": {Order: []string{"outcome", "actions"}, Fields: map[string]*layout.Style{"actions": stepsStyle}},
	},
}}

// givenStyle is that of one event, or of a list of them.
var givenStyle = &layout.Style{
	Order:  givenOrder,
	Each:   &layout.Style{Order: givenOrder},
	Fields: map[string]*layout.Style{"data": nil},
}

var givenOrder = []string{"event", "companyId", "data", "user", "progress", "rank", "lookups"}

// Format lays out a rule file, or a file of tests. What the rules say is not
// looked at: a file is laid out while it is still being written. The text is
// nil if the file is no YAML, and the problems say why; a
// *layout.Error says that the file cannot be laid out.
func Format(file File) (text []byte, problems []source.Problem, err error) {
	report := new(source.Report)
	root := source.Parse(file.Name, file.Text, report)
	if root == nil {
		return nil, report.Problems(), nil
	}
	text, err = layout.Format(root, fileStyle)
	return text, report.Problems(), err
}
