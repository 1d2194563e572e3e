package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/state"
)

// maxDeliveries is how many deliveries an event may have, since a delivery's n
// is its event's seq with 16 bits below it.
const maxDeliveries = 1 << 16

// Commit implements intake.Store. An event needs an ID, a Signature and a
// Status, each delivery an ID and a State. A duplicate, or an event that was
// only counted, leaves its event as it was; otherwise the deliveries that were
// stored have their EventSeq and EventID set. Errors wrap ErrUnavailable or
// ErrClosed, or say what is wrong with an event.
func (db *DB) Commit(ctx context.Context, batches ...*intake.Batch) error {
	o := &op{commits: make([]*commit, len(batches))}
	for i, b := range batches {
		c, err := newCommit(b, db.words.userColumn)
		if err != nil {
			return fmt.Errorf("commit event %q: %w", b.Event.ID, err)
		}
		o.commits[i] = c
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return fmt.Errorf("commit event %q: %w", batches[0].Event.ID, err)
	}
	for _, c := range o.commits {
		c.tell()
	}
	return nil
}

// tell sets in the batch what became of it.
func (c *commit) tell() {
	b := c.batch
	if b.Verdict = c.verdict; c.verdict != intake.Stored {
		return
	}
	e := b.Event
	if e.Seq = c.seq; c.reason != "" {
		e.Status, e.Reason = record.Quarantined, c.reason
		return
	}
	for i := range b.Deliveries {
		b.Deliveries[i].EventSeq, b.Deliveries[i].EventID = e.Seq, e.ID
	}
}

// commit is an event on its way through the writer: its rows, prepared by the caller of
// Commit, and what the writer decides.
type commit struct {
	batch      *intake.Batch
	event      []value   // a row of events but for seq
	deliveries [][]value // rows of deliveries but for n
	waiting    bool      // one of them is to be sent

	user                string // whom it is about, if the database has a column for it
	id, body, signature digest
	accepted            bool // or timed: it claims its id
	replayed            bool // by a person: it claims nothing, and nothing keeps it from being stored
	good                bool // it shows that its source works, if it is new
	receivedAt          int64
	size                int // bytes, roughly

	verdict intake.Verdict
	seq     int64
	reason  string // why the store has quarantined it
	// original is the event that the signature belongs to, if that is the reason.
	original int64
}

const eventCols = "seq, id, type, company_id, status, reason, received_at, signed_at, rule_set," +
	" signature, body_hash, decisions, facts, body, source, ids, acts, detail"

var insertDeliveries = insertInto("deliveries", "n, id, rule, action, kind, state,"+
	" created_at, due_at, last_error, destination, order_key, request")

// Where in a row of events stands what the store may have to change.
const (
	colSeq       = 0
	colStatus    = 4
	colReason    = 5
	colRuleSet   = 8
	colDecisions = 11
	colFacts     = 12
	colBody      = 13
)

// newCommit makes the rows of a batch; withUser says that the table of events has a
// column for the person.
func newCommit(b *intake.Batch, withUser bool) (*commit, error) {
	e := b.Event
	switch {
	case e.ID == "":
		return nil, errors.New("it has no id")
	case len(e.Signature) == 0:
		return nil, errors.New("it has no signature")
	case !slices.Contains(record.Statuses, e.Status):
		return nil, fmt.Errorf("it has the status %q", e.Status)
	}
	c := &commit{
		batch:      b,
		id:         idDigest(e.IDs, e.ID),
		body:       digestOf(e.Body),
		signature:  digestOf(e.Signature),
		accepted:   claimsID(e.Status),
		replayed:   e.Status == record.Replayed,
		good:       e.Good,
		receivedAt: micros(e.ReceivedAt),
		size:       len(e.Body) + len(e.Facts),
	}
	c.event = []value{
		nil, e.ID, e.Type, e.CompanyID, string(e.Status), e.Reason,
		c.receivedAt, micros(e.SignedAt), e.RuleSet, e.Signature, c.body[:], nil, []byte(e.Facts), e.Body,
		e.Source, e.IDs, acts(e), e.Detail,
	}
	if withUser {
		c.user = userOf(e)
	}
	for _, d := range b.Deliveries {
		c.size += len(d.Request)
	}
	if b.Resolve != nil {
		return c, nil // its decisions and deliveries are not known yet
	}
	return c, c.prepare()
}

// acts is 0 for an inert event.
func acts(e *record.Event) int64 {
	if e.Inert {
		return 0
	}
	return 1
}

// claimsID reports whether an event with that status claims its id.
func claimsID(s record.Status) bool { return s == record.Accepted || s == record.Timed }

// prepare makes the rows of the batch's decisions and deliveries.
func (c *commit) prepare() error {
	b := c.batch
	if len(b.Deliveries) > maxDeliveries {
		return fmt.Errorf("it has %d deliveries, more than %d", len(b.Deliveries), maxDeliveries)
	}
	var decisions []byte
	if len(b.Event.Decisions) > 0 {
		var err error
		if decisions, err = json.Marshal(b.Event.Decisions); err != nil {
			return fmt.Errorf("encode decisions: %w", err)
		}
	}
	c.event[colDecisions], c.deliveries, c.waiting = decisions, nil, false
	for i, d := range b.Deliveries {
		if d.ID == "" || !slices.Contains(record.States, d.State) {
			return fmt.Errorf("its delivery %d has the id %q and the state %q", i+1, d.ID, d.State)
		}
		var dueAt value
		if waits(d.State) {
			c.waiting = true
			dueAt = micros(d.DueAt)
		}
		c.deliveries = append(c.deliveries, []value{
			nil, d.ID, d.Rule, d.Action, d.Kind, string(d.State),
			micros(d.CreatedAt), dueAt, d.LastError, d.Destination, orNull(d.OrderKey), []byte(d.Request),
		})
	}
	return nil
}

// orNull is NULL for an empty text.
func orNull(text string) value {
	if text == "" {
		return nil
	}
	return text
}

func (c *commit) wakes() bool {
	return c.waiting && c.verdict == intake.Stored && c.reason == ""
}

// claims are the keys that the event has once it is stored. reused says that
// its signature belongs to another id.
func (c *commit) claims(reused bool) iter.Seq2[key, claim] {
	return func(yield func(key, claim) bool) {
		if c.replayed {
			return
		}
		k := keyOf(kindSignature, c.signature)
		if reused {
			k = keyOf(kindReuse, c.signature)
		}
		if !yield(k, claim{c.seq, c.id, c.receivedAt}) {
			return
		}
		if c.accepted && c.reason == "" {
			yield(keyOf(kindID, c.id), claim{c.seq, c.body, c.receivedAt})
		}
	}
}

// groupTx is the transaction of one group.
type groupTx struct {
	writer  *writer
	conn    conn
	words   *dialect
	keys    *keyring
	nextSeq int64
	// firstSeq is the number of the group's first event.
	firstSeq int64
	// lastGood is the last event of the group that shows that its source works;
	// savedGood is when the last one came that is written down.
	lastGood  record.LastGood
	savedGood time.Time

	// known are the claims that the table has or that this group made, which are
	// listed in fresh.
	known map[key]claim
	fresh []key
	// resent counts the keys of fresh that the group wrote to resent_keys.
	resent int
	// users is the filter of the block of the newest event.
	users *userFilter
	// spaces are the ids that the group wrote down.
	spaces []string
	// hours are the events of each hour; too wide a range does no harm.
	hours map[int64]seqRange
	// merged counts the keyring's keys that were written, emptyRuns are runs that
	// have none any more.
	merged    int
	emptyRuns []int64

	// scopes are the scopes of state that are new or have other keys now, gone
	// those that were deleted. mutes are set if they changed; timed says that a
	// row of state has another due time.
	scopes scopes
	gone   map[state.Scope]bool
	// renamed is the writer's with what this group adds; it is not changed in place.
	renamed map[state.Scope]state.Scope
	mutes   *[]state.Mute
	timed   bool

	// turn is what is shared with other processes; wakes and peopleChanged are for them.
	turn                 turn
	wakes, peopleChanged bool
}

type seqRange struct{ first, last int64 }

func newGroupTx(w *writer) *groupTx {
	clear(w.known)
	return &groupTx{
		conn: w.conn, words: w.words, keys: w.keys, nextSeq: w.nextSeq, firstSeq: w.nextSeq, savedGood: w.savedGood,
		known: w.known, hours: map[int64]seqRange{}, writer: w, scopes: scopes{}, gone: map[state.Scope]bool{},
		renamed: w.renamed, users: w.users.clone(),
	}
}

// mark and undo let one op of the group be undone.
func (g *groupTx) mark() groupTx {
	before := *g
	before.scopes, before.gone, before.users = maps.Clone(g.scopes), maps.Clone(g.gone), g.users.clone()
	return before
}

func (g *groupTx) undo(before groupTx) {
	for _, k := range g.fresh[len(before.fresh):] {
		delete(g.known, k)
	}
	*g = before
}

// store decides what becomes of each event, in order, and writes the rows.
func (g *groupTx) store(commits []*commit) error {
	if len(commits) == 0 {
		return nil
	}
	unknown := make([]key, 0, 2*len(commits))
	for _, c := range commits {
		if c.replayed {
			continue
		}
		for _, k := range []key{keyOf(kindSignature, c.signature), keyOf(kindID, c.id)} {
			if _, ok := g.find(k); !ok {
				unknown = append(unknown, k)
			}
		}
	}
	if err := g.lookUp(unknown); err != nil {
		return err
	}
	if err := g.saveSpaces(commits); err != nil {
		return err
	}
	var events, deliveries [][]value
	var resent []key
	var reuses []reuse
	rows := g.stateTx()
	rows.load(refsOf(commits))
	for _, c := range commits {
		if err := g.decide(c); err != nil {
			return err
		}
		if err := g.resolve(c, rows); err != nil {
			return err
		}
		switch c.verdict {
		case intake.Duplicate:
			if c.seq != 0 {
				resent = append(resent, keyOf(kindSignature, c.signature))
			}
			continue
		case intake.Stored:
			row, err := g.findableByUser(g.number(c), c)
			if err != nil {
				return err
			}
			events = append(events, row)
		}
		switch {
		case c.verdict == intake.Stored && c.reason == "":
			deliveries = append(deliveries, c.deliveries...)
		case c.reason == intake.SignatureReused:
			reuses = append(reuses, reuse{c.seq, c.original, c.receivedAt})
		}
	}
	if err := rows.write(); err != nil {
		return err
	}
	if err := g.words.events.insert(g.conn, events); err != nil {
		return err
	}
	if err := insertDeliveries.insert(g.conn, deliveries); err != nil {
		return err
	}
	if err := g.keys.saveResent(g, resent); err != nil {
		return err
	}
	return g.count(reuses)
}

// refsOf are the rows of state that the commits are going to read.
func refsOf(commits []*commit) (refs []state.Ref) {
	for _, c := range commits {
		refs = append(refs, c.batch.Refs...)
	}
	return refs
}

// resolve decides what depends on the rules' state, for an event that is new.
func (g *groupTx) resolve(c *commit, rows *stateTx) error {
	if c.batch.Resolve == nil || c.verdict != intake.Stored || c.reason != "" {
		return nil
	}
	holds, err := rows.resolve(c)
	if err != nil {
		return err
	}
	if !holds {
		c.verdict = intake.Stale
		return nil
	}
	return c.prepare()
}

// decide applies the rules of intake.Store. A duplicate with a seq is a duplicate by
// id, whose new signature is now claimed for that event. An event that is only counted
// has the seq of the event whose count it adds to.
func (g *groupTx) decide(c *commit) (err error) {
	c.verdict, c.seq, c.reason, c.original = intake.Stored, 0, "", 0
	if c.replayed {
		return nil
	}
	if first, seen := g.find(keyOf(kindSignature, c.signature)); seen {
		if first.other == c.id {
			c.verdict = intake.Duplicate
			return nil
		}
		c.reason, c.original = intake.SignatureReused, first.seq
		if c.seq, err = g.reuseOf(c); c.seq != 0 {
			c.verdict = intake.Counted
		}
		return err
	}
	owner, seen := g.find(keyOf(kindID, c.id))
	switch {
	case seen && (owner.other == c.body || c.batch.Event.IDAlone):
		c.verdict, c.seq = intake.Duplicate, owner.seq
		g.claim(keyOf(kindSignature, c.signature), claim{owner.seq, c.id, c.receivedAt})
	case seen:
		c.reason = intake.IDReused
	}
	return nil
}

func (g *groupTx) find(k key) (claim, bool) {
	if c, ok := g.known[k]; ok {
		return c, true
	}
	return g.keys.get(k)
}

func (g *groupTx) claim(k key, c claim) {
	g.known[k] = c
	g.fresh = append(g.fresh, k)
}

// number gives the event its place and returns its row.
func (g *groupTx) number(c *commit) []value {
	c.seq = g.nextSeq
	g.nextSeq++
	reused := c.reason == intake.SignatureReused
	if c.good && !reused {
		g.lastGood = record.LastGood{Seq: c.seq, At: timeOf(c.receivedAt)}
	}
	for k, v := range c.claims(reused) {
		g.claim(k, v)
	}
	hour := hourOf(c.receivedAt)
	r, ok := g.hours[hour]
	if !ok {
		r.first = c.seq
	}
	g.hours[hour] = seqRange{min(r.first, c.seq), c.seq}

	row := c.event
	if c.reason != "" {
		row = slices.Clone(row)
		row[colStatus], row[colReason] = string(record.Quarantined), c.reason
		row[colRuleSet], row[colDecisions], row[colFacts] = "", nil, nil
		if reused {
			row[colBody] = nil // the original's has the same bytes
		}
	}
	row[colSeq] = c.seq
	for i, d := range c.deliveries {
		d[0] = firstDelivery(c.seq) + int64(i)
	}
	return row
}

// finish writes what belongs to the group as a whole.
func (g *groupTx) finish() error {
	for hour, r := range g.hours {
		err := g.conn.Send(`
			INSERT INTO hours (hour, first_seq, last_seq) VALUES (?, ?, ?)
			ON CONFLICT (hour) DO UPDATE SET
				first_seq = CASE WHEN hours.first_seq < excluded.first_seq THEN hours.first_seq ELSE excluded.first_seq END,
				last_seq = CASE WHEN hours.last_seq > excluded.last_seq THEN hours.last_seq ELSE excluded.last_seq END`,
			hour, r.first, r.last)
		if err != nil {
			return err
		}
	}
	if err := g.saveScopes(); err != nil {
		return err
	}
	if err := g.saveLastGood(); err != nil {
		return err
	}
	return g.writer.base.end(g)
}
