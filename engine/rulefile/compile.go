package rulefile

import (
	"slices"
	"strings"
	"time"

	"heed/actions"
	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/source"
	"heed/engine/state"
	"heed/engine/suggest"
)

// A Compiler compiles snapshots.
type Compiler struct {
	Actions actions.Reader
	// Catalog is the base catalogue, which rule files may extend.
	Catalog *event.Catalog
	// PublishedPath is the path of the published webhook unless the rule files set
	// another. If empty, it is source.PublishedPath.
	PublishedPath string
}

// Loaded is a rule set ready for use, with everything that belongs to it.
type Loaded struct {
	Snapshot
	Rules   *engine.RuleSet
	Actions map[string]*actions.Configured
	// Zone is the time zone of the files, or nil if they set none.
	Zone *time.Location
	// Sources are the sources that events come from.
	Sources *source.Set
	// SourceTests are the tests written below sources.
	SourceTests []SourceTest
	// Tests are the tests written below rules.
	Tests []Test
	// TellsUsers reports whether a table describes users.
	TellsUsers bool
	// Problems are the warnings.
	Problems []document.Problem

	tables expression.Tables
}

// Compile checks and compiles a snapshot. It returns every problem found; the result is
// nil if one of them is an error.
func (c *Compiler) Compile(s Snapshot) (*Loaded, []document.Problem) {
	return c.compile(s, &document.Report{Recorded: s.Detached})
}

func (c *Compiler) compile(s Snapshot, report *document.Report) (loaded *Loaded, problems []document.Problem) {
	// A rule file must never end a running heed, even if it triggers a bug in heed.
	defer func() {
		if cause := recover(); cause != nil {
			report = new(document.Report)
			report.Errorf(document.Place{File: &document.File{Name: s.name()}}, "internal",
				"heed broke while it read this: %v", cause).
				Suggest("take back what was changed last, and please report it")
			loaded, problems = nil, report.Problems()
		}
	}()
	b := &build{
		compiler: c, report: report, catalog: c.Catalog, snapshot: s, tables: expression.Tables{}, lookups: lookups{},
		actions: map[string]*actions.Configured{}, named: map[string]document.Place{},
		byName: map[string]*engine.Rule{}, used: map[string]bool{}, sourcePlaces: map[string]document.Place{},
		scopes: map[string]*expression.Scope{}, moments: map[scopeKey]*expression.Scope{},
		quiet: map[string][]state.Span{}, usesClock: map[*engine.Rule]bool{},
	}
	var files []*file
	for _, f := range s.Files {
		if root := document.Parse(f.Name, f.Text, b.report); root != nil {
			files = append(files, b.open(root, IsTestFile(f.Name)))
		}
	}
	inAll := func(read func(*file)) { // a file may use names that another declares
		for _, f := range files {
			read(f)
		}
	}
	inAll(func(f *file) { b.readEvents(f.events) })
	inAll(func(f *file) { b.readTimezone(f.timezone); b.readQuietHours(f.quiet) })
	inAll(func(f *file) { b.readSources(f.sources) })
	b.checkSharedIDs()
	inAll(func(f *file) { b.readLookups(f.lookups) })
	inAll(func(f *file) { b.readActions(f.actions) })
	inAll(func(f *file) { b.readRules(f.rules) })
	b.checkSteps()
	inAll(func(f *file) { b.readTestFile(f.tests) })
	if !b.partial && (len(b.rules) > 0 || !b.report.Failed()) { // otherwise an error may hide some uses
		b.reportUnused()
	}
	if b.report.Failed() {
		return nil, b.report.Problems()
	}
	b.dropUnreadColumns()
	return &Loaded{
		Snapshot: s,
		Rules:    engine.NewRuleSet(s.Hash, b.catalog, b.lookups, b.rules),
		Actions:  b.actions,
		Zone:     b.zone,
		Tests:    b.tests,
		Sources:  b.sourceSet(), SourceTests: b.sourceTests,
		TellsUsers: b.lookups.tellUsers(),
		Problems:   b.report.Problems(),
		tables:     b.tables,
	}, b.report.Problems()
}

func (s Snapshot) name() string {
	if len(s.Files) == 0 {
		return ""
	}
	return s.Files[0].Name
}

// build is the state of one compilation.
type build struct {
	compiler *Compiler
	report   *document.Report
	catalog  *event.Catalog
	snapshot Snapshot

	tables        expression.Tables // that rules may name, with their columns
	lookups       lookups
	declared      []*document.Node // where table names are declared
	tableNames    []string         // see namesOfTables
	types, fields int              // number declared, see countEvents
	lastDigest    textDigest

	sources      []*source.Source
	sourcePlaces map[string]document.Place // where each name is declared
	sharedIDs    []*document.Node          // the values of ids_of
	sourceTests  []SourceTest

	actions     map[string]*actions.Configured
	actionNames []string
	places      []document.Place // of actionNames
	broken      []string         // actions that could not be read at all
	used        map[string]bool
	partial     bool // a list of actions could not be read, so some uses are unknown
	noActions   bool // the configured actions could not be read either

	rules  []*engine.Rule
	tests  []Test
	named  map[string]document.Place // where each rule is declared, by name
	byName map[string]*engine.Rule
	scopes map[string]*expression.Scope
	// moments are the scopes of expressions that are evaluated when a rule fires.
	moments map[scopeKey]*expression.Scope
	// zone is the time zone of the files; quiet holds their quiet hours by name.
	zone       *time.Location
	zoneBroken bool // already reported
	zoneNode   *document.Node
	quiet      map[string][]state.Span
	quietNames []string
	// usesClock are the rules whose decisions change with time.
	usesClock map[*engine.Rule]bool
}

// file holds the top-level entries of one rule file.
type file struct{ sources, events, timezone, quiet, lookups, actions, rules, tests *document.Node }

func (b *build) open(root *document.Node, tests bool) *file {
	fields := root.Fields(b.report, "the rule file")
	if len(fields.Pairs()) == 0 && (root.IsNull() || root.IsObject()) {
		b.report.Errorf(root.Place(), "empty-file", "the file holds no rules").
			Suggest("write rules: with at least one rule, or delete the file")
	}
	if version := fields.Take("version"); version != nil && version.Text() != "1" {
		b.report.Errorf(version.Place(), "unknown-version", "this heed reads version 1 of the rule language, not %s",
			version.Describe()).
			Suggest("write version: 1")
	}
	if node := fields.Node(); node.Get("rules") == nil && node.Get("do") != nil && node.Get("on") != nil {
		b.report.Errorf(node.Place(), "misplaced", "a rule stands at the top of the file").
			Suggest("write rules: and below it the rule, with a dash and spaces in front: - name: low-quiz-score")
		return &file{}
	}
	f := &file{
		sources: fields.Take("sources"), events: fields.Take("events"), timezone: fields.Take("timezone"),
		quiet:   fields.Take("quiet_hours"),
		lookups: fields.Take("lookups"), actions: fields.Take("actions"), rules: fields.Take("rules"),
		tests: fields.Take("tests"),
	}
	fields.Done()
	for _, pair := range fields.Pairs() {
		switch key := pair.Key.Text(); {
		case tests && (key == "sources" || key == "events" || key == "lookups" || key == "actions" || key == "rules"):
			b.report.Errorf(pair.Key.Place(), "misplaced", "a file that ends in _test.yaml holds tests only, not %s",
				key).
				Suggest("move %s into a rule file", key)
		case !tests && key == "tests":
			b.report.Errorf(pair.Key.Place(), "misplaced",
				"tests stand below their rule, or in a file that ends in _test.yaml").
				Suggest("move them below the rule, or into a file such as rules_test.yaml, each with rule: and the " +
					"rule's name")
		}
	}
	return f
}

// readEvents adds the declared event types to the catalogue.
func (b *build) readEvents(node *document.Node) {
	if node == nil {
		return
	}
	for _, pair := range node.Fields(b.report, "events").Pairs() {
		name := pair.Key.Text()
		if strings.ContainsAny(name, "* ,\t") || name == "" || event.Reserved(name) && b.catalog.Lookup(name) == nil {
			b.report.Errorf(pair.Key.Place(), "bad-name", "no event type can be called %q", name).
				Suggest("write the type as events have it, such as deal.won; heed. is for heed's own")
			continue
		}
		t := event.Type{Name: name}
		entry := pair.Value.Fields(b.report, "the event type "+name)
		t.Description, _ = entry.Text("description")
		if fields := entry.Take("fields"); fields != nil {
			for _, field := range fields.Fields(b.report, "fields of "+name).Pairs() {
				b.readField(&t, field)
			}
		}
		entry.Done()
		if !b.countEvents(pair.Key, len(t.Fields)) {
			return
		}
		wider, err := b.catalog.With(t)
		if err != nil {
			b.report.Errorf(pair.Key.Place(), "field-conflict", "%v", err).
				Suggest("leave the field out: heed knows it already, see heed catalog %s", name)
			continue
		}
		b.catalog = wider
	}
}

// Limits on what all rule files together may declare. Each rule may be checked against
// every declaration, so the limits are lower than what a file can hold.
const (
	maxTypes  = 1000
	maxFields = 10_000
)

// countEvents counts one more declared type with its fields, and reports whether it is
// within the limits.
func (b *build) countEvents(at *document.Node, fields int) bool {
	b.types, b.fields = b.types+1, b.fields+fields
	if b.types <= maxTypes && b.fields <= maxFields || b.report.Recorded {
		return true
	}
	b.report.Errorf(at.Place(), "too-many-events",
		"the rule files declare more than %d event types, or %d fields", maxTypes, maxFields).
		Suggest("declare those that the rules use")
	return false
}

func (b *build) readField(t *event.Type, pair document.Pair) {
	kind := event.Kind(pair.Value.Text())
	if !pair.Value.IsScalar() || !slices.Contains(event.Kinds, kind) {
		var known []string
		for _, k := range event.Kinds {
			known = append(known, string(k))
		}
		b.report.Errorf(pair.Value.Place(), "unknown-field-kind", "the field %s is of no kind heed knows",
			pair.Key.Text()).
			Suggest("%s", suggest.DidYouMean(pair.Value.Text(), known))
		kind = event.Any // so that rules are still checked as far as possible
	}
	t.Fields = append(t.Fields, event.Field{Name: pair.Key.Text(), Kind: kind})
}

func (b *build) readActions(node *document.Node) {
	if node == nil {
		return
	}
	if node.IsList() {
		b.noActions = true
		b.report.Errorf(node.Place(), "wrong-type", "actions must be an object of names and actions, not a list").
			Suggest("leave the dashes out: each action is a name of your choice, and below it one kind, such as slack")
		return
	}
	for _, pair := range node.Fields(b.report, "actions").Pairs() {
		name := pair.Key.Text()
		if !b.checkName(pair.Key, "an action") {
			continue
		}
		if i := slices.Index(b.actionNames, name); i >= 0 {
			b.report.Errorf(pair.Key.Place(), "duplicate-action", "the action %s is configured twice, first in %s:%d",
				name, b.places[i].File.Name, b.places[i].Line).
				Suggest("rename one of the two or, if they are the same, keep one: all files of the directory share it")
			continue
		}
		b.actionNames, b.places = append(b.actionNames, name), append(b.places, pair.Key.Place())
		if configured := b.compiler.Actions.Read(pair.Key, pair.Value, b.report); configured != nil {
			b.actions[name] = configured
		} else {
			b.broken = append(b.broken, name)
		}
	}
}

func (b *build) reportUnused() {
	for i, name := range b.actionNames {
		if !b.used[name] && !slices.Contains(b.broken, name) {
			b.report.Warnf(b.places[i], "unused-action", "no rule uses the action %s", name).
				Suggest("use it in a rule, or remove it")
		}
	}
	if b.report.Failed() {
		return // some lookups were not seen
	}
	for _, table := range b.declared {
		asked := expression.Query{About: expression.AboutLookup, Of: table.Text()}
		l := b.lookups[table.Text()]
		if !slices.ContainsFunc(b.rules, func(r *engine.Rule) bool {
			return slices.Contains(r.Asks, asked) ||
				l != nil && l.users != nil && slices.Contains(r.Asks, expression.Query{About: expression.AboutUser})
		}) {
			b.report.Warnf(table.Place(), "unused-lookup", "no rule looks anything up in %s", table.Text()).
				Suggest("write lookup(%q, data.userId) in a rule, or remove the table", table.Text())
		}
	}
}

// maxName limits the length of the names of rules and actions, which become metric
// labels.
const maxName = 100

func (b *build) checkName(node *document.Node, what string) bool {
	name := node.Text()
	bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
	if !node.IsScalar() || name == "" || len(name) > maxName || bad {
		b.report.Errorf(node.Place(), "bad-name", "the name of %s must be a text of at most %d characters", what,
			maxName).
			Suggest("name it for what it does, such as low-quiz-score")
		return false
	}
	return true
}

// scope returns the scope for rules that listen to the given event types. Rules that
// listen to the same types share a scope.
func (b *build) scope(on []string) *expression.Scope {
	key := strings.Join(on, "\x00")
	if s, ok := b.scopes[key]; ok {
		return s
	}
	types := make([]*event.Type, len(on))
	for i, name := range on {
		types[i] = b.catalog.Lookup(name)
	}
	b.scopes[key] = expression.NewScope(types)
	b.scopes[key].SetOtherTypes(b.catalog.Types())
	b.scopes[key].SetTables(b.tables)
	b.scopes[key].SetRecorded(b.report.Recorded)
	return b.scopes[key]
}
