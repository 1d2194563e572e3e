package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// maxRunKeys is how many keys a run has: a merge touches each page of its run, and
// a new event is looked for in the filter of each run.
const maxRunKeys = 1 << 19

// keyRun is a run of the table keys. Its filter is not changed any more once others
// see it.
type keyRun struct {
	number int64
	keys   int
	filter keyFilter
	// isNew says that the store has another filter of the run, or none.
	isNew bool
}

// runFor is a run for n more keys: the newest with a filter of its own if they find
// room there, or another. After a crash it is the one that has some of them already,
// or they would be in two.
func (r *keyring) runFor(n int) keyRun {
	newest := keyRun{number: noRun}
	if len(r.runs) > 0 {
		newest = r.runs[len(r.runs)-1]
	}
	fits := newest.keys+n <= len(newest.filter)/bytesPerKey
	if r.unfinished != noRun {
		fits = r.unfinished == newest.number
	}
	if newest.number == noRun || !fits {
		return keyRun{number: newest.number + 1, keys: n, filter: newKeyFilter(r.runKeys)}
	}
	return keyRun{number: newest.number, keys: newest.keys + n, filter: slices.Clone(newest.filter)}
}

// addRun puts a run in the place of the one with its number, or at the end.
func (r *keyring) addRun(run keyRun) {
	if last := len(r.runs) - 1; last >= 0 && r.runs[last].number == run.number {
		r.runs = r.runs[:last:last]
	}
	if run.keys > 0 {
		r.runs = append(r.runs, run)
	}
}

var insertRuns = replaceInto("key_runs", "run", "keys, filter")

func (run keyRun) save(c conn) error {
	return insertRuns.insert(c, [][]value{{run.number, int64(run.keys), []byte(run.filter)}})
}

// loadRuns reads the runs. The filter of one that has none, since it was written by
// a heed without runs or copied from another database, is made from its keys.
func loadRuns(ctx context.Context, db *sql.DB) (runs []keyRun, err error) {
	rows, err := db.QueryContext(ctx, "SELECT run, keys, filter FROM key_runs ORDER BY run")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var run keyRun
		if err := rows.Scan(&run.number, &run.keys, (*[]byte)(&run.filter)); err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range runs {
		if len(runs[i].filter) == 0 {
			if err := runs[i].makeFilter(ctx, db); err != nil {
				return nil, err
			}
		}
	}
	return runs, nil
}

// saveRuns writes the filters that loadRuns had to make.
func (db *DB) saveRuns(ctx context.Context) error {
	r := db.writer.keys
	if r == nil || !slices.ContainsFunc(r.runs, func(run keyRun) bool { return run.isNew }) {
		return nil
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		for _, run := range r.runs {
			if !run.isNew {
				continue
			}
			if err := run.save(g.conn); err != nil {
				return err
			}
		}
		return nil
	})
}

func (run *keyRun) makeFilter(ctx context.Context, db *sql.DB) error {
	run.filter, run.isNew = newKeyFilter(run.keys), true
	rows, err := db.QueryContext(ctx, "SELECT k FROM keys WHERE run = ?", run.number)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		var k key
		copy(k[:], raw)
		run.filter.add(k)
	}
	return rows.Err()
}

// noRun is no number of a run, theOnlyRun that of all keys where there are no runs.
const (
	noRun      = -1
	theOnlyRun = 0
)

// numbers are the numbers of the runs.
func (r *keyring) numbers() []int64 {
	if r == nil {
		return []int64{theOnlyRun}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	numbers := make([]int64, len(r.runs))
	for i, run := range r.runs {
		numbers[i] = run.number
	}
	return numbers
}

// dropEmpty takes a run away that has no keys any more, unless it is the newest:
// with it goes the memory for its filter.
func (r *keyring) dropEmpty(g *groupTx, run int64) error {
	if r == nil || len(r.runs) == 0 || run == r.runs[len(r.runs)-1].number {
		return nil
	}
	dropped, err := g.conn.Exec(
		"DELETE FROM key_runs WHERE run = ? AND NOT EXISTS (SELECT 1 FROM keys WHERE run = ?)", run, run)
	if err == nil && dropped > 0 {
		g.emptyRuns = append(g.emptyRuns, run)
	}
	return err
}

// holding are the keys by the runs that may have them.
func (r *keyring) holding(keys []key) map[int64][]key {
	if r == nil {
		return map[int64][]key{theOnlyRun: keys}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var held map[int64][]key
	for _, run := range r.runs {
		for _, k := range keys {
			if run.filter.mayHold(k) {
				if held == nil {
					held = map[int64][]key{}
				}
				held[run.number] = append(held[run.number], k)
			}
		}
	}
	return held
}

// A statement looks up a multiple of keyStep keys, maxKeys at most. Places left
// over are NULL, which finds nothing.
const (
	keyStep = 16
	maxKeys = 128
)

// keyQueries are the statements that look up so many steps of keys in a run.
func keyQueries(inRun string) (queries [maxKeys/keyStep + 1]string) {
	for i := 1; i < len(queries); i++ {
		queries[i] = "SELECT k, seq, other, received_at FROM keys WHERE " + inRun +
			" AND k IN (?" + strings.Repeat(",?", i*keyStep-1) + ")"
	}
	return queries
}

// lookUp calls query with each statement that is needed to find keys in the table.
func (w *dialect) lookUp(r *keyring, keys []key, query func(text string, args []value) error) error {
	for run, held := range r.holding(keys) {
		for part := range slices.Chunk(held, maxKeys) {
			steps := (len(part) + keyStep - 1) / keyStep
			args := make([]value, 1+steps*keyStep)
			args[0] = run
			for i := range part {
				args[1+i] = part[i][:]
			}
			if err := query(w.keyQueries[steps], args); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookUp adds to g.known which of the keys the table has.
func (g *groupTx) lookUp(keys []key) error {
	return g.words.lookUp(g.keys, keys, func(text string, args []value) error {
		return g.conn.Query(func(cols []value) error {
			k, c := claimOf(cols)
			g.known[k] = c
			return nil
		}, text, args...)
	})
}

// lookUpKeys calls found with those of the keys that the table has.
func (db *DB) lookUpKeys(ctx context.Context, keys []key, found func(key, claim)) error {
	return db.words.lookUp(db.writer.keys, keys, func(text string, args []value) error {
		params := make([]any, len(args))
		for i, arg := range args {
			params[i] = arg
		}
		rows, err := db.readDB.QueryContext(ctx, text, params...)
		if err != nil {
			return err
		}
		defer rows.Close()
		cols := make([]value, 4)
		for rows.Next() {
			if err := rows.Scan(&cols[0], &cols[1], &cols[2], &cols[3]); err != nil {
				return err
			}
			found(claimOf(cols))
		}
		return rows.Err()
	})
}
