package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"heed/engine/intake"
	"heed/engine/record"
)

// mergeLimit is how many fresh keys begin a merge: as many as fit into a map of 2^16
// places, which takes 4 MB.
const mergeLimit = 50_000

// keyring holds the keys of the newest events, which are not in the table keys yet.
// Digests are spread all over that table: inserting those of one event rewrites two
// pages, which costs more than everything else about the event together. So keys are
// gathered here and merged in sorted order, where one page takes many. Losing this
// memory loses nothing: a key is committed with its event, whose row has all of it, or
// with a row of resent_keys, and load rebuilds the keyring from the rows after the mark
// 'keys_merged'.
//
// Only the writer changes a keyring. Others may call find and holding. The keyring is
// nil if other processes write to the store too: keys are then written with their event.
type keyring struct {
	limit   int // of fresh keys
	runKeys int // of a run

	mu    sync.RWMutex
	fresh map[key]claim
	// runs are those in the table, the newest last.
	runs []keyRun
	// merging are the keys that are being merged, in order in sorted; nil between
	// two merges. next counts those that are in the table, upTo is the last event
	// that they are of, into is the run with them.
	merging map[key]claim
	sorted  []key
	next    int
	upTo    int64
	into    keyRun
	// unfinished is the run of a merge that a crash has ended, noRun if there is none.
	unfinished int64
	// last is the newest event whose keys are here, merged the newest event up
	// to which all keys are in the table.
	last, merged int64
	// resent is the last row of resent_keys, resentUpTo the last one that is being
	// merged, resentMerged the last one that was.
	resent, resentUpTo, resentMerged int64
}

// find looks a key up in memory. A key that is neither here nor, afterwards, in
// the table, is not claimed.
func (r *keyring) find(k key) (claim, bool) {
	if r == nil {
		return claim{}, false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.get(k)
}

func (r *keyring) get(k key) (claim, bool) {
	if r == nil {
		return claim{}, false
	}
	c, ok := r.fresh[k]
	if !ok {
		c, ok = r.merging[k]
	}
	return c, ok
}

// load fills the keyring from the store and returns the number for the next
// event.
func (r *keyring) load(ctx context.Context, db *sql.DB) (nextSeq int64, err error) {
	if r == nil {
		return 0, nil
	}
	if r.merged, err = mark(ctx, db, "keys_merged"); err != nil {
		return 0, err
	}
	if r.unfinished, err = mark(ctx, db, "keys_merging"); err != nil {
		return 0, err
	}
	r.unfinished--    // noRun without one
	r.last = r.merged // those events may be deleted by now, but no number is given twice
	r.fresh = map[key]claim{}
	if r.runs, err = loadRuns(ctx, db); err != nil {
		return 0, err
	}
	if err := r.loadResent(ctx, db); err != nil {
		return 0, err
	}
	rows, err := db.QueryContext(ctx, `
		SELECT seq, ids, id, signature, body_hash, status, reason, received_at
		FROM events WHERE seq > ? ORDER BY seq`, r.merged)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var c commit
		var signature, body []byte
		var ids, id, status, reason string
		if err := rows.Scan(&c.seq, &ids, &id, &signature, &body, &status, &reason, &c.receivedAt); err != nil {
			return 0, err
		}
		c.id, c.signature = idDigest(ids, id), digestOf(signature)
		copy(c.body[:], body)
		c.accepted = claimsID(record.Status(status))
		c.replayed = record.Status(status) == record.Replayed
		for k, v := range c.claims(reason == intake.SignatureReused) {
			r.fresh[k] = v
		}
		r.last = c.seq
	}
	return r.last + 1, rows.Err()
}

// merge writes up to n of the keys that are being merged to the table; force begins
// a merge however few keys wait. It counts only when g is committed.
func (r *keyring) merge(g *groupTx, n int, force bool) error {
	if r.merging == nil && (len(r.fresh) >= r.limit || force && !r.mergedAll(r.last, r.resent)) {
		r.beginMerge()
	}
	from := r.next + g.merged
	n = min(roundUp(n), len(r.sorted)-from)
	if n <= 0 && (r.merging == nil || len(r.sorted) > 0) { // events without keys, replays, make an empty one
		return nil
	}
	rows := make([][]value, n)
	for i, k := range r.sorted[from : from+n] {
		rows[i] = r.merging[k].row(k, r.into.number)
		r.into.filter.add(k) // a bit too many does no harm if g is taken back
	}
	if from == 0 && n > 0 {
		if err := g.conn.Send(setMark, r.into.number+1, "keys_merging"); err != nil {
			return err
		}
	}
	if err := insertKeys.insert(g.conn, rows); err != nil {
		return err
	}
	g.merged += n
	if from+n < len(r.sorted) {
		return nil
	}
	if err := g.conn.Send(setMark, r.upTo, "keys_merged"); err != nil {
		return err
	}
	if err := g.conn.Send(setMark, int64(0), "keys_merging"); err != nil {
		return err
	}
	if err := g.conn.Send("DELETE FROM resent_keys WHERE n <= ?", r.resentUpTo); err != nil {
		return err
	}
	if len(r.sorted) == 0 {
		return nil
	}
	return r.into.save(g.conn)
}

const setMark = "UPDATE marks SET value = ? WHERE name = ?"

func roundUp(n int) int { return (n + 63) / 64 * 64 }

// After a crash a merge begins again in the same run, with some of its keys in the
// table already. OR REPLACE looks for the place of a row once, ON CONFLICT twice.
var insertKeys = insertionOf("OR REPLACE INTO keys", "run, k, seq, other, received_at", "")

func (r *keyring) beginMerge() {
	sorted := make([]key, 0, len(r.fresh))
	for k := range r.fresh {
		sorted = append(sorted, k)
	}
	slices.SortFunc(sorted, func(a, b key) int { return bytes.Compare(a[:], b[:]) })

	r.mu.Lock()
	defer r.mu.Unlock()
	r.merging, r.sorted, r.next, r.upTo, r.resentUpTo = r.fresh, sorted, 0, r.last, r.resent
	r.into = r.runFor(len(sorted))
	r.unfinished = noRun
	r.fresh = make(map[key]claim, r.limit)
}

// committed takes over what the group claimed and merged.
func (r *keyring) committed(g *groupTx) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range g.fresh {
		r.fresh[k] = g.known[k]
	}
	r.last = g.nextSeq - 1
	r.resent += int64(g.resent)
	r.runs = slices.DeleteFunc(r.runs, func(run keyRun) bool { return slices.Contains(g.emptyRuns, run.number) })
	r.next += g.merged
	if r.merging != nil && r.next == len(r.sorted) {
		r.addRun(r.into)
		r.merging, r.sorted, r.next, r.into = nil, nil, 0, keyRun{}
		r.merged, r.resentMerged = r.upTo, r.resentUpTo
	}
}

// mergedAll says whether all keys up to an event and to a row of resent_keys are in
// the table.
func (r *keyring) mergedAll(event, resent int64) bool {
	return r.merged >= event && r.resentMerged >= resent
}

// mergeKeys brings the keys of all events stored before the call into the
// table, a part at a time so that other writers are not held up.
func (db *DB) mergeKeys(ctx context.Context) error {
	if db.writer.keys == nil {
		return nil
	}
	var event, resent int64
	for first, done := true, false; !done; first = false {
		err := db.writer.do(ctx, func(g *groupTx) error {
			if first {
				event, resent = g.keys.last, g.keys.resent
			}
			if done = g.keys.mergedAll(event, resent); done {
				return nil
			}
			return g.keys.merge(g, 4096, true)
		})
		if err != nil {
			return fmt.Errorf("merge de-duplication keys: %w", err)
		}
	}
	return nil
}

// The rows of resent_keys are keys that no row of events tells, until they are
// merged.
var insertResent = insertInto("resent_keys", "n, k, seq, other, received_at")

// saveResent writes down the keys that a group claimed for events that are stored
// already.
func (r *keyring) saveResent(g *groupTx, keys []key) error {
	if r == nil {
		return nil
	}
	rows := make([][]value, len(keys))
	for i, k := range keys {
		g.resent++
		rows[i] = g.known[k].row(k, r.resent+int64(g.resent))
	}
	return insertResent.insert(g.conn, rows)
}

func (r *keyring) loadResent(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT k, seq, other, received_at, n FROM resent_keys ORDER BY n")
	if err != nil {
		return err
	}
	defer rows.Close()
	cols := make([]value, 4)
	for rows.Next() {
		if err := rows.Scan(&cols[0], &cols[1], &cols[2], &cols[3], &r.resent); err != nil {
			return err
		}
		k, c := claimOf(cols)
		r.fresh[k] = c
	}
	return rows.Err()
}
