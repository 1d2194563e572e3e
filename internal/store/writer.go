package store

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"heed/engine/record"
	"heed/engine/state"
)

// A group is what shares one transaction and one fsync. Its bounds keep both
// the wait of the first and the memory for all of them small.
const (
	maxGroup      = 256
	maxGroupBytes = 8 << 20
)

// op is one write. Whoever submits it does not touch it again before done is
// closed.
type op struct {
	// commits are set for events, apply for everything else. apply runs once
	// more when its first transaction failed through another op, so it may keep
	// nothing from the first time.
	commits []*commit
	apply   func(*groupTx) error
	// wakes says that the write changed when deliveries are due, timed that it
	// changed when rows of state are.
	wakes, timed bool
	err          error
	done         chan struct{}
}

// writer owns the one connection that writes.
type writer struct {
	ops     chan *op
	closing chan struct{}
	stopped chan struct{} // closed when the last group is answered

	base    backend
	conn    conn
	words   *dialect
	keys    *keyring
	nextSeq int64 // of the next event to be stored
	// known is the memory for a group's claims.
	known map[key]claim
	// lastGood is the last committed event that shows that its source works,
	// savedGood is when the last one came that is written down.
	lastGood  atomic.Pointer[record.LastGood]
	savedGood time.Time

	// spaces are the ids that are written down; see saveSpaces.
	spaces map[string]bool

	// users is the filter of the block of the newest event; nil at the start.
	users *userFilter

	// scopes are those of the rules' state, version the last version that a row
	// of it was given. Only the writer's goroutine uses them.
	scopes  scopes
	version int64
	// turn is what other processes had changed when this one last wrote.
	turn turn
	// renamed says where the rows of renamed rules are now, for events that were
	// decided by the rules before and come after the change.
	renamed map[state.Scope]state.Scope
	mutes   atomic.Pointer[[]state.Mute]

	onGroup   func(events int)
	wake      chan struct{}
	wakeTimer chan struct{}

	// trouble is the ErrUnavailable that the last transaction ended with, nil
	// if it was committed.
	trouble atomic.Pointer[error]
	// failed is closed after an fsync error; failure is set before.
	failed   chan struct{}
	failOnce sync.Once
	failure  error

	// commitTx is conn's COMMIT; tests put a failing disk here.
	commitTx func(conn) error
}

// serve runs until the writer is to stop.
func (w *writer) serve() {
	defer close(w.stopped)
	err := w.base.lend(func(c conn) error {
		w.conn = c
		for group := w.take(); group != nil; group = w.take() {
			w.run(group)
		}
		return nil
	})
	if err != nil {
		w.fail(fmt.Errorf("write to the store: %w", err))
		for group := w.take(); group != nil; group = w.take() {
			w.run(group)
		}
	}
}

// submit hands the op over and waits until it is done. The context bounds only the
// wait until a group takes it. ops has no buffer: an op that was sent was taken, and one
// that was given up will never run.
func (w *writer) submit(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for the store: %w", err)
	}
	o.done = make(chan struct{})
	select {
	case w.ops <- o:
	case <-ctx.Done():
		return fmt.Errorf("wait for the store: %w", ctx.Err())
	case <-w.closing:
		return ErrClosed
	}
	<-o.done
	return o.err
}

// do submits a write other than an event.
func (w *writer) do(ctx context.Context, apply func(*groupTx) error) error {
	return w.submit(ctx, &op{apply: apply})
}

// take waits for the next ops. It returns nil once the writer is to stop and no op
// waits.
func (w *writer) take() []*op {
	var first *op
	select {
	case first = <-w.ops:
	case <-w.closing:
		select {
		case first = <-w.ops:
		default:
			return nil
		}
	}
	// The callers that the last group answered often submit again at once. Letting them
	// run first makes one group of them instead of two.
	runtime.Gosched()
	return w.fill([]*op{first})
}

// fill adds the waiting ops to a group.
func (w *writer) fill(group []*op) []*op {
	bytes := 0
	for _, o := range group {
		bytes += o.size()
	}
	for len(group) < maxGroup && bytes < maxGroupBytes {
		select {
		case o := <-w.ops:
			group, bytes = append(group, o), bytes+o.size()
		default:
			return group
		}
	}
	return group
}

func (o *op) size() (size int) {
	for _, c := range o.commits {
		size += c.size
	}
	return size
}

// run writes a group and then answers everybody in it. The answers come last, so that
// a caller finds everything else that the write causes, such as the wake-up.
func (w *writer) run(group []*op) {
	group = w.write(group)
	events, wake, timed := 0, false, false
	for _, o := range group {
		if o.err == nil {
			events += len(o.commits)
			wake, timed = wake || o.wakes, timed || o.timed
		}
	}
	if events > 0 && w.onGroup != nil {
		w.onGroup(events)
	}
	if wake {
		signal(w.wake)
	}
	if timed {
		signal(w.wakeTimer)
	}
	for _, o := range group {
		close(o.done)
	}
}

func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // a wake-up is waiting already
	}
}

// write sets every op's err, and returns the group with those that came while it
// waited for its turn. An error of one op fails that op alone; trouble with the store
// fails all of them.
func (w *writer) write(group []*op) []*op {
	if w.hasFailed() {
		failAll(group, w.failure)
		return group
	}
	err := w.transaction(func(g *groupTx) error {
		group = w.fill(group)
		return w.applyTogether(g, group)
	})
	if _, trouble := w.base.trouble(err); err != nil && !trouble && len(group) > 1 {
		err = w.transaction(func(g *groupTx) error { return w.applyOneByOne(g, group) })
	}
	wrapped, trouble := w.base.trouble(err)
	switch {
	case err == nil:
		w.trouble.Store(nil)
		return group
	case w.base.isFinal(err):
		w.fail(wrapped)
	case trouble:
		w.trouble.Store(&wrapped)
	}
	failAll(group, wrapped)
	return group
}

func failAll(group []*op, err error) {
	for _, o := range group {
		o.err = err
	}
}

// transaction lets apply write a group, and commits it. On an error nothing is stored,
// and the group leaves no trace in memory.
func (w *writer) transaction(apply func(*groupTx) error) error {
	g := newGroupTx(w)
	if err := w.base.begin(g); err != nil {
		w.base.rollback(w.conn) // in case an earlier rollback was refused
		return err
	}
	err := apply(g)
	if err == nil {
		err = g.finish()
	}
	if err == nil {
		err = w.commitTx(w.conn)
	}
	if err != nil {
		w.base.rollback(w.conn)
		return err
	}
	w.nextSeq, w.turn = g.nextSeq, g.turn
	for of := range g.gone {
		delete(w.scopes, of)
	}
	maps.Copy(w.scopes, g.scopes)
	w.renamed = g.renamed
	if g.mutes != nil {
		w.mutes.Store(g.mutes)
	}
	w.keys.committed(g)
	w.users = g.users
	for _, ids := range g.spaces {
		w.spaces[ids] = true
	}
	if w.savedGood = g.savedGood; g.lastGood.Seq != 0 {
		w.lastGood.Store(&g.lastGood)
	}
	return nil
}

// applyTogether writes the events with as few statements as it can, then the
// other ops one after the other.
func (w *writer) applyTogether(g *groupTx, group []*op) error {
	commits := make([]*commit, 0, len(group))
	for _, o := range group {
		commits = append(commits, o.commits...)
	}
	if err := g.store(commits); err != nil {
		return err
	}
	for _, o := range group {
		if o.apply == nil {
			o.wakes, o.timed = slices.ContainsFunc(o.commits, (*commit).wakes), g.timed
		} else if err := o.apply(g); err != nil {
			return err
		}
		g.wakes, g.timed = g.wakes || o.wakes, g.timed || o.timed
	}
	return nil
}

// applyOneByOne gives each op a savepoint, so that one that cannot be written does not
// fail the others. Only trouble with the store ends it.
func (w *writer) applyOneByOne(g *groupTx, group []*op) error {
	for _, o := range group {
		before := g.mark()
		if _, err := g.conn.Exec("SAVEPOINT op"); err != nil {
			return err
		}
		if o.err = w.applyTogether(g, []*op{o}); o.err == nil {
			o.err = g.conn.Flush()
		}
		if o.err == nil {
			if _, err := g.conn.Exec("RELEASE op"); err != nil {
				return err
			}
			continue
		}
		if _, trouble := w.base.trouble(o.err); trouble {
			return o.err
		}
		g.undo(before)
		for _, undo := range []string{"ROLLBACK TO op", "RELEASE op"} {
			if _, err := g.conn.Exec(undo); err != nil {
				return err
			}
		}
	}
	return nil
}

// fail makes the writer refuse everything from now on.
func (w *writer) fail(err error) {
	w.failOnce.Do(func() {
		w.failure = err
		w.trouble.Store(&err)
		close(w.failed)
	})
}

func (w *writer) hasFailed() bool {
	select {
	case <-w.failed:
		return true
	default:
		return false
	}
}
