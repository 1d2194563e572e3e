package store

import (
	"context"
	"time"

	"heed/engine/record"
)

// CountDeliveries counts the deliveries in a state that is not done.
func (db *DB) CountDeliveries(ctx context.Context, state record.State) (n int, err error) {
	defer wrap(&err, "count deliveries")
	err = db.readDB.QueryRowContext(ctx,
		"SELECT count(*) FROM deliveries WHERE state IN ('dead', 'held', 'discarded') AND state = ?",
		string(state)).Scan(&n)
	return n, err
}

// ShadowAlerts counts what a rule in shadow mode would have sent since a time.
func (db *DB) ShadowAlerts(ctx context.Context, rule string, since time.Time) (a record.ShadowAlerts, err error) {
	defer wrap(&err, "count what a rule would have sent")
	var first, last *int64
	err = db.readDB.QueryRowContext(ctx, `
		SELECT count(*), count(DISTINCT `+db.words.user+`), min(received_at), max(received_at)
		FROM events WHERE decisions IS NOT NULL AND received_at >= ? AND status IN ('accepted', 'timed')
		AND seq >= coalesce((SELECT min(first_seq) FROM hours WHERE hour >= ?), 0)
		AND EXISTS (
			SELECT 1 FROM `+db.words.decisions+`
			WHERE d.value ->> 'rule' = ? AND d.value ->> 'mode' = 'shadow' AND (
				d.value ->> 'outcome' = 'matched' AND d.value ->> 'effects' IS NULL OR
				EXISTS (SELECT 1 FROM `+db.words.effects+` WHERE e.value ->> 'effect' = 'sent')))`,
		micros(since), hourOf(micros(since)), rule).Scan(&a.Alerts, &a.People, &first, &last)
	if first != nil && last != nil {
		a.First, a.Last = timeOf(*first), timeOf(*last)
	}
	return a, err
}
