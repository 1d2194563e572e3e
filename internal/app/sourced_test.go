package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/internal/store"
)

// sourced is an intake over a real store, with sources of a rule file and a clock
// of its own.
type sourced struct {
	t       *testing.T
	db      *store.DB
	rules   *engine.RuleSet
	sources *source.Set
	now     time.Time
	company string
	*intake.Intake
}

func newSourced(t *testing.T, text string) *sourced {
	t.Helper()
	t.Setenv("SOURCE_SECRET", "a secret of the tests")
	s := &sourced{t: t, db: openStore(t), now: monday}
	s.load(text)
	s.restart()
	return s
}

// load makes the rules and sources of a file active.
func (s *sourced) load(text string) {
	s.t.Helper()
	snapshot := rulefile.NewSnapshot([]rulefile.File{{
		Name: "rules.yaml",
		Text: []byte("timezone: UTC\nactions: {note: {log: {}}}\n" + text),
	}})
	loaded, problems := Compiler(os.LookupEnv).Compile(snapshot)
	if loaded == nil {
		s.t.Fatal(problems)
	}
	s.rules, s.sources = loaded.Rules, loaded.Sources
}

// restart makes the intake anew.
func (s *sourced) restart() {
	s.t.Helper()
	var err error
	s.Intake, err = intake.New(intake.Options{
		Store: s.db, Rules: func() *engine.RuleSet { return s.rules }, MaxAge: 8 * time.Hour, MaxAhead: time.Minute,
		Company: s.company, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sourced) source(name string) *source.Source {
	s.t.Helper()
	found := s.sources.Find(name)
	if found == nil {
		s.t.Fatalf("there is no source %s", name)
	}
	return found
}

// posts is a request of a source, signed now, with the MAC that its body has.
func (s *sourced) posts(name, body string, edit ...func(*intake.Request)) []string {
	s.t.Helper()
	mac := sha256.Sum256([]byte(body))
	r := intake.Request{Source: s.source(name), Body: []byte(body)}
	if v := r.Source.Verify; v.HMAC.SignatureHeader != "" {
		r.Signature = mac[:]
		if v.HMAC.TimestampHeader != "" {
			r.SignedAt = s.now
		}
	}
	for _, e := range edit {
		e(&r)
	}
	answers, err := s.Accept(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return words(answers)
}

func headerID(id string) func(*intake.Request) {
	return func(r *intake.Request) {
		r.ID, r.Header = id, map[string]string{"x-id": id}
	}
}

// reads is a file of rows in JSON lines.
func (s *sourced) reads(name string, rows ...any) []string {
	s.t.Helper()
	list := make([]intake.Row, len(rows))
	for i, row := range rows {
		list[i] = intake.Row{File: "report.csv", Line: i + 2, Value: row}
	}
	answers, err := s.AcceptRows(s.t.Context(), s.source(name), list)
	if err != nil {
		s.t.Fatal(err)
	}
	return words(answers)
}

// words say what became of each event.
func words(answers []intake.Answer) []string {
	texts := []string{}
	for _, a := range answers {
		text := "new"
		switch {
		case a.Duplicate:
			text = "duplicate"
		case a.Quarantined != "":
			text = strings.TrimSuffix(a.Quarantined+" "+a.Detail, " ")
		case a.Inert:
			text = "inert"
		}
		if a.Deliveries > 0 {
			text += fmt.Sprintf(", %d sent", a.Deliveries)
		}
		texts = append(texts, text)
	}
	return texts
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func (s *sourced) stored(id string) record.Event {
	s.t.Helper()
	e, found, err := s.db.Event(s.t.Context(), id)
	if err != nil || !found {
		s.t.Fatalf("event %s: found %t, error %v", id, found, err)
	}
	return e
}

func (s *sourced) count(f record.EventFilter) int {
	s.t.Helper()
	all, err := s.db.Events(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

// fires fires what is due and counts the alerts that were stored so far.
func (s *sourced) fires() int {
	s.t.Helper()
	for {
		rows, _, err := s.db.DueRows(s.t.Context(), intake.DueQuery{Now: s.now, Limit: 100, Scopes: s.rules.Scopes()})
		if err != nil {
			s.t.Fatal(err)
		}
		if n, err := s.Fire(s.t.Context(), rows); err != nil {
			s.t.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	return s.alerts("")
}

func (s *sourced) alerts(rule string) int {
	s.t.Helper()
	all, _, err := s.db.Deliveries(s.t.Context(), record.DeliveryFilter{Rule: rule})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

const everyQuiz = "rules: [{name: every, on: quiz.submitted, do: [{action: note, text: a}]}]\n"

const partnerSource = `
sources:
  partner:
    path: /webhooks/partner
    verify:
      hmac:
        {secret: {env: SOURCE_SECRET}, header: X-Signature, timestamp_header: X-Time, signed: "{timestamp}.{body}", max_age: 5m}
    each: body.events
    event: item.type
    id: item.id
    data: {userId: item.user, score: float(item.score)}
` + everyQuiz

// The items of a request are decided apart: what is wrong with one is recorded with
// its place, the others go on, and mending it makes just that one new.
func TestAccept_oneBadItemLeavesTheOthers(t *testing.T) {
	s := newSourced(t, partnerSource)
	const body = `{"events":[{"type":"quiz.submitted","id":"a","user":"u1","score":"1"},` +
		`{"type":"quiz.submitted","id":"b","user":"u2","score":"n/a"},{"type":"quiz.submitted","id":"c","user":"u3","score":3}]}`
	got := s.posts("partner", body)
	if len(got) != 3 || got[0] != "new, 1 sent" || got[2] != "new, 1 sent" || !strings.HasPrefix(got[1],
		"unmapped element 2: data.score: ") {
		t.Fatalf("%q", got)
	}
	if e := s.stored("b"); e.Status != record.Quarantined || e.Source != "partner" ||
		!strings.Contains(string(e.Body), `"n/a"`) || len(e.Decisions) > 0 {
		t.Errorf("what was set aside: %+v, body %s", e, e.Body)
	}
	same(t, "the same again", s.posts("partner", body), "duplicate", "duplicate", "duplicate")
	s.now = s.now.Add(time.Minute)
	same(t, "the same, sent again by another process", s.posts("partner", body), "duplicate", "duplicate", "duplicate")
	mended := strings.Replace(body, `"n/a"`, `"2"`, 1)
	same(t, "mended", s.posts("partner", mended), "duplicate", "new, 1 sent", "duplicate")
	same(t, "mended, again", s.posts("partner", mended), "duplicate", "duplicate", "duplicate")
	if got := s.posts("partner", `{"events":[]}`); len(got) != 0 {
		t.Errorf("of no items: %q", got)
	}
	same(t, "the same item twice", s.posts("partner",
		`{"events":[{"type":"quiz.submitted","id":"d","user":"u","score":1},{"type":"quiz.submitted","id":"d","user":"u","score":2}]}`),
		"new, 1 sent", "duplicate")
	if n := s.alerts("every"); n != 4 {
		t.Errorf("%d alerts", n)
	}
}

// An id that the signature does not cover is known by the signature: who repeats a
// request under another id neither makes another event nor takes the id away.
func TestAccept_anUnsignedIDIsKnownByTheSignature(t *testing.T) {
	for name, text := range map[string]string{
		"an expression": `
sources:
  hub:
    path: /webhooks/hub
    verify: {hmac: {secret: {env: SOURCE_SECRET}, header: X-Signature}}
    event: '"quiz.submitted"'
    id: headers["x-id"]
    data: body
`,
		"a header": `
sources:
  hub:
    path: /webhooks/hub
    verify: {hmac: {secret: {env: SOURCE_SECRET}, header: X-Signature, id_header: X-Id}}
    event: '"quiz.submitted"'
    data: body
`,
		"the published form": `
sources:
  hub:
    path: /webhooks/hub
    verify: {hmac: {secret: {env: SOURCE_SECRET}, header: X-Signature, id_header: X-Id}}
`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSourced(t, text+everyQuiz)
			one, other := `{"event":"quiz.submitted","data":{"n":1}}`, `{"event":"quiz.submitted","data":{"n":2}}`
			same(t, "first", s.posts("hub", one, headerID("e1")), "new, 1 sent")
			same(t, "again", s.posts("hub", one, headerID("e1")), "duplicate")
			same(t, "under another id", s.posts("hub", one, headerID("e2")), "signature_reused")
			same(t, "and another", s.posts("hub", one, headerID("e3")), "signature_reused")
			same(t, "the event whose id it took", s.posts("hub", other, headerID("e2")), "new, 1 sent")
			if n := s.count(record.EventFilter{}); n != 3 {
				t.Errorf("%d events: repetitions take space", n)
			}
		})
	}
}

// The same request is usable once the mapping is mended, also where the id is not
// signed; until then a repetition under other ids takes no space.
func TestAccept_onceTheMappingIsMended(t *testing.T) {
	const hub = `
sources:
  hub:
    path: /webhooks/hub
    verify: {github: {secret: {env: SOURCE_SECRET}}}
    event: '"quiz.submitted"'
    data:
      userId: body.user
      score: %s
`
	s := newSourced(t, fmt.Sprintf(hub, "float(body.points)")+everyQuiz)
	const body = `{"user":"u1","points":"61 %"}`
	if got := s.posts("hub", body, headerID("e1")); !strings.HasPrefix(got[0], "unmapped data.score: ") {
		t.Fatalf("%q", got)
	}
	same(t, "again", s.posts("hub", body, headerID("e1")), "duplicate")
	for i := range 5 {
		s.posts("hub", body, headerID(fmt.Sprint("forged", i)))
	}
	if n := s.count(record.EventFilter{}); n > 2 {
		t.Errorf("%d events: repetitions take space", n)
	}
	s.load(fmt.Sprintf(hub, `float(split(body.points, " ")[0])`) + everyQuiz)
	same(t, "mended", s.posts("hub", body, headerID("e1")), "new, 1 sent")
	same(t, "mended, again", s.posts("hub", body, headerID("e1")), "duplicate")
	same(t, "mended, under another id", s.posts("hub", body, headerID("e2")), "signature_reused")
}

// Two sources with one secret are two sources all the same.
func TestAccept_sourcesWithTheSameSecretAreApart(t *testing.T) {
	const one = `
  %[1]s:
    path: /webhooks/%[1]s
    verify: {github: {secret: {env: SOURCE_SECRET}}}
`
	for form, mapping := range map[string]string{
		"published": "",
		"mapped":    "    event: body.event\n    data: body.data\n",
	} {
		t.Run(form, func(t *testing.T) {
			s := newSourced(t, "sources:"+fmt.Sprintf(one, "a")+mapping+fmt.Sprintf(one, "b")+mapping+everyQuiz)
			const body = `{"event":"quiz.submitted","data":{"userId":"u1"}}`
			same(t, "a", s.posts("a", body, headerID("e1")), "new, 1 sent")
			same(t, "b", s.posts("b", body, headerID("e1")), "new, 1 sent")
			same(t, "b again", s.posts("b", body, headerID("e1")), "duplicate")
		})
	}
}

// What is quarantined, and that it claims neither its id nor the source's good name.
func TestAccept_whatASourceMayNotSend(t *testing.T) {
	s := newSourced(t, `
sources:
  partner:
    path: /webhooks/partner
    verify:
      hmac:
        {secret: {env: SOURCE_SECRET}, header: X-Signature, timestamp_header: X-Time, signed: "{timestamp}.{body}",
        max_age: 5m, max_ahead: 1m}
    event: body.type
    id: body.id
    company: body.company
    data: body
`+everyQuiz)
	s.company = "acme"
	s.restart()
	event := func(kind, company string) string {
		return fmt.Sprintf(`{"type":%q,"id":"e1","company":%q}`, kind, company)
	}
	at := func(d time.Duration) func(*intake.Request) {
		return func(r *intake.Request) { r.SignedAt = s.now.Add(d) }
	}
	good := event("quiz.submitted", "acme")
	same(t, "too old", s.posts("partner", good, at(-5*time.Minute-1)), "outside_window")
	same(t, "from the future", s.posts("partner", good+" ", at(time.Minute+1)), "duplicate")
	same(t, "of another company", s.posts("partner", event("quiz.submitted", "other")), "other_company")
	same(t, "of heed's own types", s.posts("partner", event("heed.source.silent", "acme")), "reserved_type")
	same(t, "the event itself", s.posts("partner", good, at(-5*time.Minute)), "new, 1 sent")
	if s.db.LastGood().Seq != s.stored("e1").Seq {
		t.Errorf("the last good event is %+v", s.db.LastGood())
	}
}

// A source that says nothing of companies sends those of the configured one.
func TestAccept_companyOfASourceWithoutCompanies(t *testing.T) {
	s := newSourced(t, partnerSource)
	s.company = "acme"
	s.restart()
	same(t, "accepted", s.posts("partner", `{"events":[{"type":"quiz.submitted","id":"a","score":1}]}`), "new, 1 sent")
	if e := s.stored("a"); e.CompanyID != "acme" {
		t.Errorf("of the company %q", e.CompanyID)
	}
}

// Nobody outside makes an event that passes for one of heed's own: what becomes of
// those tells nobody.
func TestAccept_idsOfHeedsOwnComeFromNoSource(t *testing.T) {
	const verify = "verify: {hmac: {secret: {env: SOURCE_SECRET}, header: X-Signature, id_header: X-Id}}"
	s := newSourced(t, `
sources:
  plain: {path: /webhooks/plain, `+verify+`}
  header: {path: /webhooks/header, `+verify+`, event: '"quiz.submitted"', data: body}
  expression:
    {path: /webhooks/expression, `+verify+`, event: '"quiz.submitted"', id: body.id, data: body, ids_of: mindtickle}
  items: {path: /webhooks/items, `+verify+`, each: body.list, event: '"quiz.submitted"', id: item, data: {userId: item}}
  report: {event: '"quiz.submitted"', id: row.id, data: {userId: row.id}, act: always, ids_of: mindtickle}
`+everyQuiz)
	for _, id := range []string{"heed.notice-1", "heed.timed-1"} {
		for _, name := range []string{source.Mindtickle, "plain", "header", "expression", "items"} {
			body := fmt.Sprintf(`{"event":"quiz.submitted","id":%q,"list":[%q],"data":{},"to":%q}`, id, id, name)
			s.posts(name, body, headerID(id))
		}
		s.reads("report", map[string]any{"id": id})
		all, err := s.db.EventsByID(t.Context(), id)
		if err != nil || len(all) != 0 {
			t.Errorf("%s: %d events, error %v", id, len(all), err)
		}
	}
	if n := s.count(record.EventFilter{}); n != 12 {
		t.Errorf("%d events of 12: something is lost", n)
	}
}

// A time from the future is a mistake, such as of a time zone. It must not make what
// a person is then known as newer than all that comes after it.
func TestAccept_noEventIsFromTheFuture(t *testing.T) {
	s := newSourced(t, `
sources:
  report: {event: '"quiz.submitted"', id: row.id, at: row.at, data: {userId: row.id}, act: always}
`+everyQuiz)
	same(t, "rows", s.reads("report",
		map[string]any{"id": "future", "at": "9999-01-01"}, map[string]any{
			"id": "past",
			"at": "2026-01-01",
		}), "new, 1 sent", "new, 1 sent")
	if e := s.stored("future"); !e.SignedAt.Equal(s.now) {
		t.Errorf("it is of %s", e.SignedAt)
	}
	if e := s.stored("past"); !e.SignedAt.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("it is of %s", e.SignedAt)
	}
}

const actRules = `
quiet_hours: {early: [{from: "09:00", to: "11:00"}]}
rules:
- {name: plain, on: quiz.submitted, do: [{action: note, text: a}]}
- {name: shadow, mode: shadow, on: quiz.submitted, do: [{action: note, text: a}]}
- {name: once, on: quiz.submitted, throttle: {per: data.userId, at_most: 1, every: day}, do: [{action: note, text: a}]}
- {name: night, on: quiz.submitted, quiet_hours: {use: early}, do: [{action: note, text: a}]}
- {name: twice, on: quiz.submitted, count: {at_least: 2, per: data.userId, reset: data.score == 100},
  do: [{action: note, text: a}]}
- {name: later, on: quiz.submitted, wait: {after: 2h, per: data.userId, unless: {on: module.progress}},
  do: [{action: note, text: a}]}
- {name: daily, on: quiz.submitted, digest: {every: day, at: "12:00", per: data.userId},
  do: [{action: note, text: "{{ total }}"}]}
`

const actSource = `
sources:
  report: {event: row.type, id: row.id, at: row.at, data: {userId: row.user, score: row.score}, act: within 24h}
`

func row(id, kind, user, at string) map[string]any {
	return map[string]any{"id": id, "type": kind, "user": user, "at": at, "score": 1}
}

// What is too old to trigger anything triggers nothing, whatever the rule, and says
// why.
func TestAcceptRows_anInertEventSendsNothing(t *testing.T) {
	s := newSourced(t, actSource+actRules)
	same(t, "old rows", s.reads("report",
		row("o1", "quiz.submitted", "u1", "2026-02-01"), row("o2", "quiz.submitted", "u1", "2026-02-02"),
		row("o3", "quiz.submitted", "u1", "2026-02-03")), "inert", "inert", "inert")
	s.now = s.now.Add(7 * 24 * time.Hour)
	if n := s.fires(); n != 0 {
		t.Errorf("%d alerts", n)
	}
	for _, id := range []string{"o1", "o2", "o3"} {
		e := s.stored(id)
		if !e.Inert || e.Status != record.Accepted {
			t.Errorf("%+v", e)
		}
		var got []string
		for _, d := range e.Decisions {
			for _, effect := range d.Effects {
				got = append(got, d.Rule+" "+d.Outcome+" "+effect.Effect+" "+effect.Reason)
			}
		}
		same(t, id, got, "plain matched skipped act", "shadow matched skipped act", "once matched skipped act",
			"night matched skipped act", "twice matched counted ", "later matched skipped act", "daily matched skipped act")
	}
	if a, err := s.db.ShadowAlerts(t.Context(), "shadow", monday.Add(-time.Hour)); err != nil || a.Alerts != 0 {
		t.Errorf("%d alerts in shadow mode, error %v", a.Alerts, err)
	}
}

// It takes nothing from what comes after it: a slot, a place in a count, a start.
func TestAcceptRows_afterAnInertEvent(t *testing.T) {
	s := newSourced(t, actSource+actRules)
	s.reads("report", row("o1", "quiz.submitted", "u1", "2026-03-01"))
	s.now = monday.Add(3 * time.Hour) // after the quiet hours
	// All rules but those that wait and collect send; the count has its second.
	same(t, "a new row", s.reads("report", row("n1", "quiz.submitted", "u1", "2026-03-02T12:00:00Z")), "new, 3 sent")
	want := map[string]int{"plain": 1, "shadow": 0, "once": 1, "night": 1, "twice": 1, "later": 0, "daily": 0}
	s.fires()
	for rule, n := range want {
		if got := s.alerts(rule); got != n {
			t.Errorf("at once %s sends %d, want %d", rule, got, n)
		}
	}
	s.now = s.now.Add(26 * time.Hour)
	s.fires()
	want["later"], want["daily"] = 1, 1
	for rule, n := range want {
		if got := s.alerts(rule); got != n {
			t.Errorf("in the end %s sends %d, want %d", rule, got, n)
		}
	}
	digests, _, err := s.db.Deliveries(t.Context(), record.DeliveryFilter{Rule: "daily"})
	if err != nil || len(digests) != 1 || !strings.Contains(string(digests[0].Request), `"1"`) {
		t.Errorf("the digest has the old event: %+v, %v", digests, err)
	}
}

// An inert event is known to the state of rules: it counts, resets and cancels.
func TestAcceptRows_anInertEventCountsResetsAndCancels(t *testing.T) {
	s := newSourced(t, actSource+actRules)
	s.reads("report", row("n1", "quiz.submitted", "u1", "2026-03-02T09:00:00Z"), row("n2", "quiz.submitted", "u2",
		"2026-03-01T09:00:00Z"))
	if got := s.stored("n2"); !got.Inert {
		t.Fatalf("%+v", got)
	}
	// u1: what comes late, of after the start, cancels the wait though it is inert.
	s.now = monday.Add(23*time.Hour + 30*time.Minute)
	s.load(strings.Replace(actSource, "within 24h", "within 1h", 1) + actRules)
	same(t, "a cancel", s.reads("report", row("c1", "module.progress", "u1", "2026-03-02T09:30:00Z")), "inert")
	if e := s.stored("c1"); len(e.Decisions) != 1 || e.Decisions[0].Effects[0].Effect != record.Cancelled {
		t.Errorf("%+v", e.Decisions)
	}
	s.fires()
	if n := s.alerts("later"); n != 0 {
		t.Errorf("%d alerts of what was cancelled", n)
	}
	// u2: a reset forgets the first one; of the two that follow, the second completes
	// the count.
	reset := row("r2", "quiz.submitted", "u2", "2026-03-01T10:00:00Z")
	reset["score"] = 100
	same(t, "a reset", s.reads("report", reset), "inert")
	s.reads("report", row("n3", "quiz.submitted", "u2", "2026-03-02T11:00:00Z"), row("n4", "quiz.submitted", "u2",
		"2026-03-03T09:20:00Z"))
	s.fires()
	if n := s.alerts("twice"); n != 1 {
		t.Errorf("%d alerts of the count", n)
	}
	if e := s.stored("r2"); !slices.ContainsFunc(e.Decisions, func(d record.Decision) bool {
		return slices.ContainsFunc(d.Effects, func(effect record.Effect) bool { return effect.Effect == record.Reset })
	}) {
		t.Errorf("nothing was reset: %+v", e.Decisions)
	}
}

// A person who replays an inert event means it: it is sent.
func TestReplay_ofAnInertEventSends(t *testing.T) {
	s := newSourced(t, actSource+everyQuiz)
	s.reads("report", row("o1", "quiz.submitted", "u1", "2026-02-01"))
	stored := s.stored("o1")
	if _, deliveries, err := s.Replay(t.Context(), stored, false); err != nil || len(deliveries) != 1 ||
		s.alerts("") != 0 {
		t.Errorf("without sending: %d deliveries, %v; %d stored", len(deliveries), err, s.alerts(""))
	}
	if _, deliveries, err := s.Replay(t.Context(), stored, true); err != nil || len(deliveries) != 1 ||
		s.alerts("") != 1 {
		t.Errorf("sending: %d deliveries, %v; %d stored", len(deliveries), err, s.alerts(""))
	}
	same(t, "the row again", s.reads("report", row("o1", "quiz.submitted", "u1", "2026-02-01")), "duplicate")
	if e := s.stored("o1"); e.Status != record.Accepted || !e.Inert {
		t.Errorf("the event is now %+v", e)
	}
}

// Without sending, a replay shows what the rules would do if the event came now.
func TestReplay_ofAnInertEventShowsWhatWouldBeSent(t *testing.T) {
	s := newSourced(t, actSource+actRules)
	s.reads("report", row("o1", "quiz.submitted", "u1", "2026-02-01"))
	s.now = monday.Add(3 * time.Hour)
	decisions, _, err := s.Replay(t.Context(), s.stored("o1"), false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range decisions {
		for _, effect := range d.Effects {
			got = append(got, d.Rule.Name+" "+effect.Effect)
		}
	}
	same(t, "effects", got, "once sent", "night sent", "twice counted", "later waiting", "daily collected")
}

// A backtest knows which events were silent.
func TestBacktest_ofInertEvents(t *testing.T) {
	s := newSourced(t, actSource+actRules)
	s.reads("report", row("o1", "quiz.submitted", "u1", "2026-02-01"), row("o2", "quiz.submitted", "u1", "2026-02-02"))
	s.now = monday.Add(3 * time.Hour)
	s.reads("report", row("n1", "quiz.submitted", "u2", "2026-03-02T12:00:00Z"))
	for _, against := range []*engine.RuleSet{nil, s.rules} {
		result, err := Backtest(context.Background(), s.db, BacktestOptions{
			Rules: s.rules, Against: against, Since: monday.Add(-time.Hour), Until: monday.Add(48 * time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, r := range result.Rules {
			got[r.Rule] = r.Alerts
		}
		want := map[string]int{"plain": 1, "shadow": 1, "once": 1, "night": 1, "twice": 0, "later": 1, "daily": 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// Events of two sources with the same id are two: in a digest, and in the diff of a
// backtest.
func TestAcceptRows_theSameIDOfTwoSources(t *testing.T) {
	const one = "  %s: {event: '\"quiz.submitted\"', id: row.id, data: {userId: row.user}, act: always}\n"
	s := newSourced(t, "sources:\n"+fmt.Sprintf(one, "a")+fmt.Sprintf(one, "b")+`
rules:
- {name: plain, on: quiz.submitted, do: [{action: note, text: "{{ data.userId }}"}]}
- {name: daily, on: quiz.submitted, digest: {every: day, at: "12:00"}, do: [{action: note, text: "{{ total }}"}]}
`)
	same(t, "a", s.reads("a", map[string]any{"id": "1", "user": "u1"}), "new, 1 sent")
	same(t, "b", s.reads("b", map[string]any{"id": "1", "user": "u2"}), "new, 1 sent")
	s.now = monday.Add(24 * time.Hour)
	s.fires()
	digests, _, err := s.db.Deliveries(t.Context(), record.DeliveryFilter{Rule: "daily"})
	if err != nil || len(digests) != 1 || !strings.Contains(string(digests[0].Request), `"2"`) {
		t.Errorf("the digest: %+v, %v", digests, err)
	}
	result, err := Backtest(t.Context(), s.db, BacktestOptions{
		Rules: s.rules, Against: s.rules, Since: monday.Add(-time.Hour), Until: monday.Add(25 * time.Hour),
	})
	if err != nil || result.Diff.Same != 3 {
		t.Errorf("%d alerts are the same, want 3; %v", result.Diff.Same, err)
	}
}
