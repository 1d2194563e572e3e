package rulefile

import "heed/engine/source"

// layout is the one layout of rule files.
var layout = &source.Layout{
	Order: []string{"version", "events", "lookups", "actions", "rules", "tests"},
	Gap:   source.GapAlways,
	Fields: map[string]*source.Layout{
		"events":  {Each: &source.Layout{Order: []string{"description", "fields"}}},
		"actions": {Gap: source.GapTall},
		"rules":   {Gap: source.GapAlways, Each: ruleLayout},
		"tests":   testsLayout,
	},
}

var ruleLayout = &source.Layout{
	Order: []string{"name", "description", "on", "when", "do", "tests"},
	Fields: map[string]*source.Layout{
		"do":    stepsLayout,
		"tests": testsLayout,
	},
}

var stepsLayout = &source.Layout{Each: &source.Layout{Order: []string{"action"}}}

var testsLayout = &source.Layout{Each: &source.Layout{
	Order: []string{"name", "rule", "now", "given", "expect"},
	Fields: map[string]*source.Layout{
		"given":  givenLayout,
		"expect": {Order: []string{"outcome", "actions"}, Fields: map[string]*source.Layout{"actions": stepsLayout}},
	},
}}

// givenLayout is that of one event, or of a list of them.
var givenLayout = &source.Layout{
	Order:  givenOrder,
	Each:   &source.Layout{Order: givenOrder},
	Fields: map[string]*source.Layout{"data": nil},
}

var givenOrder = []string{"event", "companyId", "data", "user", "progress", "rank", "lookups"}

// Format lays out a rule file, or a file of tests. What the rules say is not
// looked at: a file is laid out while it is still being written. The text is
// nil if the file is no YAML, and the problems say why; a
// *source.LayoutError says that the file cannot be laid out.
func Format(file File) (text []byte, problems []source.Problem, err error) {
	report := new(source.Report)
	root := source.Parse(file.Name, file.Text, report)
	if root == nil {
		return nil, report.Problems(), nil
	}
	text, err = source.Format(root, layout)
	return text, report.Problems(), err
}
