package ruletest

import (
	"slices"

	"heed/engine/expression"
	"heed/engine/layout"
)

// givable are the answers that a test can give: rows of tables, and what is known
// of the event's own user.
func givable(facts expression.Facts, userID string) expression.Recorded {
	recorded, _ := facts.(expression.Recorded)
	var can expression.Recorded
	for _, f := range recorded {
		switch {
		case f.Answer == nil, slices.ContainsFunc(can, func(c expression.Fact) bool { return c.Question == f.Question }):
		case f.About == expression.AboutUser && f.Key == userID,
			(f.About == expression.AboutProgress || f.About == expression.AboutRank) && f.Of == userID,
			f.About == expression.AboutLookup:
			can = append(can, f)
		}
	}
	return can
}

// givenFacts are answers as a test gives them. All of them are givable.
func givenFacts(facts expression.Recorded) layout.Object {
	var user any
	var progress, rank, tables layout.Object
	for _, f := range facts {
		if f.Answer == nil {
			continue
		}
		switch f.About {
		case expression.AboutUser:
			user = cellsOf(f.Answer)
		case expression.AboutProgress:
			progress = append(progress, layout.Member{Key: f.Key, Value: f.Answer})
		case expression.AboutRank:
			rank = append(rank, layout.Member{Key: f.Key, Value: f.Answer})
		case expression.AboutLookup:
			tables = addRow(tables, f.Of, layout.Member{Key: f.Key, Value: cellsOf(f.Answer)})
		}
	}
	var given layout.Object
	if user != nil {
		given = append(given, layout.Member{Key: "user", Value: user})
	}
	for _, m := range []struct {
		key     string
		answers layout.Object
	}{{"progress", progress}, {"rank", rank}, {"lookups", tables}} {
		if len(m.answers) > 0 {
			given = append(given, layout.Member{Key: m.key, Value: m.answers})
		}
	}
	return given
}

func addRow(tables layout.Object, name string, row layout.Member) layout.Object {
	for i, m := range tables {
		if m.Key == name {
			tables[i].Value = append(m.Value.(layout.Object), row)
			return tables
		}
	}
	return append(tables, layout.Member{Key: name, Value: layout.Object{row}})
}

// cellsOf are the cells of a record that hold something.
func cellsOf(answer any) layout.Object {
	cells := layout.Object{}
	if record, ok := answer.(expression.Record); ok {
		for _, name := range record.Names() {
			if value := record.Cell(name); value != nil {
				cells = append(cells, layout.Member{Key: name, Value: value})
			}
		}
	}
	return cells
}

// learnFacts learns what questions and answers tell of people.
func (r *redactor) learnFacts(facts expression.Recorded) {
	for _, f := range facts {
		r.walkFact(f, r.learnScalar)
	}
}

// redactFacts gives the questions that the redacted event asks, with what answers
// tell nobody.
func (r *redactor) redactFacts(facts expression.Recorded) expression.Recorded {
	redacted := make(expression.Recorded, len(facts))
	for i, f := range facts {
		redacted[i] = r.walkFact(f, r.redactScalar)
	}
	return redacted
}

func (r *redactor) walkFact(f expression.Fact, replace scalar) expression.Fact {
	text := func(t, field string, personal bool) string {
		replaced, _ := replace(t, field, personal).(string)
		return replaced
	}
	switch f.About {
	case expression.AboutUser:
		f.Key = text(f.Key, "userId", true)
	case expression.AboutProgress, expression.AboutRank:
		f.Of, f.Key = text(f.Of, "userId", true), text(f.Key, "", false)
	case expression.AboutLookup: // tables have keys of all kinds
		f.Key = text(f.Key, "", r.pseudonyms[identity(f.Key)] != "")
	}
	if _, isRecord := f.Answer.(expression.Record); isRecord {
		cells := expression.Cells{}
		w := walker{"", replace, func(name string) string { return name }}
		for _, cell := range w.object(cellsOf(f.Answer), false) {
			cells[cell.Key] = cell.Value
		}
		f.Answer = cells
	}
	return f
}
