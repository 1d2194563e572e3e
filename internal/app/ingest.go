package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
	"heed/engine/state"
	"heed/internal/admin"
	"heed/internal/inbox"
	"heed/internal/ingest"
)

// ingest reads a file of rows for the admin API.
func (a *App) ingest(ctx context.Context, q admin.IngestQuery, file io.Reader) (done admin.Ingested, err error) {
	s := a.sources().Find(q.Source)
	if s == nil || !s.Rows() {
		return done, &admin.UnknownSourceError{Source: q.Source, Known: rowSources(a.sources())}
	}
	if !q.DryRun {
		done.Result, err = a.ingestFile(ctx, s, q.File, file)
		return done, err
	}
	also := ""
	if q.Against != "" {
		other := a.sources().Find(q.Against)
		if other == nil {
			return done, &admin.UnknownSourceError{Source: q.Against, Known: a.sources().Names()}
		}
		also = other.IDs
	}
	done.DryRun = true
	preview, counts, err := a.previewIntake(also)
	if err != nil {
		return done, err
	}
	done.Result, err = ingest.Read(ctx, preview, s, q.File, file)
	done.Rules = counts()
	return done, err
}

func rowSources(set *source.Set) (names []string) {
	for _, s := range set.Sources {
		if s.Rows() {
			names = append(names, s.Name)
		}
	}
	return names
}

// ingestFile reads a file into the intake, and tells how it went.
func (a *App) ingestFile(ctx context.Context, s *source.Source, name string, file io.Reader) (ingest.Result, error) {
	result, err := ingest.Read(ctx, a.intake, s, name, file)
	a.observeFile(ctx, &result, err)
	return result, err
}

// previewStore has the state of a preview, which begins empty, and knows which
// events are in the store.
type previewStore struct {
	*intake.Memory
	stored intake.Store
	// also names another source whose events count as known; empty for none.
	also string
}

// Known implements intake.Store.
func (p *previewStore) Known(ctx context.Context, ids string, wanted []string) ([]bool, error) {
	known, err := p.Memory.Known(ctx, ids, wanted)
	if err != nil {
		return nil, err
	}
	spaces := []string{ids}
	if p.also != "" {
		spaces = append(spaces, intake.SpaceOf(p.also))
	}
	for _, space := range spaces {
		there, err := p.stored.Known(ctx, space, wanted)
		if err != nil {
			return nil, err
		}
		for i := range known {
			known[i] = known[i] || there[i]
		}
	}
	return known, nil
}

// Muted implements intake.Store.
func (p *previewStore) Muted(rule, key string, now time.Time) (mute state.Mute, muted bool) {
	return p.stored.Muted(rule, key, now)
}

// previewIntake makes an intake that decides as the real one does and keeps
// nothing; events of the source also count as known. counts says what its rules did.
func (a *App) previewIntake(also string) (in *intake.Intake, counts func() []admin.RuleCount, err error) {
	found := map[string]*admin.RuleCount{}
	in, err = intake.New(intake.Options{
		Store: &previewStore{intake.NewMemory(), a.store, also}, Rules: a.ruleSet, Company: a.Company,
		MaxAge: a.MaxAge, MaxAhead: a.MaxAhead, Known: a.facts, Now: time.Now, Log: a.Log,
		Stored: func(
			_ context.Context, _ *record.Event, _ *event.Event, decisions []engine.Decision, deliveries []record.Delivery,
		) {
			for i := range decisions {
				if decisions[i].Outcome == engine.Matched {
					countOf(found, decisions[i].Rule.Name).Matched++
				}
			}
			for i := range deliveries {
				countOf(found, deliveries[i].Rule).Alerts++
			}
		},
	})
	return in, func() []admin.RuleCount {
		all := []admin.RuleCount{}
		for _, rule := range a.ruleSet().Rules() {
			if c := found[rule.Name]; c != nil {
				all = append(all, *c)
			}
		}
		return all
	}, err
}

func countOf(counts map[string]*admin.RuleCount, rule string) *admin.RuleCount {
	if counts[rule] == nil {
		counts[rule] = &admin.RuleCount{Rule: rule}
	}
	return counts[rule]
}

// filePatterns are the files that the sources want read.
func (a *App) filePatterns() (patterns []inbox.Pattern) {
	for _, s := range a.sources().Sources {
		if s.Files != "" {
			patterns = append(patterns, inbox.Pattern{Source: s.Name, Glob: s.Files, Version: s.Version})
		}
	}
	return patterns
}

// readFile reads a file that appeared. One that cannot be read to its end is tried
// again, since a changed header may be wanted, once the source says so; one with rows
// that cannot be used, when the source is another.
func (a *App) readFile(ctx context.Context, name, path string) error {
	s := a.sources().Find(name)
	if s == nil || s.Files == "" { // the rules changed meanwhile: what was not read must not count as read
		return fmt.Errorf("there is no source %s that reads files any more", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	result, err := a.ingestFile(ctx, s, path, file)
	switch {
	case err == nil && result.Broken:
		err = errors.New("the file could not be read to its end")
	case err == nil && result.Unusable > 0:
		err = inbox.ErrPartly
	}
	return err
}
