package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/internal/receiver"
)

func TestNew_validatesItsOptions(t *testing.T) {
	keys, err := receiver.NewKeyring("a secret of sixteen")
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Options){
		"Rules, Data or Store, Listen and Admin are needed": func(o *Options) { o.Data = "" },
		"LookupEnv and Log are needed":                      func(o *Options) { o.Log = nil },
		"must not be negative":                              func(o *Options) { o.MaxAhead = -time.Second },
		"Retention is 59m0s":                                func(o *Options) { o.Retention = 59 * time.Minute },
	} {
		data := t.TempDir() + "/data"
		o := Options{
			Rules: "rules.yaml", Data: data, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Keys: keys,
			Retention: time.Hour, LookupEnv: os.LookupEnv, Log: slog.New(slog.DiscardHandler),
		}
		spoil(&o)
		a, err := New(t.Context(), o)
		if a != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: a store was made", want)
		}
	}
}

// An App that cannot start leaves nothing locked.
func TestNew_closesWhatItOpenedOnAnError(t *testing.T) {
	keys, err := receiver.NewKeyring("a secret of sixteen")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Rules: t.TempDir() + "/none.yaml", Data: t.TempDir(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Keys: keys,
		Retention: time.Hour, LookupEnv: os.LookupEnv, Log: slog.New(slog.DiscardHandler),
	}
	for range 2 {
		if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "none.yaml") {
			t.Errorf("error %v", err)
		}
	}
}

// whose is the key under which a context says whose work it is.
type whose struct{}

// contextLog keeps the lines of a log, each with whose work it was.
type contextLog struct {
	slog.Handler
	lines []string
}

func (l *contextLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *contextLog) Handle(ctx context.Context, r slog.Record) error {
	l.lines = append(l.lines, fmt.Sprint(r.Message, " by ", ctx.Value(whose{})))
	return nil
}

func TestApp_observersGetTheContextOfTheWork(t *testing.T) {
	rules := t.TempDir() + "/rules.yaml"
	text := "actions: {console: {log: {}}}\n" +
		"rules:\n  - {name: low, on: quiz.submitted, do: [{action: console, text: low}]}\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stored, reloaded any
	log := &contextLog{Handler: slog.DiscardHandler}
	a, err := New(t.Context(), Options{
		Rules: rules, Data: t.TempDir(), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Offline: true, NoSend: true,
		Retention: time.Hour, MaxAge: time.Hour, LookupEnv: os.LookupEnv, Log: slog.New(log),
		Stored: func(ctx context.Context, _ *record.Event, _ []engine.Decision, _ []record.Delivery) {
			stored = ctx.Value(whose{})
		},
		Reloaded: func(ctx context.Context, _ rulefile.Attempt) { reloaded = ctx.Value(whose{}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Reload(context.WithValue(t.Context(), whose{}, "an edit")); err != nil {
		t.Fatal(err)
	}
	_, err = a.intake.Accept(context.WithValue(t.Context(), whose{}, "a request"), intake.Request{
		Source: source.MindtickleSource(), ID: "e1", SignedAt: time.Now(), Signature: []byte("e1"),
		Body: []byte(`{"event":"quiz.submitted","companyId":"acme","data":{}}`),
	})
	if err != nil || stored != "a request" || reloaded != "an edit" {
		t.Errorf("stored by %v, reloaded by %v, %v", stored, reloaded, err)
	}
	if want := "event accepted by a request"; !slices.Contains(log.lines, want) {
		t.Errorf("%q is not among %q", want, log.lines)
	}
}
