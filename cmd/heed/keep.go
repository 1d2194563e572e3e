package main

import (
	"context"
	"log/slog"
	"sync"

	"heed/engine/people"
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

func (a *app) keeper(context.Context) (*people.Keeper, error) { return a.people, nil }

// lateKeeper keeps the people of a store that nobody serves, from when somebody
// first asks for them: most commands do not.
type lateKeeper struct {
	db     *store.DB
	mu     sync.Mutex
	keeper *people.Keeper
}

func (l *lateKeeper) open(ctx context.Context) (*people.Keeper, error) {
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
func (l *lateKeeper) close() {
	if l.keeper != nil {
		l.keeper.Close(context.Background())
	}
}
