package storetest

import (
	"fmt"
	"testing"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
)

var readTests = map[string]func(*testing.T, Store){
	"events come in pages, newest first, without bodies":                 testEventPages,
	"events are chosen by type and status":                               testEventFilter,
	"deliveries come in pages, newest event first":                       testDeliveryPages,
	"deliveries are chosen by state, action and event":                   testDeliveryFilter,
	"a made-up cursor is refused":                                        testBadCursor,
	"a rule set keeps its files and has the time of its last activation": testRuleSet,
	"a store that works answers a ping":                                  testPing,
}

func events(t *testing.T, s Store, f record.EventFilter) []record.Event {
	t.Helper()
	events, err := s.Events(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func testEventPages(t *testing.T, s Store) {
	equal(t, "an empty store", events(t, s, record.EventFilter{Limit: 9}), []record.Event{})
	var last *record.Event
	for i := range 7 {
		last = accepted(fmt.Sprint(i), fmt.Sprint(i), "x")
		commit(t, s, last, stored)
	}
	page := events(t, s, record.EventFilter{Limit: 3})
	equal(t, "first page", seqs(page), "7 6 5 ")
	want := *last
	want.Body = nil
	equal(t, "newest", page[0], want)
	equal(t, "second page", seqs(events(t, s, record.EventFilter{Limit: 3, Before: 5})), "4 3 2 ")
	equal(t, "last page", seqs(events(t, s, record.EventFilter{Limit: 3, Before: 2})), "1 ")
	equal(t, "all", len(events(t, s, record.EventFilter{})), 7)
}

func testEventFilter(t *testing.T, s Store) {
	for i, kind := range []string{"quiz", "course", "quiz", "", "quiz"} {
		e := accepted(fmt.Sprint(i), fmt.Sprint(i), "x")
		e.Type = kind
		if kind == "" {
			e = quarantined(fmt.Sprint(i), fmt.Sprint(i), "x")
		}
		if _, err := Commit(t.Context(), s, e, nil); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "by type", seqs(events(t, s, record.EventFilter{Type: "quiz"})), "5 3 1 ")
	equal(t, "by type, a page", seqs(events(t, s, record.EventFilter{Type: "quiz", Before: 5, Limit: 1})), "3 ")
	equal(t, "accepted", seqs(events(t, s, record.EventFilter{Status: record.Accepted})), "5 3 2 1 ")
	equal(t, "quarantined", seqs(events(t, s, record.EventFilter{Status: record.Quarantined, Limit: 9})), "4 ")
	equal(t, "both", seqs(events(t, s, record.EventFilter{Type: "quiz", Status: record.Quarantined})), "")
}

func testDeliveryPages(t *testing.T, s Store) {
	commitPending(t, s, "e1", t0, "a", "b")
	commitPending(t, s, "e2", t0, "a", "b")
	commitPending(t, s, "e3", t0, "a")
	var got []string
	for f := (record.DeliveryFilter{Limit: 2}); ; {
		page, next, err := s.Deliveries(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, append(ids(page), "/")...)
		if f.Before = next; next == "" {
			break
		}
	}
	equal(t, "pages", got, []string{"e3-a", "e2-b", "/", "e2-a", "e1-b", "/", "e1-a", "/"})
	if page, next, err := s.Deliveries(t.Context(), record.DeliveryFilter{Limit: 5}); len(page) != 5 || next != "" || err != nil {
		t.Errorf("a page that holds just all: %d deliveries, next %q, error %v", len(page), next, err)
	}
}

func testDeliveryFilter(t *testing.T, s Store) {
	for i, state := range []record.State{record.Pending, record.Held, record.Dead, record.Pending, record.Pending, record.Discarded} {
		d := pending(fmt.Sprint("d", i), []string{"slack", "mail"}[i%2])
		if d.State = state; state != record.Pending {
			d.DueAt = time.Time{}
		}
		commit(t, s, accepted(fmt.Sprint(i), fmt.Sprint(i), "x"), stored, d)
	}
	claim(t, s, "mail", 1, t0)
	finish(t, s, "d3", delivery.End{At: t0, State: record.Done})
	claim(t, s, "slack", 1, t0)
	finish(t, s, "d0", delivery.End{At: t0, State: record.Retrying, DueAt: t0})

	for _, c := range []struct {
		filter record.DeliveryFilter
		want   []string
	}{
		{record.DeliveryFilter{}, []string{"d5", "d4", "d3", "d2", "d1", "d0"}},
		{record.DeliveryFilter{State: record.Pending}, []string{"d4"}},
		{record.DeliveryFilter{State: record.Retrying}, []string{"d0"}},
		{record.DeliveryFilter{State: record.Done}, []string{"d3"}},
		{record.DeliveryFilter{State: record.Dead}, []string{"d2"}},
		{record.DeliveryFilter{State: record.Held}, []string{"d1"}},
		{record.DeliveryFilter{State: record.Discarded}, []string{"d5"}},
		{record.DeliveryFilter{State: "no such"}, nil},
		{record.DeliveryFilter{Action: "mail"}, []string{"d5", "d3", "d1"}},
		{record.DeliveryFilter{Action: "slack", State: record.Dead}, []string{"d2"}},
		{record.DeliveryFilter{Action: "mail", State: record.Dead}, nil},
		{record.DeliveryFilter{EventSeq: 4}, []string{"d3"}},
		{record.DeliveryFilter{EventSeq: 4, State: record.Pending}, nil},
		{record.DeliveryFilter{EventSeq: 99}, nil},
	} {
		equal(t, fmt.Sprintf("%+v", c.filter), ids(deliveries(t, s, c.filter)), c.want)
	}
}

func testBadCursor(t *testing.T, s Store) {
	if _, _, err := s.Deliveries(t.Context(), record.DeliveryFilter{Before: "not a cursor"}); err == nil {
		t.Error("no error")
	}
}

func testRuleSet(t *testing.T, s Store) {
	if _, found, err := s.RuleSet(t.Context(), "h1"); found || err != nil {
		t.Errorf("found %v, error %v", found, err)
	}
	set := record.RuleSet{Hash: "h1", ActivatedAt: t0, Files: []record.File{{Name: "a.yaml", Text: "rules:\n"}, {Name: "b.yaml"}}}
	again := set
	again.ActivatedAt, again.Files = t0.Add(time.Hour), nil
	for _, set := range []record.RuleSet{set, again, {Hash: "h2", ActivatedAt: t0}} {
		if err := s.SaveRuleSet(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	got, found, err := s.RuleSet(t.Context(), "h1")
	if !found || err != nil {
		t.Fatal(found, err)
	}
	set.ActivatedAt = again.ActivatedAt
	equal(t, "rule set", got, set)
}

func testPing(t *testing.T, s Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
