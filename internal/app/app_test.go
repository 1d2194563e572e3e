package app

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

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
