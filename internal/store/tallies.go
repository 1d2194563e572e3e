package store

import (
	"context"
	"database/sql"
	"time"

	"heed/engine/record"
)

// keepTallies is how long tallies are kept, and keepHours how long by the hour: after
// that the counts of a day are one row, since all that are kept are read at once.
const (
	keepTallies = 60 * 24 * time.Hour
	keepHours   = 48 * time.Hour
)

// AddTallies adds counts.
func (db *DB) AddTallies(ctx context.Context, tallies []record.Tally) (err error) {
	defer wrap(&err, "count what became of events")
	return db.writer.do(ctx, func(g *groupTx) error {
		for _, t := range tallies {
			err := g.conn.Send(`
				INSERT INTO tallies (rule, hour, outcome, n) VALUES (?, ?, ?, ?)
				ON CONFLICT (rule, hour, outcome) DO UPDATE SET n = tallies.n + excluded.n`,
				t.Rule, hourOf(micros(t.Hour)), t.Outcome, int64(t.N))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Tallies returns the counts since each of some times, the earliest first, summed
// up for each rule and outcome. All are read in one pass. Beyond keepHours, only the
// days that begin after a time count.
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

// pruneTallies deletes old counts, and makes one row of those of a day that is over
// for a while.
func (db *DB) pruneTallies(ctx context.Context, now time.Time) error {
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("DELETE FROM tallies WHERE hour < ?", hourOf(micros(now.Add(-keepTallies))))
		if err != nil {
			return err
		}
		const ofDays = " hour < ? AND hour % 24 != 0"
		before := hourOf(micros(now.Add(-keepHours))) / 24 * 24
		if _, err := g.conn.Exec(`
			INSERT INTO tallies (rule, hour, outcome, n)
			SELECT rule, hour / 24 * 24, outcome, sum(n) FROM tallies WHERE`+ofDays+`
			GROUP BY rule, hour / 24, outcome
			ON CONFLICT (rule, hour, outcome) DO UPDATE SET n = tallies.n + excluded.n`, before); err != nil {
			return err
		}
		_, err = g.conn.Exec("DELETE FROM tallies WHERE"+ofDays, before)
		return err
	})
}
