package store

import (
	"encoding/json"

	"heed/engine/state"
)

// dialect is what the two databases word differently. The statements of this
// package run on both; where one must be told otherwise, it names a field.
type dialect struct {
	// numbers and texts are a table j with the column value, made from one
	// parameter that list has made.
	numbers, texts string
	list           func(values any) (value, error)
	// shared says that other processes write, too.
	shared bool
	// events adds rows of events, with the person of each at the end if userColumn.
	events     insertion
	userColumn bool
	// inRun says whether a row of keys is of a run, and keyQueries look for keys of
	// one; where there are no runs, all are of theOnlyRun.
	inRun      string
	keyQueries [maxKeys/keyStep + 1]string
	// readState reads rows of state, each with its place among the refs, for which
	// scopes are the numbers.
	readState func(scopes []int64, refs []state.Ref) (query string, args []value)
	// dueIndex makes a query of deliveries use the index of those that wait.
	dueIndex string
	// scopedRows joins state to its scopes, beginning with the rows.
	scopedRows string
	// decisions and effects are tables d and e with the column value: the decisions
	// of an event's row, and the effects in the one of d.
	decisions, effects string
	// user is the person whom the row of an event is about, NULL for none that can
	// be read. ofUser says whether it is about the person of two parameters; a
	// quarantined body may be no JSON, or name a user twice, so there any mention
	// counts. readsOtherwise says whether user may be another than heed reads.
	user, ofUser, readsOtherwise string
	// aboutEvents says whether the event of the row is heed's own, about one of a
	// list of events.
	aboutEvents string
	// gotIt are the recipients of a delivery's row that have got it; NULL if all
	// have.
	gotIt string
	// opened is since when the circuit of a lane's row is open.
	opened string
}

// sqliteDialect is SQLite's.
var sqliteDialect = dialect{
	numbers: "json_each(?) j",
	texts:   "json_each(?) j",
	list: func(values any) (value, error) {
		text, err := json.Marshal(values)
		return string(text), err
	},
	events:     insertInto("events", eventCols),
	inRun:      "run = ?",
	keyQueries: keyQueries("run = ?"),
	readState:  readStateByValues,
	dueIndex:   " INDEXED BY deliveries_due",
	scopedRows: "state CROSS JOIN state_scopes ON id = scope",
	decisions:  "json_each(CAST(decisions AS TEXT)) d",
	effects:    "json_each(d.value, '$.effects') e",
	user: `CASE WHEN json_valid(CAST(body AS TEXT))
		THEN CAST(json_extract(CAST(body AS TEXT), '$.data.userId') AS TEXT) END`,
	ofUser: `CASE
		WHEN status = 'quarantined' THEN instr(CAST(body AS TEXT), '"' || ? || '"') > 0
		WHEN json_valid(CAST(body AS TEXT)) THEN CAST(json_extract(CAST(body AS TEXT), '$.data.userId') AS TEXT) = ?
		ELSE FALSE END`,
	// Half of a surrogate pair, which heed replaces, and whatever is not an event.
	readsOtherwise: `(status = 'quarantined' OR instr(body, X'5C7564') OR instr(body, X'5C7544'))`,
	aboutEvents: `type GLOB 'heed.*' AND json_valid(CAST(body AS TEXT))
		AND json_extract(CAST(body AS TEXT), '$.data.eventId') IN (SELECT j.value FROM json_each(?) j)`,
	gotIt: `(
		SELECT CAST(json_group_array(json(value)) AS BLOB) FROM json_each(CAST(recipients AS TEXT))
		WHERE value ->> 'state' = 'done' HAVING count(*) < json_array_length(CAST(recipients AS TEXT)))`,
	opened: "CAST(state AS TEXT) ->> 'opened'",
}

// inNumbers says that a column is one of some numbers, inTexts one of some texts.
func (w *dialect) inNumbers(column string) string {
	return column + " IN (SELECT j.value FROM " + w.numbers + ")"
}

func (w *dialect) inTexts(column string) string {
	return column + " IN (SELECT j.value FROM " + w.texts + ")"
}
