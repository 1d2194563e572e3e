// Package ruletest tries rules out: it reads fixture events in the webhook's own format
// and runs them through the same engine as the receiver, without sending anything.
package ruletest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/record"
	"heed/engine/source"
	"heed/engine/state"
)

// A Fixture is one event from a file.
type Fixture struct {
	// File is the name of the file, or "-" for standard input.
	File string
	// Source is the source that it is said to come from; empty for the published one. ID
	// is its ID; empty for the hash of its body.
	Source, ID string
	// Body is the event in the webhook's own format.
	Body []byte
	// Facts, if not nil, answers what the rules look up beyond the event.
	Facts expression.Resolver
}

// maxFixture limits the size of a file of events.
const maxFixture = 64 << 20

// Read reads fixtures. A path is a JSON file, a directory of *.json files, or "-" for
// standard input. A file may hold several events in sequence. An event may have "given",
// the answers to lookups as a test gives them; it is not part of the body.
func Read(paths []string, stdin io.Reader) ([]Fixture, error) {
	var fixtures []Fixture
	for _, path := range paths {
		if path == "-" {
			found, err := split("-", stdin)
			if err != nil {
				return nil, err
			}
			fixtures = append(fixtures, found...)
			continue
		}
		found, err := readPath(path)
		if err != nil {
			return nil, err
		}
		fixtures = append(fixtures, found...)
	}
	if len(fixtures) == 0 {
		return nil, fmt.Errorf("%s holds no events: give a JSON file {\"event\": …, \"companyId\": …, \"data\": {…}}, "+
			"a directory of them, or -", strings.Join(paths, ", "))
	}
	return fixtures, nil
}

func readPath(path string) ([]Fixture, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if !info.IsDir() {
		return readFile(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	var fixtures []Fixture
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		found, err := readFile(filepath.Join(path, entry.Name()))
		if err != nil {
			return nil, err
		}
		fixtures = append(fixtures, found...)
	}
	return fixtures, nil
}

func readFile(path string) ([]Fixture, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	defer f.Close()
	return split(path, f)
}

// split splits a text into its JSON values, keeping the bytes of each.
func split(file string, r io.Reader) ([]Fixture, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFixture+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read event: %w", err)
	case len(text) > maxFixture:
		return nil, fmt.Errorf("read event: %s has more than %d MiB", file, maxFixture>>20)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	var fixtures []Fixture
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return fixtures, nil
		}
		if err != nil {
			at := decoder.InputOffset()
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				at = min(syntax.Offset, int64(len(text)))
			}
			return nil, fmt.Errorf("%s:%d: this is not JSON: %w", file, 1+bytes.Count(text[:at], []byte("\n")), err)
		}
		f, err := withGiven(Fixture{File: file, Body: bytes.Clone(raw)})
		if err != nil {
			return nil, err
		}
		fixtures = append(fixtures, f)
	}
}

// A Result is what the rules make of one fixture.
type Result struct {
	File      string     `json:"file"`
	Event     string     `json:"event"`
	ID        string     `json:"id"`
	Decisions []Decision `json:"decisions"`
	// Asked is what the rules looked up beyond the event.
	Asked expression.Recorded `json:"-"`
}

// A Decision is what one rule makes of it.
type Decision struct {
	engine.Shown
	Actions []Action `json:"actions"`
}

// An Action is what would be sent, or why it could not be.
type Action struct {
	Action  string          `json:"action"`
	Kind    string          `json:"kind"`
	Request json.RawMessage `json:"request,omitempty"`
	Problem string          `json:"problem,omitempty"`
}

// DryRun decides a fixture as if it had arrived at now, as the first event ever: a count
// begins with it, and no throttle has been used. The error says why the fixture is not an
// event; the receiver would quarantine it.
func DryRun(rules *engine.RuleSet, f Fixture, now time.Time) (Result, error) {
	e, err := event.Decode(f.Body)
	if err != nil {
		return Result{}, fmt.Errorf("%s is not an event: %w", f.File, err)
	}
	e.ID = cmp.Or(f.ID, fmt.Sprintf("%x", sha256.Sum256(f.Body)))
	e.Source, e.ReceivedAt = cmp.Or(f.Source, source.Mindtickle), now
	result := Result{File: f.File, Event: e.Type, ID: e.ID, Decisions: []Decision{}}
	lookups := expression.LookupLog{Resolver: f.Facts}
	for _, d := range rules.Explain(&e, now, &lookups) {
		d.Effects = effectsAlone(&d, now)
		result.Decisions = append(result.Decisions, shown(&d))
	}
	result.Asked = lookups.Answers
	return result, nil
}

// effectsAlone returns the effects that an event has on empty state.
func effectsAlone(d *engine.Decision, now time.Time) (effects []record.Effect) {
	empty := state.NewMemory()
	for _, in := range d.Inputs {
		in.Event.At = now.UnixMicro()
		r := d.Rule.Time.Fold(empty, in, state.Clock{Now: now, MaxAge: defaultMaxAge})
		effects = append(effects, r.Effects...)
	}
	return effects
}

// shown returns a decision with what it would send.
func shown(d *engine.Decision) Decision {
	s := Decision{Shown: d.Shown(), Actions: []Action{}}
	for _, r := range d.Requests {
		s.Actions = append(s.Actions, Action{Action: r.Action, Kind: r.Kind, Request: r.Body, Problem: r.Problem})
	}
	return s
}

// Only keeps the decision of one rule. If the rule does not listen to the event, the
// result says so.
func (r *Result) Only(rule *engine.Rule) {
	r.Decisions = slices.DeleteFunc(r.Decisions, func(d Decision) bool { return d.Rule != rule.Name })
	if reason := rule.NotFor(r.Event); reason != "" {
		r.Decisions = []Decision{{
			Shown:   engine.Shown{Rule: rule.Name, Outcome: engine.NotMatched, Mode: rule.Mode(), Reason: reason},
			Actions: []Action{},
		}}
	}
}

// Failed reports whether a rule could not be evaluated.
func (r *Result) Failed() bool {
	for i := range r.Decisions {
		if r.Decisions[i].Outcome == engine.Errored {
			return true
		}
	}
	return false
}
