package store

import (
	"context"
	"slices"
	"time"
)

// Each part of a pruning is a write of its own, so that events which come in
// meanwhile wait for one part at most.
const (
	pruneEvents = 100
	pruneKeys   = 500
)

const hourMicros = int64(time.Hour / time.Microsecond)

func hourOf(micros int64) int64 { return micros / hourMicros }

// Prune deletes the events received before a time, with their deliveries and
// attempts, and returns how many. An event with a delivery that is still to be
// sent stays, as does one that people were not learnt from, and one that a rule
// is going to need. State that means nothing any more goes at now. Threads and lanes
// that were not used since go too, and de-duplication keys from before keysBefore whose
// event is gone. On an error, what was deleted so far stays deleted. It reads
// every key, so call it a few times a day, not a minute.
func (db *DB) Prune(ctx context.Context, now, before, keysBefore time.Time) (n int, err error) {
	defer wrap(&err, "prune")
	// An event whose keys are only in memory must not go before they are saved.
	if err := db.mergeKeys(ctx); err != nil {
		return 0, err
	}
	if err := db.pruneThreads(ctx, micros(before)); err != nil {
		return 0, err
	}
	if err := db.pruneTallies(ctx, now); err != nil {
		return 0, err
	}
	if err := db.pruneLanes(ctx, micros(before)); err != nil {
		return 0, err
	}
	hours, err := db.hoursUntil(ctx, micros(before))
	if err != nil {
		return 0, err
	}
	var last int64
	for _, r := range hours {
		last = max(last, r.last)
	}
	needed, err := db.pruneState(ctx, now, last)
	if err != nil {
		return 0, err
	}
	if len(hours) == 0 {
		return 0, db.pruneKeys(ctx, micros(keysBefore))
	}
	if err := db.setPrunedBefore(ctx, micros(before)); err != nil {
		return 0, err
	}
	for hour, r := range hours {
		deleted, err := db.pruneHour(ctx, hour, r, micros(before), needed)
		n += deleted
		if err != nil {
			return n, err
		}
	}
	return n, db.pruneKeys(ctx, micros(keysBefore))
}

// setPrunedBefore notes, beforehand, from when on no event is deleted.
func (db *DB) setPrunedBefore(ctx context.Context, before int64) error {
	if was, err := mark(ctx, db.readDB, "pruned_before"); err != nil || was >= before {
		return err
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec("UPDATE marks SET value = ? WHERE name = 'pruned_before'", before)
		return err
	})
}

func (db *DB) hoursUntil(ctx context.Context, before int64) (map[int64]seqRange, error) {
	rows, err := db.readDB.QueryContext(ctx, "SELECT hour, first_seq, last_seq FROM hours WHERE hour <= ?",
		hourOf(before))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	hours := map[int64]seqRange{}
	for rows.Next() {
		var hour int64
		var r seqRange
		if err := rows.Scan(&hour, &r.first, &r.last); err != nil {
			return nil, err
		}
		hours[hour] = r
	}
	return hours, rows.Err()
}

// pruneHour deletes old events among those of one hour, whose range may hold
// some of other hours, and the hour once it is over and has none left.
func (db *DB) pruneHour(
	ctx context.Context, hour int64, r seqRange, before int64, needed map[int64]bool,
) (n int, err error) {
	for after := r.first - 1; ; {
		seqs, err := readColumn[int64](ctx, db, `
			SELECT seq FROM events
			WHERE seq > ? AND seq <= ? AND received_at < ? AND NOT`+waitingDelivery+`
			AND seq <= (SELECT value FROM marks WHERE name = 'people_learnt')
			ORDER BY seq LIMIT ?`, after, r.last, before, pruneEvents)
		if err != nil {
			return n, err
		}
		if len(seqs) == 0 {
			break
		}
		after = seqs[len(seqs)-1]
		deleted, err := db.deleteEvents(ctx, slices.DeleteFunc(seqs, func(seq int64) bool { return needed[seq] }))
		if err != nil {
			return n, err
		}
		n += deleted
	}
	if hour >= hourOf(before) {
		return n, nil
	}
	return n, db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec(`
			DELETE FROM hours WHERE hour = ? AND NOT EXISTS (
				SELECT 1 FROM events WHERE seq BETWEEN first_seq AND last_seq AND received_at / ? = hour)`,
			hour, hourMicros)
		return err
	})
}

// waitingDelivery says whether the event of the row has a delivery to be sent.
const waitingDelivery = ` EXISTS (
	SELECT 1 FROM deliveries
	WHERE n BETWEEN events.seq * 65536 AND events.seq * 65536 + 65535 AND due_at IS NOT NULL)`

// deleteEvents deletes events and returns how many: not those that have got
// something to send since they were chosen.
func (db *DB) deleteEvents(ctx context.Context, seqs []int64) (n int, err error) {
	list, err := db.words.list(append([]int64{}, seqs...))
	if err != nil {
		return 0, err
	}
	err = db.writer.do(ctx, func(g *groupTx) error {
		deleted, err := g.conn.Exec(
			"DELETE FROM events WHERE "+db.words.inNumbers("seq")+" AND NOT"+waitingDelivery, list)
		if err != nil {
			return err
		}
		n = int(deleted)
		_, err = g.conn.Exec(`
			DELETE FROM deliveries WHERE n IN (
				SELECT d.n FROM `+db.words.numbers+`
				JOIN deliveries d ON d.n BETWEEN j.value * 65536 AND j.value * 65536 + 65535
				WHERE NOT EXISTS (SELECT 1 FROM events WHERE seq = j.value))`, list)
		return err
	})
	return n, err
}

// pruneKeys deletes keys of events that are gone, run by run.
func (db *DB) pruneKeys(ctx context.Context, before int64) error {
	for _, run := range db.writer.keys.numbers() {
		if err := db.pruneRun(ctx, run, before); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) pruneRun(ctx context.Context, run, before int64) error {
	after := []byte{0} // before every key; an empty one would be bound as NULL
	for {
		keys, err := readColumn[[]byte](ctx, db, `
			SELECT k FROM keys
			WHERE `+db.words.inRun+` AND k > ? AND received_at < ? AND NOT EXISTS (SELECT 1 FROM events WHERE seq = keys.seq)
			ORDER BY k LIMIT ?`, run, after, before, pruneKeys)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return db.writer.do(ctx, func(g *groupTx) error { return g.keys.dropEmpty(g, run) })
		}
		err = db.writer.do(ctx, func(g *groupTx) error {
			for _, k := range keys {
				_, err := g.conn.Exec("DELETE FROM keys WHERE "+g.words.inRun+" AND k = ? AND received_at < ?", run, k,
					before)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		after = keys[len(keys)-1]
	}
}

// readColumn returns the one column that the query selects.
func readColumn[T any](ctx context.Context, db *DB, query string, args ...any) ([]T, error) {
	rows, err := db.readDB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var column []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		column = append(column, v)
	}
	return column, rows.Err()
}
