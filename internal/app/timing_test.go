package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/rulefile"
	"heed/engine/source"
	"heed/engine/state"
	"heed/internal/admin"
	"heed/internal/notice"
	"heed/internal/store"
)

// serving is an intake over a store, on a clock of its own.
type serving struct {
	t          *testing.T
	db         *store.DB
	rules      *engine.RuleSet
	now        time.Time
	overflowed []string
	*intake.Intake
}

// newServing makes one with the rules that stand below "rules:"; change may lower
// their limits.
func newServing(t *testing.T, text string, change func(*engine.Rule)) *serving {
	t.Helper()
	s := &serving{t: t, db: openStore(t), now: monday}
	head := "timezone: UTC\nactions: {note: {log: {}}}\nrules:\n"
	snapshot := rulefile.NewSnapshot([]rulefile.File{{Name: "rules.yaml", Text: []byte(head + text)}})
	loaded, problems := Compiler(os.LookupEnv).Compile(snapshot)
	if loaded == nil {
		t.Fatal(problems)
	}
	s.rules = loaded.Rules
	if change != nil {
		for _, rule := range s.rules.Rules() {
			change(rule)
		}
	}
	s.Intake = s.process()
	return s
}

// process is an intake as another process over the same store has one.
func (s *serving) process() *intake.Intake {
	s.t.Helper()
	in, err := intake.New(intake.Options{
		Store: s.db, Rules: func() *engine.RuleSet { return s.rules }, MaxAge: 8 * time.Hour, MaxAhead: time.Minute,
		Overflow: func(_ context.Context, rule string) { s.overflowed = append(s.overflowed, rule) },
		Now:      func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return in
}

// comes takes an event of a user in, signed now.
func (s *serving) comes(id, user, data string) intake.Answer {
	s.t.Helper()
	return s.request(id, "signature of "+id, fmt.Sprintf(
		`{"event":"quiz.submitted","companyId":"acme","data":{"userId":%q%s}}`, user, data))
}

func (s *serving) request(id, signature, body string) intake.Answer {
	s.t.Helper()
	sum := sha256.Sum256([]byte(signature))
	events, err := s.Accept(s.t.Context(), intake.Request{
		Source: source.MindtickleSource(), ID: id,
		SignedAt: s.now, Signature: sum[:], Body: []byte(body),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return events[0]
}

// fire fires all that is due.
func (s *serving) fire() (fired int) {
	s.t.Helper()
	for {
		n, err := s.Fire(s.t.Context(), s.due())
		if err != nil {
			s.t.Fatal(err)
		}
		if fired += n; n == 0 {
			return fired
		}
	}
}

func (s *serving) due() []state.Row {
	s.t.Helper()
	rows, _, err := s.db.DueRows(s.t.Context(), intake.DueQuery{Now: s.now, Limit: 100, Scopes: s.rules.Scopes()})
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// state is all rows of state, as texts.
func (s *serving) state() (rows []string) {
	s.t.Helper()
	for _, scope := range s.rules.Scopes() {
		found, err := s.db.StateRows(s.t.Context(), scope, "")
		if err != nil {
			s.t.Fatal(err)
		}
		for _, row := range found {
			rows = append(rows, fmt.Sprintf("%s %s %s %d", row.Scope.Block, row.Key, row.Data, row.Version))
		}
	}
	return rows
}

func (s *serving) deliveries() int {
	s.t.Helper()
	all, _, err := s.db.Deliveries(s.t.Context(), record.DeliveryFilter{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

// effects are those of an event's decisions.
func (s *serving) effects(id string) (effects []string) {
	s.t.Helper()
	e, ok, err := s.db.Event(s.t.Context(), id)
	if err != nil || !ok {
		s.t.Fatal(id, ok, err)
	}
	for _, d := range e.Decisions {
		for _, effect := range d.Effects {
			effects = append(effects, effect.Effect)
		}
	}
	return effects
}

// remembering has a rule for each block that keeps state.
const remembering = `
- {name: count, on: quiz.submitted, count: {at_least: 3, within: 7d, per: data.userId}, do: [{action: note, text: count}]}
- {name: wait, on: quiz.submitted, wait: {after: 1h, per: data.userId, again: restart}, do: [{action: note, text: wait}]}
- {name: digest, on: quiz.submitted, digest: {every: day, at: "09:00"}, do: [{action: note, text: digest}]}
- {name: throttle, on: quiz.submitted, throttle: {at_most: 1, every: day, per: data.userId}, do: [{action: note, text: throttle}]}
`

func TestState_isNotTouchedByDuplicatesQuarantinedEventsAndReplays(t *testing.T) {
	s := newServing(t, remembering, nil)
	s.comes("e1", "u1", "")
	before := s.state()
	if len(before) != 5 { // an item, too
		t.Fatalf("state %q", before)
	}
	untouched := func(what string) {
		t.Helper()
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	body := `{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u1"}}`
	if a := s.request("e1", "signature of e1", body); !a.Duplicate {
		t.Errorf("a redelivery: %+v", a)
	}
	untouched("a redelivery")
	if a := s.request("e1", "another signature", body); !a.Duplicate {
		t.Errorf("a redelivery that was signed again: %+v", a)
	}
	untouched("a redelivery that was signed again")
	if a := s.request("e1", "a third", strings.Replace(body, "u1", "u2", 1)); a.Quarantined != intake.IDReused {
		t.Errorf("another event of the same id: %+v", a)
	}
	untouched("another event of the same id")
	if a := s.request("e2", "signature of e1", body); a.Quarantined != intake.SignatureReused {
		t.Errorf("another id of the same signature: %+v", a)
	}
	untouched("another id of the same signature")
	sum := sha256.Sum256([]byte("old"))
	late := intake.Request{
		Source: source.MindtickleSource(), ID: "e3", SignedAt: s.now.Add(-9 * time.Hour),
		Signature: sum[:], Body: []byte(body),
	}
	if a, err := s.Accept(t.Context(), late); err != nil || a[0].Quarantined != intake.OutsideWindow {
		t.Errorf("one out of the window: %+v, %v", a, err)
	}
	untouched("one out of the window")
	stored, _, err := s.db.Event(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	for _, send := range []bool{false, true} {
		if _, _, err := s.Replay(t.Context(), stored, send); err != nil {
			t.Fatal(err)
		}
		untouched(fmt.Sprint("a replay, send: ", send))
	}
}

// A replay that sends does not count, wait or collect, and no throttle stops it.
func TestReplay_thatSendsIsNotThrottled(t *testing.T) {
	s := newServing(t, remembering, nil)
	s.comes("e1", "u1", "")
	if n := s.deliveries(); n != 1 {
		t.Fatalf("%d deliveries", n)
	}
	stored, _, err := s.db.Event(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	decisions, deliveries, err := s.Replay(t.Context(), stored, true)
	if err != nil || len(deliveries) != 1 || deliveries[0].Rule != "throttle" {
		t.Fatalf("%v, %v", deliveries, err)
	}
	for _, d := range decisions {
		skipped := len(d.Effects) == 1 && d.Effects[0].Effect == record.Skipped && d.Effects[0].Reason == record.ByReplay
		if want := d.Rule.Name != "throttle"; skipped != want {
			t.Errorf("%s: effects %+v", d.Rule.Name, d.Effects)
		}
	}
	if n := s.deliveries(); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}

func TestReplay_showsWhatWouldHappenOnACopyOfTheState(t *testing.T) {
	s := newServing(t, remembering, nil)
	s.comes("e1", "u1", "")
	stored, _, err := s.db.Event(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	decisions, _, err := s.Replay(t.Context(), stored, false)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range decisions {
		for _, e := range d.Effects {
			got[d.Rule.Name] += e.Effect + " " + e.Limit
		}
	}
	want := map[string]string{
		"count": "counted 2 of 3 within 7d", "wait": "skipped ", "digest": "collected ", "throttle": "throttled 1 of 1 today (UTC)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForget_removesRowsAndTimers(t *testing.T) {
	s := newServing(t, remembering+
		"- {name: storm, on: quiz.submitted, throttle: {at_most: 1, within: 1h}, do: [{action: note, text: storm}]}\n", nil)
	s.comes("e1", "u1", "")
	if _, _, err := s.db.ForgetPerson(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	for _, row := range s.state() { // what is left is of the rule, not of the person
		if strings.Contains(row, "u1") || strings.HasPrefix(row, "item") || strings.HasPrefix(row, "wait") {
			t.Errorf("left is %s", row)
		}
	}
	s.now = s.now.Add(48 * time.Hour)
	sent := s.deliveries()
	s.fire()
	if n := s.deliveries(); n != sent {
		t.Errorf("a digest without items was sent")
	}
	s.comes("e2", "u2", "")
	s.now = s.now.Add(48 * time.Hour)
	s.fire()
	if n := s.deliveries(); n != sent+4 { // throttle, storm, wait and digest
		t.Errorf("%d deliveries more", n-sent)
	}
}

// Events that a pending timer or an uncollected item references outlive the
// retention; nothing else does.
func TestPrune_keepsWhatIsGoingToBeRendered(t *testing.T) {
	for name, test := range map[string]struct {
		rule string
		kept bool
	}{
		"wait":     {"wait: {after: 90d, per: data.userId}", true},
		"digest":   {"digest: {every: month}", true},
		"throttle": {"throttle: {at_most: 1, within: forever, per: data.userId}", false},
	} {
		s := newServing(t, "- {name: r, on: quiz.submitted, "+test.rule+", do: [{action: note, text: x}]}\n", nil)
		s.comes("e1", "u1", "")
		s.finishDeliveries()
		s.now = s.now.Add(20 * 24 * time.Hour)
		if _, err := s.db.Prune(t.Context(), s.now, s.now.Add(-24*time.Hour), s.now.Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		_, kept, err := s.db.Event(t.Context(), "e1")
		if err != nil || kept != test.kept {
			t.Errorf("%s: kept is %v, %v", name, kept, err)
		}
		if !test.kept {
			continue
		}
		s.now = s.now.Add(90 * 24 * time.Hour)
		if s.fire() != 1 || s.deliveries() != 1 {
			t.Errorf("%s: it did not fire", name)
		}
	}
}

// finishDeliveries makes what was sent count as sent, so that its event can go.
func (s *serving) finishDeliveries() {
	s.t.Helper()
	if _, err := s.db.Discard(s.t.Context(), record.DeliveryFilter{State: record.Pending}); err != nil {
		s.t.Fatal(err)
	}
	if err := s.db.SavePeople(s.t.Context(), &people.Rows{}, 1<<40); err != nil {
		s.t.Fatal(err)
	}
}

func TestPrune_keepsADueRowHoweverLongItIsHeld(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, throttle: {at_most: 1, within: 10m, rest: [{action: note, text: \"{{ total }}\"}]}, do: [{action: note, text: x}]}\n", nil)
	s.comes("e1", "u1", "")
	s.comes("e2", "u1", "")
	s.now = s.now.Add(3 * 24 * time.Hour) // nobody fires
	if _, err := s.db.Prune(t.Context(), s.now, monday.Add(-time.Hour), monday.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s.fire() != 1 || s.deliveries() != 2 {
		t.Error("the rest was lost")
	}
}

func TestLimits_newKeysOfAThrottleShareABucketWith100TimesItsLimit(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, throttle: {at_most: 2, within: 1h, per: data.userId}, do: [{action: note, text: x}]}\n",
		func(r *engine.Rule) { r.Time.Limits.ThrottleKeys = 2 })
	for _, user := range []string{"a", "b"} {
		s.comes(user+"1", user, "")
	}
	for i := range 205 {
		s.comes(fmt.Sprint("c", i), fmt.Sprint("c", i), "")
	}
	if n := s.deliveries(); n != 2+200 {
		t.Errorf("%d deliveries, want 202", n)
	}
	s.comes("a2", "a", "") // an existing key continues to work
	s.comes("a3", "a", "")
	if n := s.deliveries(); n != 203 {
		t.Errorf("%d deliveries, want 203", n)
	}
	if diff := cmp.Diff([]string{"throttled"}, s.effects("a3")); diff != "" {
		t.Error(diff)
	}
	if len(s.overflowed) != 205 || s.overflowed[0] != "r" {
		t.Errorf("overflowed %d times", len(s.overflowed))
	}
	s.now = s.now.Add(time.Hour + time.Minute)
	s.comes("d1", "d", "")
	if n := s.deliveries(); n != 204 {
		t.Errorf("the bucket stays full")
	}
}

func TestLimits_countAndWaitDoNotTrackNewKeys(t *testing.T) {
	for block, rule := range map[string]string{
		"count": "count: {at_least: 2, within: 1h, per: data.userId}", "wait": "wait: {after: 1h, per: data.userId}",
		"digest": "digest: {every: hour, per: data.userId}",
	} {
		s := newServing(t, "- {name: r, on: quiz.submitted, "+rule+", do: [{action: note, text: x}]}\n",
			func(r *engine.Rule) { r.Time.Limits.Keys = 2 })
		for _, user := range []string{"a", "b", "c"} {
			s.comes(user+"1", user, "")
			s.comes(user+"2", user, "")
		}
		if diff := cmp.Diff([]string{"overflow"}, s.effects("c2")); diff != "" {
			t.Error(block, diff)
		}
		if len(s.overflowed) != 2 {
			t.Errorf("%s: overflowed %v", block, s.overflowed)
		}
		s.now = s.now.Add(2 * time.Hour)
		s.fire()
		if n := s.deliveries(); n != 2 {
			t.Errorf("%s: %d deliveries, want those of a and b", block, n)
		}
	}
}

func TestLimits_aDigestKeepsSomeItemsAndCountsAll(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, digest: {every: hour}, do: [{action: note, text: \"{{ total }} {{ more }} {{ len(items) }}\"}]}\n",
		func(r *engine.Rule) { r.Time.Limits.Items = 102 })
	for i := range 105 {
		s.comes(fmt.Sprint("e", i), "u", "")
	}
	s.now = s.now.Add(2 * time.Hour)
	s.fire()
	all, _, err := s.db.Deliveries(t.Context(), record.DeliveryFilter{Limit: 10})
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	d, _, _, err := s.db.Delivery(t.Context(), all[0].ID)
	if err != nil || !strings.Contains(string(d.Request), `"105 5 100"`) {
		t.Errorf("%s, %v", d.Request, err)
	}
}

// One event reports that a rule has too many keys.
func TestOverflow_postsOneEvent(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	posted := make(chan string, 10)
	notices := notice.New(notice.Options{
		Emit: func(_ context.Context, eventType string, data map[string]any) error {
			posted <- fmt.Sprint(eventType, " ", data["rule"])
			return nil
		},
		LastGood: time.Now, WatchedSince: time.Now(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	a := &App{notices: notices}
	for range 3 {
		a.overflow(t.Context(), "r")
	}
	a.overflow(t.Context(), "other")
	done := make(chan struct{})
	go func() { defer close(done); a.notices.Run(ctx) }()
	got := []string{<-posted, <-posted}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"heed.rule.overflow other", "heed.rule.overflow r"}, got); diff != "" {
		t.Error(diff)
	}
	stop()
	<-done
	if len(posted) > 0 {
		t.Errorf("posted %s, too", <-posted)
	}
}

func TestFire_twoProcessesFireOnce(t *testing.T) {
	s := newServing(t, remembering, nil)
	for i := range 20 {
		s.comes(fmt.Sprint("e", i), fmt.Sprint("u", i), "")
	}
	s.now = s.now.Add(48 * time.Hour)
	other, due, sent := s.process(), s.due(), s.deliveries()
	var wait sync.WaitGroup
	fired := make([]int, 2)
	for i, in := range []*intake.Intake{s.Intake, other} {
		wait.Go(func() {
			n, err := in.Fire(t.Context(), due)
			if err != nil {
				t.Error(err)
			}
			fired[i] = n
		})
	}
	wait.Wait()
	if fired[0]+fired[1] != 21 || s.deliveries()-sent != 21 { // 20 waits, a digest
		t.Errorf("fired %v, %d deliveries", fired, s.deliveries()-sent)
	}
	if n := s.fire(); n != 0 {
		t.Errorf("%d more", n)
	}
}

func TestFire_leavesARowThatChangedMeanwhile(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, wait: {after: 1h, per: data.userId, unless: {on: quiz.submitted, when: data.passed}}, do: [{action: note, text: x}]}\n", nil)
	s.comes("e1", "u1", `,"passed":false`)
	s.now = s.now.Add(time.Hour)
	due := s.due()
	s.comes("e2", "u1", `,"passed":true`)
	if n, err := s.Fire(t.Context(), due); err != nil || n != 0 || s.deliveries() != 0 {
		t.Errorf("fired %d, %v", n, err)
	}
}

func TestFire_idsAreUniqueAndReserved(t *testing.T) {
	s := newServing(t, remembering, nil)
	for i := range 9 {
		s.comes(fmt.Sprint("e", i), "u1", "")
		s.now = s.now.Add(25 * time.Hour)
		s.fire()
	}
	timed, err := s.db.Events(t.Context(), record.EventFilter{Status: record.Timed, Limit: 1000})
	if err != nil || len(timed) != 9+9+3 { // waits, digests, counts
		t.Fatal(len(timed), err)
	}
	seen := map[string]bool{}
	for _, e := range timed {
		if seen[e.ID] || !strings.HasPrefix(e.ID, state.IDPrefix) {
			t.Errorf("id %s", e.ID)
		}
		seen[e.ID] = true
		if strings.Contains(e.Decisions[0].Rule, "count") && !strings.HasSuffix(e.ID, e.Decisions[0].Effects[0].By) {
			t.Errorf("%s does not contain the id of %s, which completed the count", e.ID, e.Decisions[0].Effects[0].By)
		}
	}
	// An outsider cannot claim one first.
	if a := s.comes(timed[0].ID, "u1", ""); a.ID == timed[0].ID || a.Duplicate {
		t.Errorf("%+v", a)
	}
}

func TestFire_ofADigestOnceThoughItsEventsComeWhileItIsSent(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, digest: {every: hour}, do: [{action: note, text: \"{{ total }}\"}]}\n", nil)
	s.comes("e1", "u1", "")
	s.now = monday.Add(time.Hour)
	if s.fire() != 1 {
		t.Fatal("it did not fire")
	}
	s.now = monday.Add(time.Hour - time.Millisecond) // an event that was on its way, or a clock that was set back
	s.comes("e2", "u1", "")
	s.now = monday.Add(time.Hour)
	if n := s.fire(); n != 0 {
		t.Errorf("fired %d more digests of the same hour", n)
	}
	s.now = monday.Add(2 * time.Hour)
	if n := s.fire(); n != 1 || s.deliveries() != 2 {
		t.Errorf("fired %d", n)
	}
}

// A rule whose row cannot be read keeps no other from firing.
func TestFire_aDamagedRowStopsNoOther(t *testing.T) {
	s := newServing(t, remembering, nil)
	s.comes("e1", "u1", "")
	s.comes("e2", "u2", "")
	s.now = s.now.Add(time.Hour)
	due := s.due()
	due[0].Data = []byte("{")
	if n, err := s.Fire(t.Context(), due); n != 1 || err != nil {
		t.Errorf("fired %d, %v", n, err)
	}
}

// What is looked up when a wait is due is what was learnt since its start.
func TestFire_looksUpWhatIsKnownNow(t *testing.T) {
	s := newServing(t, "- {name: r, on: user.provisioned, wait: {after: 1h, per: data.userId, still: user.active}, do: [{action: note, text: x}]}\n", nil)
	projection, err := people.OpenProjection(t.Context(), s.db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a := &App{people: projection}
	s.Known = a.facts
	s.Learn = a.people.Learn
	s.request("e1", "1", `{"event":"user.provisioned","data":{"userId":"u1"}}`)
	s.now = s.now.Add(30 * time.Minute)
	s.request("e2", "2", `{"event":"user.deprovisioned","data":{"userId":"u1"}}`)
	s.now = s.now.Add(time.Hour)
	if s.fire() != 1 || s.deliveries() != 0 {
		t.Errorf("%d deliveries for someone who has left", s.deliveries())
	}
}

func TestUnmute_listsWhatWasMissed(t *testing.T) {
	s := newServing(t, remembering+"- {name: plain, on: quiz.submitted, do: [{action: note, text: plain}]}\n", nil)
	service := admin.New(admin.Options{
		Store: s.db, Rules: func() *engine.RuleSet { return s.rules }, Now: func() time.Time { return s.now },
		RuleSet: func(context.Context, string) (*engine.RuleSet, error) { return s.rules, nil },
		Log:     slog.New(slog.DiscardHandler),
	})
	for _, rule := range []string{"plain", "wait"} {
		if _, err := service.Mute(t.Context(), rule, "", "maintenance", 2*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	s.comes("e1", "u1", "")
	s.now = s.now.Add(time.Hour)
	s.fire()
	for _, rule := range []string{"plain", "wait"} {
		ended, err := service.Unmute(t.Context(), rule, "")
		if err != nil || len(ended.Mutes) != 1 || len(ended.Missed) != 1 || ended.Missed[0].Rule != rule {
			t.Errorf("%s: %+v, %v", rule, ended, err)
		}
	}
	sent := s.deliveries()
	s.comes("e2", "u2", "")
	if n := s.deliveries() - sent; n != 2 { // plain and throttle
		t.Errorf("%d deliveries after the mute", n)
	}
}

// A key of several parts is read as people write it.
func TestMute_readsKeysAsTheyAreWritten(t *testing.T) {
	s := newServing(t, "- {name: r, on: quiz.submitted, throttle: {at_most: 9, every: day, per: [data.userId, data.quizId]}, do: [{action: note, text: x}]}\n", nil)
	service := admin.New(admin.Options{
		Store: s.db, Rules: func() *engine.RuleSet { return s.rules }, Now: func() time.Time { return s.now },
		RuleSet: func(context.Context, string) (*engine.RuleSet, error) { return s.rules, nil },
		Log:     slog.New(slog.DiscardHandler),
	})
	if _, err := service.Mute(t.Context(), "r", `[ "u1", "R&D" ]`, "maintenance", 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	s.comes("e1", "u1", `,"quizId":"R&D"`)
	s.comes("e2", "u1", `,"quizId":"q1"`)
	if n := s.deliveries(); n != 1 {
		t.Errorf("%d deliveries", n)
	}
	if _, err := service.Unmute(t.Context(), "r", `["u1","R&D"]`); err != nil {
		t.Error(err)
	}
}

// The event types that the subscription needs include those of unless.
func TestNeededEvents_haveThoseOfUnless(t *testing.T) {
	s := newServing(t, "- {name: r, on: user.provisioned, wait: {after: 1h, per: data.userId, unless: {on: course.completed}}, do: [{action: note, text: x}]}\n", nil)
	want := map[string]string{"user.provisioned": "r", "course.completed": "r"}
	if diff := cmp.Diff(want, NeededEvents(s.rules)); diff != "" {
		t.Error(diff)
	}
}

// A firing is stored as an event of its own, of which nobody learns anything.
func TestFire_storesATimedEvent(t *testing.T) {
	s := newServing(t, remembering, nil)
	s.Learn = func(_ context.Context, e *record.Event, learnt *event.Event) {
		if e.Status == record.Timed && learnt != nil {
			t.Errorf("learnt from %s", e.ID)
		}
	}
	s.comes("e1", "u1", "")
	s.now = s.now.Add(time.Hour)
	s.fire()
	timed, err := s.db.Events(t.Context(), record.EventFilter{Status: record.Timed, Limit: 10})
	if err != nil || len(timed) != 1 || timed[0].Type != event.TimedType || timed[0].Decisions[0].Effects[0].By != "e1" {
		t.Errorf("%+v, %v", timed, err)
	}
}
