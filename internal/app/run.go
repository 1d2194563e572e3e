package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heed/internal/receiver"
)

// The time that requests and sends in flight get to finish when heed stops. After
// a failure of the store nothing can be acknowledged or recorded any more.
const (
	shutdownTimeout       = 20 * time.Second
	shutdownTimeoutFailed = 2 * time.Second
)

// Run serves until ctx ends, then drains: it reports that it is not ready,
// answers the requests in flight, lets running sends finish, and closes the
// store. It returns early, with an error, when the store can no longer be
// trusted. It may be called once.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	working, stop := context.WithCancel(ctx)
	defer stop()
	errs := make(chan error, 3)
	go func() { errs <- receiver.Serve(a.public, a.publicAddress) }()
	go func() { errs <- a.private.Serve(a.adminAddress) }()
	var background sync.WaitGroup // uses the store, which is closed last
	background.Go(func() { a.watcher.Run(working) })
	background.Go(func() { a.prune(working) })
	background.Go(func() { a.timers.Run(working) })
	background.Go(func() { a.inbox.Run(working) })
	background.Go(func() { a.warnOfUnknownPeople(working, a.watcher.Current()) })
	// Notices and people also take what happens during the shutdown.
	notifying, stopNotifying := context.WithCancel(context.WithoutCancel(ctx))
	defer stopNotifying()
	background.Go(func() { a.notices.Run(notifying) })
	background.Go(func() { a.people.Run(notifying) })
	background.Go(func() { a.storeTallies(notifying) })
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		if a.NoSend {
			return // what an earlier run left pending stays so
		}
		if err := a.loop.Run(working); err != nil {
			errs <- err
		}
	}()
	var failed error
	timeout := shutdownTimeout
	select {
	case <-ctx.Done():
	case failed = <-errs:
	case <-a.store.Failed():
		timeout = shutdownTimeoutFailed
		failed = fmt.Errorf("the store cannot be trusted any more: %w; heed stops, nothing acknowledged is lost",
			a.store.Err())
	}
	a.drain()
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := a.public.Shutdown(grace); err != nil {
		_ = a.public.Close()
	}
	a.awaitLoop(grace, looped)
	stopNotifying()
	a.effects.end()
	background.Wait() // each of them ends by itself, whatever the store does
	_ = a.tracing.close(grace)
	_ = a.private.Shutdown(grace)
	return failed
}

// awaitLoop waits for the end of the delivery loop. If the store failed, the loop may
// wait for it forever, so grace bounds the wait.
func (a *App) awaitLoop(grace context.Context, looped <-chan struct{}) {
	select {
	case <-looped:
		return
	case <-a.store.Failed():
	}
	select {
	case <-looped:
	case <-grace.Done():
	}
}

// lateWork is work that is begun while heed runs and waited for at the end. Once that
// wait has begun, begin does nothing: a reload may still be requested then.
type lateWork struct {
	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

func (l *lateWork) begin(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.work.Go(do)
	}
}

func (l *lateWork) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.work.Wait()
}

// drain keeps accepting events for DrainDelay while heed reports that it is not ready.
// Each response closes its connection, since a client that keeps one open could send a
// request just as it is closed. Then the port closes. The last sleep lets the server
// learn of the connections that were accepted before, so that it waits for them.
func (a *App) drain() {
	a.draining.Store(true)
	a.Log.Info("stopping: finishing requests and sends in flight")
	a.handler.Drain()
	time.Sleep(a.DrainDelay)
	_ = a.publicAddress.Close()
	time.Sleep(a.DrainDelay / 6)
}

// Close closes the listeners and the store of an App that is not run.
func (a *App) Close() {
	if a.publicAddress != nil {
		_ = a.publicAddress.Close() // closed already after a run
	}
	if a.adminAddress != nil {
		_ = a.adminAddress.Close()
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.Log.Error("close store", "error", err)
		}
	}
}

// prune deletes events that are older than the retention, each hour. The keys by
// which they are de-duplicated stay for another week.
func (a *App) prune(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		now := time.Now()
		n, err := a.store.Prune(ctx, now, now.Add(-a.Retention), now.Add(-a.Retention-7*24*time.Hour))
		switch {
		case err != nil && ctx.Err() == nil:
			a.Log.Error("delete old events", "error", err)
		case n > 0:
			a.Log.Info("deleted events older than the retention", "events", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
