package store

import (
	"context"
	"os"
	"sync"
	"time"

	"heed/engine/people"
	"heed/engine/record"
)

// Process is what a process says of itself to others.
type Process struct {
	AdminURL, Version string
	// RuleSet is the hash of the active rule set.
	RuleSet func() string
}

// announced is what a process has said, and when it started.
type announced struct {
	mu sync.Mutex
	Process
	startedAt time.Time
}

const (
	// watchEvery is how often a process looks what others have changed, and
	// aliveEvery how often it says that it is there.
	watchEvery = time.Second
	aliveEvery = 5 * time.Second
	// goneAfter is the silence after which a process counts as gone.
	goneAfter = 30 * time.Second
)

// announce writes the process down, and so do its signs of life from then on.
func (b *shared) announce(ctx context.Context, p Process) error {
	b.process.mu.Lock()
	b.process.Process, b.process.startedAt = p, time.Now()
	b.process.mu.Unlock()
	return b.signOfLife(ctx)
}

// signOfLife says that the process is there, and deletes those that are gone.
func (b *shared) signOfLife(ctx context.Context) error {
	b.process.mu.Lock()
	defer b.process.mu.Unlock()
	p := &b.process
	if p.startedAt.IsZero() {
		return nil // it only looks at the store
	}
	host, _ := os.Hostname()
	now := time.Now()
	_, err := b.readDB.ExecContext(ctx, `
		WITH clock AS (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS now),
		gone AS (DELETE FROM processes USING clock WHERE seen_at < clock.now - ?)
		INSERT INTO processes (id, host, pid, admin_url, version, rule_set, started_at, seen_at, skew)
		SELECT ?, ?, ?, ?, ?, ?, ?, now, ? - now FROM clock
		ON CONFLICT (id) DO UPDATE SET
			admin_url = excluded.admin_url, rule_set = excluded.rule_set, seen_at = excluded.seen_at, skew = excluded.skew`,
		(10 * goneAfter).Microseconds(), b.id, host, os.Getpid(), p.AdminURL, p.Version, p.RuleSet(),
		micros(p.startedAt), micros(now))
	return err
}

// Processes returns the processes that serve, the oldest first; none where only one
// process may open the store.
func (db *DB) Processes(ctx context.Context) (processes []record.Process, err error) {
	defer wrap(&err, "read which processes there are")
	b, ok := db.base.(*shared)
	if !ok {
		return nil, nil
	}
	rows, err := b.readDB.QueryContext(ctx, `
		SELECT id, host, pid, admin_url, version, rule_set, started_at, seen_at, skew,
			seen_at < CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) - ?
		FROM processes ORDER BY started_at, id`, goneAfter.Microseconds())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p record.Process
		var startedAt, seenAt, skew int64
		if err := rows.Scan(&p.ID, &p.Host, &p.PID, &p.AdminURL, &p.Version, &p.RuleSet,
			&startedAt, &seenAt, &skew, &p.Gone); err != nil {
			return nil, err
		}
		p.StartedAt, p.SeenAt = timeOf(startedAt), timeOf(seenAt)
		p.Skew = time.Duration(skew) * time.Microsecond
		processes = append(processes, p)
	}
	return processes, rows.Err()
}

// watch looks at what other processes have changed, and says that this one is there.
func (b *shared) watch(ctx context.Context, db *DB) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	defer b.leave()
	alive := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if time.Since(alive) >= aliveEvery {
			alive = time.Now()
			if err := b.signOfLife(ctx); err != nil && ctx.Err() == nil {
				b.log.Warn("cannot tell the other processes that this one is there; trying again", "error", err)
			}
		}
		now, last, err := b.look(ctx)
		if err != nil {
			continue // the next request or send says what is wrong
		}
		if now.mutes != db.news.Load().mutes {
			known := db.writer.mutes.Load()
			if mutes, err := db.Mutes(ctx); err == nil {
				db.writer.mutes.CompareAndSwap(known, &mutes) // what the writer has stored meanwhile is newer
			}
		}
		db.hear(&now, &last)
	}
}

// hear takes note of what other processes have changed.
func (db *DB) hear(now *turn, last *record.LastGood) {
	was := db.news.Swap(now)
	if now.wakes != was.wakes {
		signal(db.writer.wake)
	}
	if now.timers != was.timers {
		signal(db.writer.wakeTimer)
	}
	if known := db.writer.lastGood.Load(); last.At.After(known.At) {
		db.writer.lastGood.CompareAndSwap(known, last)
	}
}

// look reads what other processes have changed.
func (b *shared) look(ctx context.Context) (now turn, last record.LastGood, err error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	var at int64
	into := []any{&at, &last.Seq}
	for _, column := range now.columns() {
		into = append(into, column)
	}
	err = b.readDB.QueryRowContext(ctx, `
		SELECT (SELECT value FROM marks WHERE name = 'last_good_at'),
			(SELECT value FROM marks WHERE name = 'last_good_seq'), `+
		turnCols+` FROM turn`).Scan(into...)
	last.At = timeOf(at)
	return now, last, err
}

// leave takes the process out of the list, and lets others have its roles.
func (b *shared) leave() {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	_, _ = b.readDB.ExecContext(ctx, "DELETE FROM processes WHERE id = ?", b.id)
	_, _ = b.readDB.ExecContext(ctx, "DELETE FROM roles WHERE holder = ?", b.id)
}

// roleLasts is for how long a process has a role after it has last asked.
const roleLasts = 30 * time.Second

// Leads says whether this process does a task that one does for all. It is so as
// long as it asks more often than every 30 seconds.
func (db *DB) Leads(ctx context.Context, task string) (leads bool, err error) {
	defer wrap(&err, "find out who does a task")
	b, ok := db.base.(*shared)
	if !ok {
		return true, nil
	}
	result, err := b.readDB.ExecContext(ctx, takeRole, task, b.id, roleLasts.Microseconds(), roleLasts.Microseconds())
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// takeRole takes a role that is nobody's, or prolongs it: one row if so.
const takeRole = `
	WITH clock AS (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS now)
	INSERT INTO roles (name, holder, held_until) SELECT ?, ?, now + CAST(? AS bigint) FROM clock
	ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
	WHERE roles.holder = excluded.holder OR roles.held_until < excluded.held_until - CAST(? AS bigint)`

// rolePeople is the task of saving what is known of people.
const rolePeople = "people"

func (b *shared) leadPeople(g *groupTx, force bool) error {
	if force {
		if err := g.conn.Send("DELETE FROM roles WHERE name = ? AND holder != ?", rolePeople, b.id); err != nil {
			return err
		}
	}
	n, err := g.conn.Exec(takeRole, rolePeople, b.id, roleLasts.Microseconds(), roleLasts.Microseconds())
	if err == nil && n == 0 {
		return people.ErrNotSaver
	}
	return err
}
