package rulefile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/expression/lint"
	"heed/engine/source"
	"heed/engine/suggest"
)

// readMapping reads the expressions that make events. A source of requests without any
// expects bodies in the format of the published contract.
func (r *sourceReader) readMapping() {
	nodes := map[string]*document.Node{}
	for _, key := range []string{"each", "event", "id", "at", "company", "data"} {
		if node := r.fields.Take(key); node != nil {
			nodes[key] = node
		}
	}
	switch {
	case len(nodes) == 0 && !r.source.Rows():
		return
	case r.source.Rows():
		for _, key := range []string{"event", "data"} {
			if nodes[key] == nil {
				r.fields.Require(key, requiredOfRows[key])
			}
		}
		if each := nodes["each"]; each != nil {
			r.report.Errorf(each.Place(), "misplaced", "%s has each: each row of a file is one event already",
				r.fields.What()).
				Suggest("remove each")
		}
	}
	m := &source.Mapping{}
	r.source.Mapping = m
	whole := r.wholeScope()
	if each := nodes["each"]; each != nil {
		m.Each, _ = r.compile(each, "each", whole)
	}
	scope, from := r.elementScope(whole, nodes["each"] != nil)
	var eventTree *expression.Tree
	m.Event, eventTree = r.compileOr(nodes["event"], "event", scope, from+".event")
	var idTree *expression.Tree
	m.ID, idTree = r.compile(nodes["id"], "id", scope)
	m.At, _ = r.compile(nodes["at"], "at", scope)
	if nodes["company"] != nil || nodes["event"] == nil && nodes["data"] == nil {
		m.Company, _ = r.compileOr(nodes["company"], "company", scope, from+".companyId")
	}
	m.Unsigned = idTree != nil && (idTree.Uses("headers") || idTree.Uses("query"))
	eventType, known := r.eventType(nodes["event"], eventTree)
	if data := nodes["data"]; data != nil && data.IsObject() {
		m.Fields = r.readData(data, scope, eventType, known)
	} else {
		m.Data, _ = r.compileOr(data, "data", scope, from+".data")
	}
	slices.Sort(m.Columns)
	m.Columns = slices.Compact(m.Columns)
}

// requiredOfRows are the keys that a source of rows requires.
var requiredOfRows = map[string]string{
	"event": `write event: '"quiz.submitted"', an expression that gives the event type`,
	"data":  `write data: and below it the fields, such as userId: row["User ID"]`,
}

// wholeScope returns the scope of a whole request or row.
func (r *sourceReader) wholeScope() *expression.Scope {
	var names []expression.Named
	if r.source.Rows() {
		isTable := strings.HasSuffix(r.source.Files, "sv") || strings.HasSuffix(r.source.Files, ".txt")
		kind := event.Any
		if isTable {
			kind = event.Object
		}
		names = []expression.Named{{Name: "row", Kind: kind, Texts: isTable}}
	} else {
		names = requestNames
	}
	return r.valueScope(names...)
}

var requestNames = []expression.Named{
	{Name: "body", Kind: event.Any},
	{Name: "headers", Kind: event.Object, Texts: true},
	{Name: "query", Kind: event.Object, Texts: true},
}

// elementScope returns the scope that adds one element of each to the request. from
// describes what events are made from.
func (r *sourceReader) elementScope(whole *expression.Scope, each bool) (scope *expression.Scope, from string) {
	switch {
	case r.source.Rows():
		return whole, "row"
	case each:
		return r.valueScope(append(slices.Clone(requestNames),
			expression.Named{Name: "item", Kind: event.Any})...), "item"
	default:
		return whole, "body"
	}
}

func (r *sourceReader) valueScope(names ...expression.Named) *expression.Scope {
	scope := expression.ValueScope(names...)
	scope.SetRecorded(r.report.Recorded)
	return scope
}

// compileOr is like compile, but compiles a default text if the key is absent.
func (r *sourceReader) compileOr(
	node *document.Node, key string, scope *expression.Scope, text string,
) (*expression.Value, *expression.Tree) {
	if node != nil {
		return r.compile(node, key, scope)
	}
	tree, _ := scope.Check(text)
	return tree.Value(), nil
}

// compile compiles the expression of a key. It returns nil if the key is absent or wrong.
func (r *sourceReader) compile(
	node *document.Node, key string, scope *expression.Scope,
) (*expression.Value, *expression.Tree) {
	switch {
	case node == nil:
		return nil, nil
	case !node.IsScalar() || node.IsNull():
		r.report.Errorf(node.Place(), "wrong-type", "%s of %s must be an expression, not %s", key, r.fields.What(),
			node.Describe()).
			Suggest("write an expression, in quotes if it has a colon or begins with a quote: %s: 'body.id'", key)
		return nil, nil
	}
	tree, problems := scope.Check(node.Text())
	if tree != nil {
		problems = lint.Tree(tree, lint.Value)
	}
	actions.ReportComments(r.report, node, expression.Comments(node.Text()))
	actions.ReportProblems(r.report, node, r.ofSource(node, scope, problems))
	if tree == nil {
		return nil, nil
	}
	if tree.Uses("rank") || tree.Uses("progress") {
		r.report.Errorf(node.Place(), "no-user", "a source does not know how far people have come").
			Suggest("ask for rank and progress in a rule: it sees the event that is made here")
	}
	if m := r.source.Mapping; m != nil {
		m.Columns = append(m.Columns, tree.Members("row")...)
	}
	return tree.Value(), tree
}

// spacedColumn matches a column whose name has a space, after a dot.
var spacedColumn = regexp.MustCompile(`\brow\.\w+ +\w`)

// ofSource suggests what to write instead of something that a source does not have.
func (r *sourceReader) ofSource(
	node *document.Node, scope *expression.Scope, problems []expression.Problem,
) []expression.Problem {
	for i := range problems {
		p := &problems[i]
		name, isName := strings.CutPrefix(p.Message, "unknown name ")
		switch {
		case isName:
			p.Hint = r.nameHint(name, node, scope)
		case p.Code == "syntax" && spacedColumn.MatchString(node.Text()):
			p.Hint = `a column whose name has spaces is written row["User ID"]`
		case p.Code == "no-user":
			p.Message = "a source does not know people"
			p.Hint = "ask for user in a rule: it sees the event that is made here"
		case p.Code == "unknown-table":
			p.Message = "a source looks nothing up"
			p.Hint = "call lookup in a rule: it sees the event that is made here"
		}
	}
	return problems
}

// nameHint suggests what to write instead of a name that a source does not have.
func (r *sourceReader) nameHint(name string, node *document.Node, scope *expression.Scope) string {
	switch {
	case r.catalog.Lookup(node.Text()) != nil:
		return `a text stands in quotes inside the expression: '"` + node.Text() + `"'`
	case r.source.Rows() && slices.Contains([]string{"item", "body", "data"}, name):
		return "a file has no " + name + `: write row["User ID"] for what stands in a column`
	case r.source.Rows() && suggest.Closest(name, scope.Names()) == "":
		return fmt.Sprintf("what stands in a column is row[%q]; a text stands in quotes", name)
	case name == "row":
		return "rows are for files; what comes in a request is body"
	case name == "item":
		return "item is an element of each, which this source does not have; what comes in a request is body"
	case name == "data":
		return "what came is body; data is what is made of it"
	default:
		return suggest.DidYouMean(name, scope.Names())
	}
}

// eventType returns the event type that a source makes, if it is written literally, and
// reports whether that type is declared.
func (r *sourceReader) eventType(node *document.Node, tree *expression.Tree) (*event.Type, bool) {
	if tree == nil {
		return nil, false
	}
	value, constant := tree.Constant()
	name, isText := value.(string)
	switch {
	case !constant:
		if kind := tree.Kind(); kind != "" && kind != "a text" {
			r.report.Errorf(node.Place(), "type-mismatch", "event of %s gives %s, not the name of an event type",
				r.fields.What(), kind).
				Suggest(`write the event type in quotes: '"quiz.submitted"'`)
		}
		return nil, false
	case !isText || name == "":
		r.report.Errorf(node.Place(), "type-mismatch", "event of %s gives no text", r.fields.What()).
			Suggest(`write the event type in quotes: '"quiz.submitted"'`)
		return nil, false
	case event.Reserved(name):
		r.report.Errorf(node.Place(), "bad-name", "events of the type %s come from heed itself", name).
			Suggest("choose another event type")
		return nil, false
	}
	if t := r.catalog.Lookup(name); t != nil {
		return t, true
	}
	if meant := suggest.Closest(name, r.catalog.Names()); meant != "" {
		r.report.Errorf(node.Place(), "unknown-event", "there is no event type %s", name).
			Suggest("did you mean %s?", meant)
		return r.catalog.Lookup(meant), true
	}
	r.report.Warnf(node.Place(), "undeclared-event",
		"nobody declared the event type %s, so its fields are not checked", name).
		Suggest("declare it: events: {%s: {fields: {userId: string}}}", name)
	return nil, false
}

// readData reads the expressions of the individual fields.
func (r *sourceReader) readData(
	node *document.Node, scope *expression.Scope, t *event.Type, known bool,
) []source.Field {
	var fields []source.Field
	for _, pair := range node.Fields(r.report, "data of "+r.fields.What()).Pairs() {
		name := pair.Key.Text()
		value, tree := r.compile(pair.Value, name, scope)
		if known {
			r.checkField(pair, t, tree)
		}
		if value != nil {
			fields = append(fields, source.Field{Name: name, Value: value})
		}
	}
	return fields
}

// checkField checks a field against its declaration in the catalogue.
func (r *sourceReader) checkField(pair document.Pair, t *event.Type, tree *expression.Tree) {
	name := pair.Key.Text()
	field, declared := t.Field(name)
	if !declared {
		problem := r.report.Errorf(pair.Key.Place(), "unknown-field", "%s has no field %s", t.Name, name)
		if meant := suggest.Closest(name, t.FieldNames()); meant != "" {
			problem.Suggest("did you mean %s?", meant)
		} else {
			problem.Suggest("it has %s; declare a field of your own: events: {%s: {fields: {%s: string}}}",
				strings.Join(t.FieldNames(), ", "), t.Name, name)
		}
		return
	}
	if tree == nil || tree.Kind() == "" || slices.Contains(mapsTo[field.Kind], tree.Kind()) || field.Kind == event.Any {
		return
	}
	problem := r.report.Errorf(pair.Value.Place(), "type-mismatch", "%s of %s is a %s, and the expression gives %s",
		name, t.Name, field.Kind, tree.Kind())
	switch {
	case field.Kind == event.Number && tree.Kind() == "a text":
		problem.Suggest("make a number of the text: float(%s)", pair.Value.Text())
	case field.Kind == event.Text && tree.Kind() == "a number":
		problem.Suggest("make a text of the number: string(%s)", pair.Value.Text())
	case field.Kind == event.Bool && tree.Kind() == "a text":
		problem.Suggest(`compare it: %s == "yes"`, pair.Value.Text())
	default:
		problem.Suggest("write an expression that gives a %s", field.Kind)
	}
}

// mapsTo lists the kinds of expressions that each kind of field accepts.
var mapsTo = map[event.Kind][]string{
	event.Text: {"a text"}, event.Number: {"a number"}, event.Bool: {"true or false"},
	event.Time: {"a time", "a text"}, event.List: {"a list"}, event.Object: {"an object"},
}
