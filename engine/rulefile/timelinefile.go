package rulefile

import (
	"heed/engine"
	"heed/engine/document"
)

// ReadTimeline reads the entries of a timeline, which is a list like the given of a test
// except that each event names its type. If entries is nil, the problems include errors.
func (c *Compiler) ReadTimeline(loaded *Loaded, file File) (entries []Given, problems []document.Problem) {
	report := &document.Report{}
	root := document.Parse(file.Name, file.Text, report)
	if root == nil {
		return nil, report.Problems()
	}
	b := &build{
		compiler: c, report: report, catalog: loaded.Rules.Catalog(), snapshot: loaded.Snapshot, zone: loaded.Zone,
		tables: loaded.tables, lookups: lookups{},
	}
	any := &engine.Rule{}
	for _, t := range b.catalog.Types() {
		any.On = append(any.On, t.Name)
	}
	if !root.IsList() {
		report.Errorf(root.Place(), "wrong-type", "a timeline must be a list, not %s", root.Describe()).
			Suggest("start each entry with a dash: - {at: \"2026-03-02T10:00Z\", event: quiz.submitted, data: " +
				"{userId: u1}}")
	}
	user := ""
	for _, item := range root.Items() {
		entry := b.readGiven(item, any, user)
		user = entry.user
		entries = append(entries, entry)
	}
	if report.Failed() {
		return nil, report.Problems()
	}
	return entries, report.Problems()
}
