package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"heed/engine/intake"
	"heed/engine/record"
)

// digest stands for a signature, an id or a body: the first half of its
// SHA-256. Half is enough against accidents and against whoever does not hold
// the signing secret, and keeps the keys small.
type digest [16]byte

func digestOf(parts ...[]byte) digest {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	var sum [sha256.Size]byte
	return digest(h.Sum(sum[:0])[:len(digest{})])
}

// idDigest stands for an id among those of a source.
func idDigest(ids, id string) digest {
	if ids == "" {
		return digestOf([]byte(id))
	}
	return digestOf([]byte(ids), []byte{0}, []byte(id))
}

// key names something that only one event can claim: a kind and a digest.
type key [1 + len(digest{})]byte

const (
	kindID        = 'i' // the id of an accepted event; other is the body
	kindSignature = 's' // a signature; other is the id it came with first
	kindReuse     = 'r' // a signature that came with another id; seq counts how often
)

func keyOf(kind byte, d digest) key {
	k := key{kind}
	copy(k[1:], d[:])
	return k
}

// claim is what is known of a key: the event that has it and when that came.
type claim struct {
	seq        int64
	other      digest
	receivedAt int64
}

// mergeLimit is how many fresh keys begin a run. They take about 10 MB.
const mergeLimit = 1 << 17

// keyring holds the keys of the newest events, which are not in the table keys
// yet. Digests fall all over that table: to insert those of one event rewrites
// two pages, which costs more than everything else about the event together.
// So keys are gathered here and merged in sorted runs, where one page takes
// many. Nothing hangs on this memory: a key is committed with its event, whose
// row tells all of it, and load makes the keyring anew from the events after
// the mark 'keys_merged'.
//
// Only the writer changes a keyring. Others may call find. A nil keyring is of a
// store to which others write, too: there keys are written with their event.
type keyring struct {
	limit int

	mu    sync.RWMutex
	fresh map[key]claim
	// merging are the keys of the run, sorted in run; nil between runs. next
	// counts those that are in the table, upTo is the last event of the run.
	merging map[key]claim
	run     []key
	next    int
	upTo    int64
	// last is the newest event whose keys are here, merged the newest event up
	// to which all keys are in the table.
	last, merged int64
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
	if err := db.QueryRowContext(ctx, "SELECT value FROM marks WHERE name = 'keys_merged'").Scan(&r.merged); err != nil {
		return 0, err
	}
	r.last = r.merged // those events may be deleted by now, but no number is given twice
	r.fresh = map[key]claim{}
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

// merge writes up to n keys of the run to the table; force begins a run however
// few keys wait. It counts only when g is committed.
func (r *keyring) merge(g *groupTx, n int, force bool) error {
	if r.merging == nil && (len(r.fresh) >= r.limit || force && r.last > r.merged) {
		r.beginRun()
	}
	from := r.next + g.merged
	n = min(roundUp(n), len(r.run)-from)
	if n <= 0 && (r.merging == nil || len(r.run) > 0) { // events without keys, replays, make an empty run
		return nil
	}
	rows := make([][]value, n)
	for i, k := range r.run[from : from+n] {
		rows[i] = r.merging[k].row(k)
	}
	if err := insertKeys.insert(g.conn, rows); err != nil {
		return err
	}
	g.merged += n
	if from+n < len(r.run) {
		return nil
	}
	_, err := g.conn.Exec("UPDATE marks SET value = ? WHERE name = 'keys_merged'", r.upTo)
	return err
}

func roundUp(n int) int { return (n + 63) / 64 * 64 }

// After a crash a run begins anew, with some of its keys in the table already.
var insertKeys = replaceInto("keys", "k", "seq, other, received_at")

func (c claim) row(k key) []value {
	return []value{k[:], c.seq, c.other[:], c.receivedAt}
}

func (r *keyring) beginRun() {
	run := make([]key, 0, len(r.fresh))
	for k := range r.fresh {
		run = append(run, k)
	}
	slices.SortFunc(run, func(a, b key) int { return bytes.Compare(a[:], b[:]) })

	r.mu.Lock()
	defer r.mu.Unlock()
	r.merging, r.run, r.next, r.upTo = r.fresh, run, 0, r.last
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
	r.next += g.merged
	if r.merging != nil && r.next == len(r.run) {
		r.merging, r.run, r.next, r.merged = nil, nil, 0, r.upTo
	}
}

// mergedUpTo returns the last event up to which all keys are in the table.
func (r *keyring) mergedUpTo() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.merged
}

// mergeKeys brings the keys of all events stored before the call into the
// table, a part at a time so that other writers are not held up.
func (db *DB) mergeKeys(ctx context.Context) error {
	if db.writer.keys == nil {
		return nil
	}
	var target int64
	for {
		err := db.writer.do(ctx, func(g *groupTx) error {
			if target == 0 {
				target = g.keys.last
			}
			return g.keys.merge(g, 4096, true)
		})
		if err != nil {
			return fmt.Errorf("merge de-duplication keys: %w", err)
		}
		if db.writer.keys.mergedUpTo() >= target {
			return nil
		}
	}
}

// A statement looks up a multiple of keyStep keys, maxKeys at most. Places left
// over are NULL, which finds nothing.
const (
	keyStep = 16
	maxKeys = 128
)

var selectKeys = func() (queries [maxKeys/keyStep + 1]string) {
	for i := 1; i < len(queries); i++ {
		queries[i] = "SELECT k, seq, other, received_at FROM keys WHERE k IN (?" + strings.Repeat(",?", i*keyStep-1) + ")"
	}
	return queries
}()

// lookUp adds to g.known which of the keys the table has.
func (g *groupTx) lookUp(keys []key) error {
	for len(keys) > 0 {
		n := min(len(keys), maxKeys)
		steps := (n + keyStep - 1) / keyStep
		args := make([]value, steps*keyStep)
		for i := range n {
			args[i] = keys[i][:]
		}
		if err := g.conn.Query(g.learn, selectKeys[steps], args...); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (g *groupTx) learn(cols []value) error {
	var k key
	copy(k[:], cols[0].([]byte))
	c := claim{seq: cols[1].(int64), receivedAt: cols[3].(int64)}
	copy(c.other[:], cols[2].([]byte))
	g.known[k] = c
	return nil
}
