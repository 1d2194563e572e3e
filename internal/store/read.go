package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"heed/actions/delivery"
	"heed/engine/record"
	"heed/engine/source"
)

const (
	eventHead = "seq, id, type, company_id, status, reason, received_at, signed_at, rule_set, signature, decisions," +
		" facts, source, ids, acts, detail," +
		" (SELECT n FROM reuses WHERE reuses.event = events.seq)," +
		" (SELECT o.id FROM reuses JOIN events o ON o.seq = reuses.original WHERE reuses.event = events.seq)"
	// eventHeadBare leaves out the decisions, and what was counted.
	eventHeadBare = "seq, id, type, company_id, status, reason, received_at, signed_at, rule_set, signature, NULL," +
		" facts, source, ids, acts, detail, NULL, NULL"
	deliveryCols = "d.n, d.id, e.id, d.rule, d.action, d.kind, d.state, d.created_at, d.due_at, d.attempts," +
		" d.last_error, d.request, d.spent, d.generation," +
		" d.destination, d.order_key, d.recipients," +
		" coalesce(a.open_at, 0), coalesce(a.wait, ''), coalesce(l.open_at, 0), coalesce(l.wait, '')," +
		" d.due_at IS NOT NULL AND" + isOutOfTurn
	// fromDeliveries has the lanes of the action and of the destination, too.
	fromDeliveries = " FROM deliveries d JOIN events e ON e.seq = d.n / 65536" +
		" LEFT JOIN lanes a ON d.due_at IS NOT NULL AND a.name = d.action" +
		" LEFT JOIN lanes l ON d.due_at IS NOT NULL AND d.destination != '' AND l.name = d.destination"
)

// Events returns a page of events, newest first, without their bodies. Without
// a Limit the page holds all.
func (db *DB) Events(ctx context.Context, f record.EventFilter) (events []record.Event, err error) {
	defer wrap(&err, "list events")
	q := query{text: "SELECT " + eventHead + ", NULL FROM events"}
	if f.Type != "" {
		q.where("type = ?", f.Type)
	}
	switch f.Source {
	case "":
	case source.Mindtickle: // which the index leaves out
		q.where("source || '' = ?", f.Source)
	default:
		q.where("source != 'mindtickle' AND source = ?", f.Source)
	}
	switch f.Status {
	case "":
	case record.Quarantined: // as text, for the index of these alone
		q.where("status = 'quarantined'")
	default:
		q.where("status = ?", string(f.Status))
	}
	if f.Before != 0 {
		q.where("seq < ?", f.Before)
	}
	if f.After != 0 {
		q.where("seq > ?", f.After)
	}
	if err := q.chooseEvents(f, db.words); err != nil {
		return nil, err
	}
	if f.User != "" {
		return db.eventsOfUser(ctx, q, f)
	}
	return db.events(ctx, q.limit("seq DESC", f.Limit))
}

// eventsOfUser is a page of events of a person: it looks into those blocks only
// that may hold some, newest first.
func (db *DB) eventsOfUser(ctx context.Context, q query, f record.EventFilter) (events []record.Event, err error) {
	spans, err := db.spansOf(ctx, f.User, f.Before)
	if err != nil {
		return nil, err
	}
	for _, span := range spans {
		part, left := q, 0
		part.args = slices.Clone(q.args)
		part.where("seq BETWEEN ? AND ?", span.first, span.last)
		if f.Limit > 0 {
			left = f.Limit - len(events)
		}
		found, err := db.events(ctx, part.limit("seq DESC", left))
		if err != nil {
			return nil, err
		}
		if events = append(events, found...); f.Limit > 0 && len(events) >= f.Limit {
			break
		}
	}
	return events, nil
}

// chooseEvents adds the conditions that look into rows: they are tried last.
func (q *query) chooseEvents(f record.EventFilter, words *dialect) error {
	if len(f.Types) > 0 {
		types, err := words.list(f.Types)
		if err != nil {
			return err
		}
		q.where(words.inTexts("type"), types)
	}
	if !f.Since.IsZero() {
		q.where("seq >= coalesce((SELECT min(first_seq) FROM hours WHERE hour >= ?), 0) AND received_at >= ?",
			hourOf(micros(f.Since)), micros(f.Since))
	}
	if !f.Until.IsZero() {
		q.where("received_at < ?", micros(f.Until))
	}
	if f.Rule != "" || f.Outcome != "" {
		q.where(`decisions IS NOT NULL AND EXISTS (
			SELECT 1 FROM `+words.decisions+`
			WHERE (? = '' OR d.value ->> 'rule' = ?) AND (? = '' OR d.value ->> 'outcome' = ? OR EXISTS (
				SELECT 1 FROM `+words.effects+` WHERE e.value ->> 'effect' = ?)))`,
			f.Rule, f.Rule, f.Outcome, f.Outcome, f.Outcome)
	}
	if f.User != "" {
		q.where("("+words.ofUser+")", f.User, f.User)
	}
	return nil
}

// EventBySeq returns the event with the number, if there is one.
func (db *DB) EventBySeq(ctx context.Context, seq int64) (e record.Event, found bool, err error) {
	defer wrap(&err, "read event %d", seq)
	q := query{text: "SELECT " + eventHead + ", body FROM events"}
	q.where("seq = ?", seq)
	return first(db.events(ctx, q))
}

// Event returns the event with the id: the accepted one or, without one, its
// newest replay or the newest that was quarantined.
func (db *DB) Event(ctx context.Context, id string) (e record.Event, found bool, err error) {
	defer wrap(&err, "read event %q", id)
	seqs, err := db.acceptedSeqs(ctx, id)
	if err != nil {
		return record.Event{}, false, err
	}
	for _, seq := range seqs {
		if e, found, err := db.EventBySeq(ctx, seq); found || err != nil {
			return e, found, err
		}
	}
	q := query{text: "SELECT " + eventHead + ", body FROM events"}
	q.where("(status = 'replayed' AND id = ? OR status = 'quarantined' AND id = ?)", id, id)
	return first(db.events(ctx, q.limit("status = 'replayed' DESC, seq DESC", 1)))
}

// EventsByID returns all events with the id, newest first. Of each source that
// gives ids, at most one of them is accepted.
func (db *DB) EventsByID(ctx context.Context, id string) (events []record.Event, err error) {
	defer wrap(&err, "read events %q", id)
	seqs, err := db.acceptedSeqs(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := db.words.list(append([]int64{}, seqs...))
	if err != nil {
		return nil, err
	}
	q := query{text: "SELECT " + eventHead + ", body FROM events"}
	q.where("("+db.words.inNumbers("seq")+" OR status = 'quarantined' AND id = ? OR status = 'replayed' AND id = ?)",
		list, id, id)
	return db.events(ctx, q.limit("seq DESC", 0))
}

func (db *DB) events(ctx context.Context, q query) ([]record.Event, error) {
	rows, err := db.readDB.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []record.Event
	size := 0
	for (q.bytes == 0 || size < q.bytes) && rows.Next() {
		var e record.Event
		var receivedAt, signedAt, acts int64
		var decisions, facts []byte
		var reuses sql.NullInt64
		var original sql.NullString
		if err := rows.Scan(&e.Seq, &e.ID, &e.Type, &e.CompanyID, &e.Status, &e.Reason, &receivedAt, &signedAt,
			&e.RuleSet, &e.Signature, &decisions, &facts, &e.Source, &e.IDs, &acts, &e.Detail, &reuses, &original,
			&e.Body); err != nil {
			return nil, err
		}
		e.Reuses, e.Original = int(reuses.Int64), original.String
		e.ReceivedAt, e.SignedAt = timeOf(receivedAt), timeOf(signedAt)
		e.Facts, e.Inert = facts, acts == 0
		if decisions != nil {
			if err := json.Unmarshal(decisions, &e.Decisions); err != nil {
				return nil, err
			}
		}
		events = append(events, e)
		size += len(e.Body)
	}
	return events, rows.Err()
}

// Deliveries returns a page of deliveries, newest event first, and the cursor
// for the page after it, empty on the last one. Without a Limit the page holds
// all.
func (db *DB) Deliveries(
	ctx context.Context, f record.DeliveryFilter,
) (page []record.Delivery, nextCursor string, err error) {
	defer wrap(&err, "list deliveries")
	q, err := db.chooseDeliveries(f)
	if err != nil {
		return nil, "", err
	}
	last, err := db.lookedAt(ctx, f)
	if err != nil {
		return nil, "", err
	}
	if last > 0 {
		q.where("d.n >= ?", last)
		nextCursor = formatCursor(last)
	}
	limit := f.Limit
	if limit > 0 {
		limit++ // one more tells whether there is a next page
	}
	found, err := db.deliveries(ctx, q.limit("d.n DESC", limit))
	if err != nil {
		return nil, "", err
	}
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
		nextCursor = formatCursor(found[f.Limit-1].n)
	}
	for _, d := range found {
		page = append(page, d.Delivery)
	}
	return page, nextCursor, nil
}

// chooseDeliveries is the query of the deliveries that a filter chooses.
func (db *DB) chooseDeliveries(f record.DeliveryFilter) (query, error) {
	q := query{text: "SELECT " + deliveryCols + fromDeliveries}
	switch {
	case f.State == "":
	case waits(f.State):
		// Few wait, even when many thousands do: sorting them beats searching
		// all deliveries for them.
		q.text = strings.Replace(q.text, "FROM deliveries d", "FROM deliveries d"+db.words.dueIndex, 1)
		q.where("d.due_at IS NOT NULL AND d.state = ?", string(f.State))
	case f.State == record.Done:
		q.where("d.state = 'done'")
	default: // in the words of the index
		q.where("d.state IN ('dead', 'held', 'discarded') AND d.state = ?", string(f.State))
	}
	if f.Action != "" {
		q.where("d.action = ?", f.Action)
	}
	if f.Rule != "" {
		q.where("d.rule = ?", f.Rule)
	}
	if f.ID != "" {
		q.where("d.id = ?", f.ID)
	}
	if f.EventSeq != 0 {
		q.where("d.n BETWEEN ? AND ?", firstDelivery(f.EventSeq), firstDelivery(f.EventSeq+1)-1)
	}
	if f.Before != "" {
		before, err := parseCursor(f.Before)
		if err != nil {
			return q, err
		}
		q.where("d.n < ?", before)
	}
	return q, nil
}

// CursorError says that a cursor does not come from Deliveries.
type CursorError struct{ Cursor string }

func (e *CursorError) Error() string {
	return "the cursor " + strconv.Quote(e.Cursor) + " is not one that a page gave: begin without a cursor"
}

// Delivery returns the delivery with the id and its attempts, oldest first.
func (db *DB) Delivery(
	ctx context.Context, id string,
) (d record.Delivery, attempts []record.Attempt, found bool, err error) {
	defer wrap(&err, "read delivery %q", id)
	q := query{text: "SELECT " + deliveryCols + fromDeliveries}
	q.where("d.id = ?", id)
	numbered, found, err := first(db.deliveries(ctx, q))
	if !found || err != nil {
		return record.Delivery{}, nil, false, err
	}
	attempts, err = db.attempts(ctx, numbered.n)
	return numbered.Delivery, attempts, err == nil, err
}

// numbered is a delivery with its n.
type numbered struct {
	record.Delivery
	n int64
}

func (db *DB) deliveries(ctx context.Context, q query) ([]numbered, error) {
	rows, err := db.readDB.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []numbered
	for rows.Next() {
		var d numbered
		var createdAt int64
		var dueAt sql.NullInt64
		var orderKey sql.NullString
		var recipients []byte
		var own, lane lane
		var outOfTurn bool
		if err := rows.Scan(&d.n, &d.ID, &d.EventID, &d.Rule, &d.Action, &d.Kind, &d.State,
			&createdAt, &dueAt, &d.Attempts, &d.LastError, (*[]byte)(&d.Request), &d.Spent, &d.Generation,
			&d.Destination, &orderKey, &recipients, &own.openAt, &own.wait, &lane.openAt, &lane.wait, &outOfTurn); err != nil {
			return nil, err
		}
		d.OrderKey = orderKey.String
		if recipients != nil {
			if err := json.Unmarshal(recipients, &d.Recipients); err != nil {
				return nil, err
			}
		}
		if dueAt.Valid {
			d.Waits = waiting(dueAt.Int64, own, lane, outOfTurn)
		}
		d.EventSeq = d.n / maxDeliveries
		d.CreatedAt, d.DueAt = timeOf(createdAt), timeOf(dueAt.Int64)
		found = append(found, d)
	}
	return found, rows.Err()
}

// lane is until when a destination is closed, and why.
type lane struct {
	openAt int64
	wait   string
}

// waiting is what a delivery waits for beyond its own time. An attempt that is
// under way has its lease for that time, which ends after any lane opens.
func waiting(dueAt int64, own, destination lane, outOfTurn bool) *record.Wait {
	if outOfTurn {
		return &record.Wait{For: delivery.WaitOrder}
	}
	later := own
	if destination.openAt > own.openAt {
		later = destination
	}
	if later.openAt <= dueAt {
		return nil
	}
	return &record.Wait{For: later.wait, Until: timeOf(later.openAt)}
}

func (db *DB) attempts(ctx context.Context, delivery int64) ([]record.Attempt, error) {
	rows, err := db.readDB.QueryContext(ctx, `
		SELECT n, started_at, coalesce(ended_at, 0), outcome, error, response
		FROM attempts WHERE delivery = ? ORDER BY n`, delivery)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var attempts []record.Attempt
	for rows.Next() {
		var a record.Attempt
		var startedAt, endedAt int64
		if err := rows.Scan(&a.N, &startedAt, &endedAt, &a.Outcome, &a.Error, &a.Response); err != nil {
			return nil, err
		}
		a.StartedAt, a.EndedAt = timeOf(startedAt), timeOf(endedAt)
		attempts = append(attempts, a)
	}
	return attempts, rows.Err()
}

// query is a SELECT that grows by its conditions.
type query struct {
	text     string
	args     []any
	filtered bool // it has a condition
	bytes    int  // of bodies, after which it ends; 0 for no bound
}

func (q *query) where(condition string, args ...any) {
	word := " WHERE "
	if q.filtered {
		word = " AND "
	}
	q.text, q.filtered = q.text+word+condition, true
	q.args = append(q.args, args...)
}

// limit ends the query; a limit of 0 means none.
func (q *query) limit(order string, limit int) query {
	if limit <= 0 {
		limit = math.MaxInt64
	}
	return query{text: q.text + " ORDER BY " + order + " LIMIT ?", args: append(q.args, limit), bytes: q.bytes}
}

func first[T any](all []T, err error) (one T, found bool, _ error) {
	if len(all) == 0 || err != nil {
		return one, false, err
	}
	return all[0], true, nil
}
