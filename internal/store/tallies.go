package store

import (
	"context"
	"database/sql"
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

// Tallies returns the counts since each of some times, the earliest first, summed
// up for each rule and outcome. All are read in one pass.
func (db *DB) Tallies(ctx context.Context, since ...time.Time) (sums []record.TallySum, err error) {
	defer wrap(&err, "read what became of events")
	text, args := "SELECT rule, outcome, max(hour)", []any{}
	for _, at := range since {
		text += ", sum(n) FILTER (WHERE hour >= ?)"
		args = append(args, hourOf(micros(at)))
	}
	rows, err := db.readDB.QueryContext(ctx,
		text+" FROM tallies WHERE hour >= ? GROUP BY rule, outcome", append(args, args[0])...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		sum := record.TallySum{N: make([]int, len(since))}
		var hour int64
		counts := make([]sql.NullInt64, len(since)) // NULL where there is none
		into := []any{&sum.Rule, &sum.Outcome, &hour}
		for i := range counts {
			into = append(into, &counts[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, n := range counts {
			sum.N[i] = int(n.Int64)
		}
		sum.Last = timeOf(hour * hourMicros)
		sums = append(sums, sum)
	}
	return sums, rows.Err()
}

// pruneTallies deletes old counts.
func (db *DB) pruneTallies(ctx context.Context, now time.Time) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.exec("DELETE FROM tallies WHERE hour < ?", hourOf(micros(now.Add(-keepTallies))))
		return err
	})
}
