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

// Offline opens a store that no server has for itself, and serves the admin API
// over it. The errors are those of store.Open.
func Offline(
	ctx context.Context, where store.Options, env LookupEnv,
) (handler http.Handler, closeStore func(), err error) {
	db, err := store.Open(ctx, where)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.DiscardHandler)
	projection := people.NewProjection(db, log)
	service := admin.New(admin.Options{
		Store: db, People: projection, RuleSet: newExplainer(env, db).ruleSet, Now: time.Now, Log: log,
	})
	return api.New(api.Options{Service: service, Log: log}), func() {
		projection.Close(context.Background()) // the next command need not learn it again
		_ = db.Close()
	}, nil
}

// OfflineWithRules is Offline with the rules of a rules path, by which events can
// be decided and stored. What they make heed send is sent when a server runs.
// The error is a *rulefile.ProblemsError if the rules cannot be used.
func OfflineWithRules(
	ctx context.Context, where store.Options, rules string, env LookupEnv,
) (http.Handler, func(), error) {
	a, err := assemble(ctx, Options{
		Rules: rules, Data: where.Dir, Store: where.URL, Listen: "none", Admin: "none",
		MaxAge: DefaultMaxAge, MaxAhead: DefaultMaxAhead, Retention: DefaultRetention,
		Company: companyOf(env), LookupEnv: env, Offline: true, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, nil, err
	}
	return a.private.Handler, func() {
		ended, end := context.WithCancel(context.Background())
		end()
		a.people.Run(ended) // which keeps what was learnt, so that the next start need not learn it again
		a.Close()
	}, nil
}

func companyOf(env LookupEnv) string {
	company, _ := env("MINDTICKLE_COMPANY_ID")
	return company
}
