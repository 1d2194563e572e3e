// Command faulty is heed serve with faults that are put between its parts, so that
// heed itself needs none: it crashes at a chosen point, or breaks a promise, which the
// torture must notice. It takes the flags of heed serve that the torture uses.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"heed/internal/app"
	"heed/internal/receiver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, os.Args[2:]); err != nil { // the first is "serve"
		fmt.Fprintln(os.Stderr, "faulty:", err)
		os.Exit(1)
	}
}

// serve runs until the context ends. What the torture does not set is as in heed
// serve.
func serve(ctx context.Context, args []string) (err error) {
	o := app.Options{
		MaxAge: app.DefaultMaxAge, MaxAhead: app.DefaultMaxAhead, Retention: app.DefaultRetention,
		DrainDelay: 300 * time.Millisecond, Version: "faulty", LookupEnv: os.LookupEnv,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	flags := flag.NewFlagSet("faulty", flag.ExitOnError)
	flags.StringVar(&o.Rules, "rules", "", "as of heed serve")
	flags.StringVar(&o.Data, "data", "", "as of heed serve")
	flags.StringVar(&o.Listen, "listen", "", "as of heed serve")
	flags.StringVar(&o.Admin, "admin", "", "as of heed serve")
	flags.DurationVar(&o.Settle, "settle", 15*time.Minute, "as of heed serve")
	crashAt := flags.String("crash-at", "", "crash at this pass of a point: after-commit:17")
	earlyAnswers := flags.Bool("early-answers", false, "answer before anything is durable")
	noSync := flags.Bool("no-sync", false, "do not wait for the disk")
	splitFirings := flags.Bool("split-firings", false, "store a firing in two transactions")
	_ = flags.Parse(args) // it exits on an error

	crash, err := newCrash(*crashAt)
	if err != nil {
		return err
	}
	onConnect(crash, *noSync)
	o.WrapStore = func(s app.Store) app.Store {
		s = &crashing{s, crash}
		if *splitFirings {
			s = splitting{s}
		}
		if *earlyAnswers {
			s = early{s}
		}
		return s
	}
	if o.Keys, err = receiver.NewKeyring(os.Getenv("MINDTICKLE_WEBHOOK_SECRET")); err != nil {
		return err
	}
	app.TuneRuntime(ctx, os.LookupEnv)
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}
