package store

import (
	"context"
	"strings"
	"time"

	"heed/engine/people"
	"heed/engine/record"
)

// What a person does to deliveries and events, beside what the delivery loop
// does.

// Retry makes the deliveries that the filter chooses due now and returns how
// many. One that has ended begins a new generation, with all the attempts that
// its action allows; one that waits for its next attempt just need not wait
// longer. Of several recipients those get it who have not got it, or all if all
// have. What could not be rendered is not chosen, since there is nothing to
// send; nor is what is being sent; nor what was sent, unless the filter names
// the state or the delivery.
func (db *DB) Retry(ctx context.Context, f record.DeliveryFilter, now time.Time) (n int, err error) {
	defer wrap(&err, "retry deliveries")
	where, args := chosen(f)
	if f.ID == "" && f.State != record.Done {
		where += " AND state != 'done'"
	}
	where += " AND state != 'pending' AND request IS NOT NULL"
	// Made due during its send it would be claimed again, which ends that attempt
	// and uses up another.
	where += " AND NOT EXISTS (SELECT 1 FROM attempts WHERE delivery = deliveries.n AND ended_at IS NULL)"
	return db.change(ctx, `
		UPDATE deliveries SET
			generation = generation + CASE state WHEN 'retrying' THEN 0 ELSE 1 END,
			spent = CASE state WHEN 'retrying' THEN spent ELSE attempts END,
			recipients = CASE state WHEN 'retrying' THEN recipients ELSE `+db.words.gotIt+` END,
			state = CASE state WHEN 'retrying' THEN state ELSE 'pending' END,
			due_at = ?`+where, append([]value{micros(now)}, args...))
}

// Discard takes the deliveries that the filter chooses out for good and returns
// how many. An attempt in flight goes on; it is the last. What was sent
// cannot be discarded.
func (db *DB) Discard(ctx context.Context, f record.DeliveryFilter) (n int, err error) {
	defer wrap(&err, "discard deliveries")
	where, args := chosen(f)
	return db.change(ctx, "UPDATE deliveries SET state = 'discarded', due_at = NULL"+where+
		" AND state NOT IN ('done', 'discarded')", args)
}

// chosen is the filter as a condition.
func chosen(f record.DeliveryFilter) (where string, args []value) {
	conditions := []string{"TRUE"}
	add := func(column, v string) {
		if v != "" {
			conditions, args = append(conditions, column+" = ?"), append(args, v)
		}
	}
	add("id", f.ID)
	add("state", string(f.State))
	add("action", f.Action)
	add("rule", f.Rule)
	if f.IDs != nil {
		size := 1 // a power of two, so that there are few statements to keep
		for size < len(f.IDs) {
			size *= 2
		}
		conditions = append(conditions, "id IN (?"+strings.Repeat(", ?", size-1)+")")
		for i := range size {
			id := "" // which no delivery has
			if i < len(f.IDs) {
				id = f.IDs[i]
			}
			args = append(args, id)
		}
	}
	if f.EventSeq != 0 {
		conditions = append(conditions, "n BETWEEN ? AND ?")
		args = append(args, firstDelivery(f.EventSeq), firstDelivery(f.EventSeq+1)-1)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

func (db *DB) change(ctx context.Context, update string, args []value) (n int, err error) {
	o := &op{wakes: true}
	o.apply = func(g *groupTx) error {
		changed, err := g.conn.Exec(update, args...)
		n = int(changed)
		return err
	}
	if err := db.writer.submit(ctx, o); err != nil {
		return 0, err
	}
	return n, nil
}

// forgetEvents is how many events ForgetPerson looks at, and deletes, at a time.
const forgetEvents = 2000

// ForgetPerson implements people.Store. It deletes every event whose data.userId
// is the user's, every quarantined one that names the user, and heed's own
// events about any of these, with their deliveries, sent or not, and all that is
// known of the person. What was deleted is overwritten, in the log too. The keys
// by which the events are de-duplicated stay: they are digests.
func (db *DB) ForgetPerson(ctx context.Context, user string) (n int, upTo int64, err error) {
	defer wrap(&err, "forget a user")
	// An event whose keys are only in memory must not go before they are saved.
	if err := db.mergeKeys(ctx); err != nil {
		return 0, 0, err
	}
	var forgotten []string
	n, last, err := db.forgetWhere(ctx, &forgotten, func(g *groupTx, after, last int64) ([]string, error) {
		return g.forgetUser(after, last, user)
	})
	if err != nil {
		return n, 0, err
	}
	about, err := db.words.list(append([]string{}, forgotten...))
	if err != nil {
		return n, 0, err
	}
	more, _, err := db.forgetWhere(ctx, nil, func(g *groupTx, after, last int64) ([]string, error) {
		return g.forgetRange(after, last, g.words.aboutEvents, []value{about})
	})
	n += more
	if err != nil {
		return n, 0, err
	}
	more, upTo, err = db.forgetRest(ctx, last, user)
	n += more
	if err != nil {
		return n, 0, err
	}
	return n, upTo, db.base.emptyLog(ctx)
}

// forgetRest deletes the user's events that came in while older ones were
// deleted, and what is known of the person: all at once, so that it is certain
// up to which event nothing is left.
func (db *DB) forgetRest(ctx context.Context, after int64, user string) (n int, upTo int64, err error) {
	if err := db.mergeKeys(ctx); err != nil {
		return 0, 0, err
	}
	err = db.writer.do(ctx, func(g *groupTx) error {
		if err := db.base.leadPeople(g, true); err != nil { // or another would save the person again
			return err
		}
		db.changePeople(g)
		upTo = g.nextSeq - 1
		ids, err := g.forgetUser(after, upTo, user)
		n = len(ids)
		if err != nil {
			return err
		}
		for _, deletion := range []string{
			"DELETE FROM people WHERE id = ?", "DELETE FROM person_details WHERE id = ?",
			`DELETE FROM progress WHERE "user" = ?`,
		} {
			if _, err := g.conn.Exec(deletion, user); err != nil {
				return err
			}
		}
		return g.forgetState(user)
	})
	return n, upTo, err
}

// forgetWhere deletes events, a part at a time: those that forget chooses in a
// range, of which it returns the ids. They are added to forgotten. It returns how
// many, and the last event that it looked at.
func (db *DB) forgetWhere(
	ctx context.Context, forgotten *[]string, forget func(g *groupTx, after, last int64) ([]string, error),
) (n int, after int64, err error) {
	for {
		seqs, err := readColumn[int64](ctx, db, "SELECT seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?", after,
			forgetEvents)
		if err != nil || len(seqs) == 0 {
			return n, after, err
		}
		last := seqs[len(seqs)-1]
		var ids []string
		err = db.writer.do(ctx, func(g *groupTx) error {
			ids, err = forget(g, after, last)
			return err
		})
		if err != nil {
			return n, after, err
		}
		n += len(ids)
		if forgotten != nil {
			*forgotten = append(*forgotten, ids...)
		}
		after = last
	}
}

// forgetUser deletes the user's events in a range and returns their ids.
func (g *groupTx) forgetUser(after, last int64, user string) (ids []string, err error) {
	if ids, err = g.forgetRange(after, last, g.words.ofUser, []value{user, user}); err != nil {
		return nil, err
	}
	seqs := []int64{}
	err = g.conn.Query(func(cols []value) error {
		body, _ := cols[1].([]byte)
		if seq, ok := cols[0].(int64); ok && people.Names(body, user) {
			seqs = append(seqs, seq)
		}
		return nil
	}, "SELECT seq, body FROM events WHERE seq > ? AND seq <= ? AND "+g.words.readsOtherwise, after, last)
	if err != nil || len(seqs) == 0 {
		return ids, err
	}
	list, err := g.words.list(seqs)
	if err != nil {
		return ids, err
	}
	more, err := g.forgetRange(after, last, g.words.inNumbers("seq"), []value{list})
	return append(ids, more...), err
}

// forgetRange deletes the events of the condition in a range, with their
// deliveries, and returns their ids.
func (g *groupTx) forgetRange(after, last int64, condition string, args []value) (ids []string, err error) {
	err = g.conn.Query(func(cols []value) error {
		id, _ := cols[0].(string)
		ids = append(ids, id)
		return nil
	}, "DELETE FROM events WHERE seq > ? AND seq <= ? AND "+condition+" RETURNING id",
		append([]value{after, last}, args...)...)
	if err != nil || len(ids) == 0 {
		return ids, err
	}
	_, err = g.conn.Exec(`
		DELETE FROM deliveries WHERE n BETWEEN ? AND ?
		AND NOT EXISTS (SELECT 1 FROM events WHERE seq = deliveries.n / 65536)`,
		firstDelivery(after+1), firstDelivery(last+1)-1)
	return ids, err
}
