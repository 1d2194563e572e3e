package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"heed/engine/people"
	"heed/internal/admin"
	"heed/internal/admin/api"
	"heed/internal/store"
)

// Offline opens the store of a data directory that no server holds, and serves
// the admin API over it. The errors are those of store.Open.
func Offline(ctx context.Context, dir string, env LookupEnv) (handler http.Handler, closeStore func(), err error) {
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.DiscardHandler)
	keeper := people.NewKeeper(db, log)
	service := admin.New(admin.Options{
		Store: db, People: keeper, RuleSet: newExplainer(env, db).ruleSet, Now: time.Now, Log: log,
	})
	return api.New(api.Options{Service: service, Log: log}), func() {
		keeper.Close(context.Background()) // the next command need not learn it again
		_ = db.Close()
	}, nil
}
