package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"heed/engine/people"
	"heed/internal/admin"
	"heed/internal/store"
)

// keptStore is a store with somebody who keeps in memory what is known of
// people, and who must forget them as well.
type keptStore struct {
	*store.DB
	people *people.Keeper
}

// Forget deletes a person from both.
func (s keptStore) Forget(ctx context.Context, user string) (int, error) {
	return s.people.Forget(ctx, user)
}

func (a *App) keeper(context.Context) (*people.Keeper, error) { return a.people, nil }

// Offline opens the store of a data directory that no server holds, and serves
// the admin API over it. The errors are those of store.Open.
func Offline(ctx context.Context, dir string, env LookupEnv) (api http.Handler, closeStore func(), err error) {
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	people := &lazyPeople{db: db}
	handler := admin.New(admin.Options{
		Store: db, People: people.open, RuleSet: newExplainer(env, db).ruleSet, Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	})
	return handler, func() { people.close(); _ = db.Close() }, nil
}

// lazyPeople loads the people of a store when they are first asked for: most
// commands do not ask.
type lazyPeople struct {
	db     *store.DB
	mu     sync.Mutex
	keeper *people.Keeper
}

func (l *lazyPeople) open(ctx context.Context) (*people.Keeper, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keeper != nil {
		return l.keeper, nil
	}
	k, err := people.OpenKeeper(ctx, l.db, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	l.keeper = k
	return k, nil
}

// close saves what was learnt, so that the next command need not learn it again.
func (l *lazyPeople) close() {
	if l.keeper != nil {
		l.keeper.Close(context.Background())
	}
}
