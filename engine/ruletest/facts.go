package ruletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"heed/engine/expression"
	"heed/engine/layout"
)

// givable returns the answers that a test can give: rows of tables, and what is known of
// the event's own user.
func givable(facts expression.Recorded, userID string) expression.Recorded {
	var can expression.Recorded
	for _, f := range facts {
		switch {
		case f.Value == nil, slices.ContainsFunc(can, func(c expression.Answer) bool { return c.Query == f.Query }):
		case f.About == expression.AboutUser && f.Key == userID,
			(f.About == expression.AboutProgress || f.About == expression.AboutRank) && f.Of == userID,
			f.About == expression.AboutLookup:
			can = append(can, f)
		}
	}
	return can
}

// given is what a fixture holds in addition to its event.
type given struct {
	User     map[string]any                       `json:"user"`
	Progress map[string]*float64                  `json:"progress"`
	Rank     map[string]*float64                  `json:"rank"`
	Lookups  map[string]map[string]map[string]any `json:"lookups"`
}

// withGiven removes given from a fixture's body. It leaves a body that is not an object
// as it is; decoding it reports the error.
func withGiven(f Fixture) (Fixture, error) {
	whole, err := decodeExact(f.Body)
	if err != nil || whole["given"] == nil {
		return f, nil
	}
	text, err := json.Marshal(whole["given"])
	if err != nil {
		return f, fmt.Errorf("%s: %w", f.File, err)
	}
	var g given
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&g); err != nil {
		return f, fmt.Errorf(`%s: given holds what rules ask beyond the event, {"user": {…}, "progress": {"m1": 80}, `+
			`"rank": {"score": 1}, "lookups": {"managers": {"u1": {…}}}}: %w`, f.File, err)
	}
	body := ordered(whole, "event", "companyId", "data")
	body = slices.DeleteFunc(body, func(m layout.Member) bool { return m.Key == "given" })
	if f, err = writeBody(f.File, body); err != nil {
		return f, err
	}
	f.Facts = g.facts(userOf(body))
	return f, nil
}

// facts returns the answers for lookups about an event of a user.
func (g *given) facts(user string) expression.Recorded {
	var facts expression.Recorded
	know := func(about expression.Topic, of, key string, answer any) {
		facts = append(facts, expression.Answer{Query: expression.Query{About: about, Of: of, Key: key}, Value: answer})
	}
	if g.User != nil {
		know(expression.AboutUser, "", user, cellsFrom(g.User))
	}
	for _, module := range slices.Sorted(maps.Keys(g.Progress)) {
		if percent := g.Progress[module]; percent != nil {
			know(expression.AboutProgress, user, module, expression.Number(*percent))
		}
	}
	for _, by := range slices.Sorted(maps.Keys(g.Rank)) {
		if place := g.Rank[by]; place != nil {
			know(expression.AboutRank, user, by, expression.Number(*place))
		}
	}
	for _, table := range slices.Sorted(maps.Keys(g.Lookups)) {
		for _, key := range slices.Sorted(maps.Keys(g.Lookups[table])) {
			know(expression.AboutLookup, table, key, cellsFrom(g.Lookups[table][key]))
		}
	}
	return facts
}

// cellsFrom returns the cells of a record: texts, as in a table, or true and false.
func cellsFrom(record map[string]any) expression.Cells {
	cells := expression.Cells{}
	for name, value := range record {
		switch value.(type) {
		case string, bool:
			cells[name] = value
		case json.Number:
			cells[name] = fmt.Sprint(value)
		}
	}
	return cells
}

// givenFacts returns answers as a test gives them. All of them must be givable.
func givenFacts(facts expression.Recorded) layout.Object {
	var user any
	var progress, rank, tables layout.Object
	for _, f := range facts {
		if f.Value == nil {
			continue
		}
		switch f.About {
		case expression.AboutUser:
			user = cellsOf(f.Value)
		case expression.AboutProgress:
			progress = append(progress, layout.Member{Key: f.Key, Value: f.Value})
		case expression.AboutRank:
			rank = append(rank, layout.Member{Key: f.Key, Value: f.Value})
		case expression.AboutLookup:
			tables = addRow(tables, f.Of, layout.Member{Key: f.Key, Value: cellsOf(f.Value)})
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

// cellsOf returns the non-empty cells of a record.
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

// learnFacts learns the personal values in queries and answers.
func (r *redactor) learnFacts(facts expression.Recorded) {
	for _, f := range facts {
		r.walkFact(f, r.learnScalar)
	}
}

// redactFacts returns the queries that the redacted event makes, with redacted answers.
func (r *redactor) redactFacts(facts expression.Recorded) expression.Recorded {
	redacted := make(expression.Recorded, len(facts))
	for i, f := range facts {
		redacted[i] = r.walkFact(f, r.redactScalar)
	}
	return redacted
}

func (r *redactor) walkFact(f expression.Answer, replace scalar) expression.Answer {
	text := func(t, field string, personal bool) string {
		replaced, _ := replace(t, field, personal).(string)
		return replaced
	}
	switch f.About {
	case expression.AboutUser:
		f.Key = text(f.Key, "userId", true)
	case expression.AboutProgress, expression.AboutRank:
		f.Of, f.Key = text(f.Of, "userId", true), text(f.Key, "", false)
	case expression.AboutLookup: // the keys of tables are of all kinds
		f.Key = text(f.Key, "", r.pseudonyms[identity(f.Key)] != "")
	}
	if _, isRecord := f.Value.(expression.Record); isRecord {
		cells := expression.Cells{}
		w := walker{"", replace, func(name string) string { return name }}
		for _, cell := range w.object(cellsOf(f.Value), false) {
			cells[cell.Key] = cell.Value
		}
		f.Value = cells
	}
	return f
}
