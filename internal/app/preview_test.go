package app

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestPreviews_runOneAtATime(t *testing.T) {
	p := make(previews, 1)
	end, err := p.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := p.begin(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a second began beside the first: %v", err)
	}
	end()
	if end, err := p.begin(t.Context()); err != nil {
		t.Error(err)
	} else {
		end()
	}
}

func TestBudget_endsADryRunThatNobodyWantsOrThatIsTooMuch(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	b := budget{ctx: gone}
	if err := b.take("x"); err != nil {
		t.Error(err)
	}
	leave()
	if err := b.take("x"); !errors.Is(err, context.Canceled) {
		t.Errorf("it goes on though the client has gone: %v", err)
	}
	late, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	if err := (&budget{ctx: late}).take("x"); !errors.Is(err, errDryRunTime) {
		t.Error(err)
	}
	b = budget{ctx: t.Context()}
	part, n := strings.Repeat("x", 1<<20), 0
	for ; n < 100 && b.take(part) == nil; n++ {
	}
	if n != 15 {
		t.Errorf("%d MiB of results were taken", n)
	}
}
