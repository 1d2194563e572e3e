package rulefile

import (
	"encoding/json"
	"strings"

	"heed/engine/document"
	"heed/engine/source"
)

// A SourceTest is a test written below a source: what the source must make of a request
// or of rows.
type SourceTest struct {
	Source *source.Source
	Name   string
	// Place is where the test is written.
	Place document.Place
	// Body, Headers and Query are the given request; Rows are the given rows.
	Body           []byte
	Headers, Query map[string]string
	Rows           []any
	// Events are parts of the expected events, in order, as returned by
	// document.Node.Literals.
	Events []map[string]any
}

// readSourceTests reads the tests below a source.
func (r *sourceReader) readSourceTests(node *document.Node) {
	for _, item := range r.testList(node, "- name: a submission becomes a quiz") {
		fields := item.Fields(r.report, "the test")
		test := SourceTest{Source: r.source, Place: item.Place()}
		if fields.Require("name", "write name: and what the source must make of it") != nil {
			test.Name, _ = fields.Text("name")
		}
		if given := fields.Require("given", r.givenHint()); given != nil {
			r.readSourceGiven(given, &test)
		}
		if expect := fields.Require("expect", "write expect: {events: [{event: quiz.submitted}]}"); expect != nil {
			r.readSourceExpect(expect, &test)
		}
		fields.Done()
		r.sourceTests = append(r.sourceTests, test)
	}
}

func (r *sourceReader) givenHint() string {
	if r.source.Rows() {
		return "write given: {rows: [{User ID: u1, Score: 61}]}"
	}
	return "write given: {body: {…}}"
}

func (r *sourceReader) readSourceGiven(node *document.Node, test *SourceTest) {
	fields := node.Fields(r.report, "given")
	if r.source.Rows() {
		rows := fields.Require("rows", r.givenHint())
		fields.Done()
		if rows == nil {
			return
		}
		for _, item := range rows.Items() {
			if !item.IsObject() {
				r.report.Errorf(item.Place(), "wrong-type", "a row must be an object of columns and cells, not %s",
					item.Describe()).
					Suggest("%s", r.givenHint())
				continue
			}
			test.Rows = append(test.Rows, r.givenRow(item))
		}
		return
	}
	test.Headers = r.givenTexts(fields.Take("headers"), strings.ToLower)
	test.Query = r.givenTexts(fields.Take("query"), strings.Clone)
	if body := fields.Require("body", r.givenHint()); body != nil {
		if body.IsText() { // taken as is, for bodies that are not JSON
			test.Body = []byte(body.Text())
		} else if text, err := json.Marshal(body.Exact()); err == nil {
			test.Body = text
		}
	}
	fields.Done()
}

// givenRow reads a row. Its values are text if the source reads tables, as in a table.
func (r *sourceReader) givenRow(node *document.Node) any {
	if strings.HasSuffix(r.source.Files, "jsonl") || strings.HasSuffix(r.source.Files, "ndjson") {
		return node.Value()
	}
	row := source.Row{}
	for _, pair := range node.Pairs() {
		row.Columns, row.Cells = append(row.Columns, pair.Key.Text()), append(row.Cells, pair.Value.Text())
	}
	return row
}

func (r *sourceReader) givenTexts(node *document.Node, name func(string) string) map[string]string {
	texts := map[string]string{}
	if node == nil {
		return texts
	}
	for _, pair := range node.Pairs() {
		texts[name(pair.Key.Text())] = pair.Value.Text()
	}
	return texts
}

func (r *sourceReader) readSourceExpect(node *document.Node, test *SourceTest) {
	fields := node.Fields(r.report, "expect")
	events := fields.Require("events", "write events: [{event: quiz.submitted}], or events: [] for none")
	fields.Done()
	if events == nil {
		return
	}
	if !events.IsList() {
		r.report.Errorf(events.Place(), "wrong-type", "events of expect must be a list, not %s", events.Describe()).
			Suggest("write events: [{event: quiz.submitted}]")
	}
	test.Events = []map[string]any{}
	for _, item := range events.Items() {
		entry := item.Fields(r.report, "the expected event")
		for _, key := range []string{"event", "id", "at", "company", "data", "quarantined"} {
			entry.Take(key)
		}
		entry.Done()
		if expected, ok := item.Literals().(map[string]any); ok {
			test.Events = append(test.Events, expected)
		}
	}
}
