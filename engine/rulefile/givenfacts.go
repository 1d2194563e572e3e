package rulefile

import (
	"maps"
	"slices"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/suggest"
)

// readGivenFacts reads what a test gives in addition to its event: who the user is, how
// far the user has got, and rows of tables.
func (b *build) readGivenFacts(fields *document.Fields, userID string) expression.Recorded {
	var facts expression.Recorded
	if node := fields.Take("user"); node != nil {
		facts = append(facts, expression.Answer{
			Query: expression.Query{About: expression.AboutUser, Key: userID},
			Value: b.readUser(node),
		})
	}
	for _, pair := range b.givenPairs(fields, "progress", "{m1: 80}") {
		facts = append(facts, expression.Answer{
			Query: expression.Query{About: expression.AboutProgress, Of: userID, Key: pair.Key.Text()},
			Value: b.readNumber(pair),
		})
	}
	for _, pair := range b.givenPairs(fields, "rank", "{score: 1}") {
		b.checkGivenName(pair.Key, "nobody is ranked by", expression.Rankings)
		facts = append(facts, expression.Answer{
			Query: expression.Query{About: expression.AboutRank, Of: userID, Key: pair.Key.Text()},
			Value: b.readNumber(pair),
		})
	}
	for _, tableOf := range b.givenPairs(fields, "lookups", "{managers: {u1: {email: boss@example.com}}}") {
		name := tableOf.Key.Text()
		of, declared := b.tables[name]
		if !declared {
			b.report.Errorf(tableOf.Key.Place(), "unknown-table", "there is no table called %s", name).
				Suggest("%s", suggest.DidYouMean(name, b.namesOfTables()))
		}
		for _, row := range tableOf.Value.Fields(b.report, "rows of "+name).Pairs() {
			facts = append(facts, expression.Answer{
				Query: expression.Query{About: expression.AboutLookup, Of: name, Key: row.Key.Text()},
				Value: b.readCells(row.Value, "row of "+name, of.Columns, false),
			})
		}
	}
	return facts
}

// givenPairs returns the entries of an object in given.
func (b *build) givenPairs(fields *document.Fields, key, example string) []document.Pair {
	node := fields.Take(key)
	if node == nil {
		return nil
	}
	if !node.IsObject() {
		b.report.Errorf(node.Place(), "wrong-type", "%s of given must be an object, not %s", key, node.Describe()).
			Suggest("write %s: %s", key, example)
		return nil
	}
	return node.Fields(b.report, key+" of given").Pairs()
}

// readUser reads the user of a test. A value of the wrong kind is a warning: a test that
// gives one proves nothing.
func (b *build) readUser(node *document.Node) expression.Cells {
	for _, pair := range node.Pairs() {
		_, isBool := pair.Value.Scalar().(bool)
		switch name := pair.Key.Text(); {
		case pair.Value.IsNull():
		case name == "active" && !isBool:
			b.report.Warnf(pair.Value.Place(), "suspicious", "active is true or false, and this is %s",
				pair.Value.Describe()).
				Suggest("write true or false")
		case name != "active" && isBool && slices.Contains(expression.UserFields, name):
			b.report.Warnf(pair.Value.Place(), "suspicious", "%s is a text, and this is %s", name,
				pair.Value.Describe()).
				Suggest("write the text, in quotes if it is one")
		}
	}
	return b.readCells(node, "user of given", expression.UserFields, true)
}

// readCells reads a record. known lists the cells it can have; nil means that they are
// not known.
func (b *build) readCells(node *document.Node, what string, known []string, isUser bool) expression.Cells {
	cells := expression.Cells{}
	for _, pair := range node.Fields(b.report, what).Pairs() {
		if known != nil {
			b.checkGivenName(pair.Key, "there is no", known)
		}
		value := pair.Value.Scalar()
		if _, isBool := value.(bool); value != nil && !(isBool && isUser && pair.Key.Text() == "active") {
			value = pair.Value.Text() // as in a table, where every cell is text
		}
		cells[pair.Key.Text()] = value
	}
	return cells
}

func (b *build) checkGivenName(key *document.Node, complaint string, known []string) {
	if !slices.Contains(known, key.Text()) {
		b.report.Errorf(key.Place(), "unknown-column", "%s %s", complaint, key.Text()).
			Suggest("%s", suggest.DidYouMean(key.Text(), known))
	}
}

func (b *build) readNumber(pair document.Pair) any {
	switch n := pair.Value.Scalar().(type) {
	case int, float64:
		return n
	case nil:
		return nil // nothing is known about the user
	default:
		b.report.Errorf(pair.Value.Place(), "wrong-type", "%s must be a number, not %s", pair.Key.Text(),
			pair.Value.Describe())
		return nil
	}
}

// namesOfTables returns the names of the tables, sorted. It must not be called before all
// tables are read.
func (b *build) namesOfTables() []string {
	if b.tableNames == nil {
		b.tableNames = slices.Sorted(maps.Keys(b.tables))
	}
	return b.tableNames
}
