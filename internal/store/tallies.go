package store

import (
	"context"
	"time"

	"heed/engine/record"
)

// keepTallies is how long tallies are kept.
const keepTallies = 60 * 24 * time.Hour

// AddTallies adds counts.
func (db *DB) AddTallies(ctx context.Context, tallies []record.Tally) (err error) {
	defer wrap(&err, "count what became of events")
	return db.writer.do(ctx, func(g *groupTx) error {
		for _, t := range tallies {
			_, err := g.conn.exec(`
				INSERT INTO tallies (rule, hour, outcome, n) VALUES (?, ?, ?, ?)
				ON CONFLICT (rule, hour, outcome) DO UPDATE SET n = n + excluded.n`,
				t.Rule, hourOf(micros(t.Hour)), t.Outcome, int64(t.N))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Tallies returns the counts since a time, summed up for each rule and outcome,
// with the newest hour of each.
func (db *DB) Tallies(ctx context.Context, since time.Time) (tallies []record.Tally, err error) {
	defer wrap(&err, "read what became of events")
	rows, err := db.readDB.QueryContext(ctx,
		"SELECT rule, outcome, sum(n), max(hour) FROM tallies WHERE hour >= ? GROUP BY rule, outcome", hourOf(micros(since)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t record.Tally
		var hour int64
		if err := rows.Scan(&t.Rule, &t.Outcome, &t.N, &hour); err != nil {
			return nil, err
		}
		t.Hour = timeOf(hour * hourMicros)
		tallies = append(tallies, t)
	}
	return tallies, rows.Err()
}

// pruneTallies deletes old counts.
func (db *DB) pruneTallies(ctx context.Context, now time.Time) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.exec("DELETE FROM tallies WHERE hour < ?", hourOf(micros(now.Add(-keepTallies))))
		return err
	})
}
