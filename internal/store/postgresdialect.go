package store

import "heed/engine/state"

// postgresDialect is PostgreSQL's. JSON is kept as bytes, since its own types take
// no \u0000; where a statement looks into some, that is read as U+FFFD.
var postgresDialect = dialect{
	numbers:    "unnest(CAST(? AS bigint[])) AS j (value)",
	texts:      "unnest(CAST(? AS text[])) AS j (value)",
	list:       func(values any) (value, error) { return values, nil },
	shared:     true,
	events:     insertInto("events", eventCols+", user_id"),
	userColumn: true,
	inRun:      "? = 0",
	keyQueries: keyQueries("? = 0"),
	readState:  readStateByArrays,
	scopedRows: "state JOIN state_scopes ON id = scope",
	decisions:  "jsonb_array_elements(" + asJSON("decisions") + ") AS d (value)",
	effects: `jsonb_array_elements(
		CASE jsonb_typeof(d.value -> 'effects') WHEN 'array' THEN d.value -> 'effects' ELSE '[]' END) AS e (value)`,
	user: "user_id",
	ofUser: `(status = 'quarantined' AND position(convert_to('"' || ? || '"', 'UTF8') IN body) > 0
		OR status != 'quarantined' AND user_id = ?)`,
	readsOtherwise: "status = 'quarantined'",
	aboutEvents: `CASE WHEN type >= 'heed.' AND type < 'heed/' AND status != 'quarantined'
		THEN ` + asJSON("body") + ` #>> '{data,eventId}' IN (SELECT j.value FROM unnest(CAST(? AS text[])) AS j (value))
		ELSE FALSE END`,
	gotIt: `(
		SELECT convert_to(coalesce(jsonb_agg(value) FILTER (WHERE value ->> 'state' = 'done'), '[]')::text, 'UTF8')
		FROM jsonb_array_elements(` + asJSON("recipients") + `)
		HAVING count(*) FILTER (WHERE value ->> 'state' = 'done') < count(*))`,
	opened: asJSON("state") + " ->> 'opened'",
}

// asJSON is a column with JSON, so that statements can look into it.
func asJSON(column string) string {
	return `replace(convert_from(` + column + `, 'UTF8'), '\u0000', '\ufffd')::jsonb`
}

// readStateByArrays asks for any number of rows.
func readStateByArrays(scopes []int64, refs []state.Ref) (query string, args []value) {
	keys := make([]string, len(refs))
	for i, ref := range refs {
		keys[i] = ref.Key
	}
	return `SELECT asked.i - 1, "user", data, due_at, expires_at, version
		FROM unnest(CAST(? AS bigint[]), CAST(? AS text[])) WITH ORDINALITY AS asked (scope, key, i)
		JOIN state ON state.scope = asked.scope AND state.key = asked.key`, []value{scopes, keys}
}
