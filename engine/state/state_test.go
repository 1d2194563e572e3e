package state

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"heed/engine/record"
)

var t0 = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func clockAt(after time.Duration) Clock { return Clock{Now: t0.Add(after), MaxAge: 8 * time.Hour} }

// input is an event whose own time is some time after t0.
func input(kind Kind, id string, at time.Duration) Input {
	return Input{Kind: kind, Key: "u1", Event: Mark{At: t0.Add(at).UnixMicro(), Seq: 1, ID: id}}
}

func waiting(after time.Duration) *Settings {
	return &Settings{Rule: "r", Location: time.UTC, Wait: &Wait{Steps: []Step{{Offset: after}}}}
}

// last is the last effect of a fold.
func last(r Result) string {
	if len(r.Effects) == 0 {
		return ""
	}
	return r.Effects[len(r.Effects)-1].Effect
}

// Every unless event of a key is remembered for --max-age, at most 32 of them.
func TestFold_remembersTheNewest32Cancels(t *testing.T) {
	for cancels, want := range map[int]string{32: record.Cleared, 33: record.Waiting} {
		s, rows := waiting(48*time.Hour), NewMemory()
		for i := range cancels {
			s.Fold(rows, input(Cancel, fmt.Sprint("c", i), time.Duration(i)*time.Minute), clockAt(time.Hour))
		}
		// Only the oldest is in this wait's time.
		s.Wait.Steps[0].Offset = 30 * time.Second
		if got := last(s.Fold(rows, input(Match, "e", 0), clockAt(time.Hour))); got != want {
			t.Errorf("%d cancels: %s, want %s", cancels, got, want)
		}
	}
}

func TestFold_forgetsCancelsThatAreOlderThanMaxAge(t *testing.T) {
	for now, want := range map[time.Duration]int{8 * time.Hour: 2, 8*time.Hour + time.Second: 1} {
		s, rows := waiting(48*time.Hour), NewMemory()
		s.Fold(rows, input(Cancel, "old", 0), clockAt(0))
		s.Fold(rows, input(Cancel, "new", now), clockAt(now))
		row, _ := rows.Get(Ref{s.Scope(BlockWait), "u1"})
		if n := len(decode[wait](row).Cancels); n != want {
			t.Errorf("after %s %d are remembered, want %d", now, n, want)
		}
	}
}

// State expires after its window plus --max-age.
func TestFold_stateExpiresAfterItsWindowAndMaxAge(t *testing.T) {
	for name, test := range map[string]struct {
		settings Settings
		block    string
		want     time.Duration
	}{
		"count":              {Settings{Count: &Count{AtLeast: 2, Within: time.Hour}}, BlockCount, 9 * time.Hour},
		"count with a reset": {Settings{Count: &Count{AtLeast: 2}}, BlockCount, 365 * 24 * time.Hour},
		"rolling throttle":   {Settings{Throttle: &Throttle{AtMost: 2, Within: time.Hour}}, BlockThrottle, 9 * time.Hour},
		"daily throttle":     {Settings{Throttle: &Throttle{AtMost: 2, Every: Day}}, BlockThrottle, 22 * time.Hour},
		"throttle for ever":  {Settings{Throttle: &Throttle{AtMost: 2}}, BlockThrottle, 0},
	} {
		s, rows := test.settings, NewMemory()
		s.Rule, s.Location = "r", time.UTC
		in := input(Match, "e", 0)
		in.ThrottleKey = "u1"
		s.Fold(rows, in, clockAt(0))
		row, ok := rows.Get(Ref{s.Scope(test.block), "u1"})
		want := t0.Add(test.want)
		if test.want == 0 {
			want = time.Time{}
		}
		if !ok || !row.Expires.Equal(want) || !row.Due.IsZero() {
			t.Errorf("%s: expires %s, want %s", name, row.Expires, want)
		}
	}
}

// A key has at most 2N members, and an event that completes a count with the
// oldest of them fires it before they are dropped.
func TestFold_keepsAtMost2NMembersAndFiresBeforeItDropsThem(t *testing.T) {
	s := &Settings{Rule: "r", Location: time.UTC, Count: &Count{AtLeast: 3, Within: time.Hour}}
	rows := NewMemory()
	for i := range 20 { // pairs which are too far apart
		at := time.Duration(i/2)*61*time.Minute + time.Duration(i%2)*time.Minute
		s.Fold(rows, input(Match, fmt.Sprint("e", i), at), clockAt(at))
	}
	row, _ := rows.Get(Ref{s.Scope(BlockCount), "u1"})
	data := decode[count](row)
	if len(data.Members) != 6 {
		t.Errorf("%d members", len(data.Members))
	}
	late := input(Match, "late", 0)
	late.Event.At = data.Members[0].At - 1
	s.Fold(rows, late, clockAt(10*time.Hour))
	row, _ = rows.Get(row.Ref)
	if fired := decode[count](row).Firings; len(fired) != 1 || fired[0].By != "late" {
		t.Errorf("firings %+v", fired)
	}
}

// The largest rows stay small: they are written with each event of their key.
func TestFold_rowsStaySmall(t *testing.T) {
	long := func(i int) string { return fmt.Sprintf("%0100d", i) }
	for name, s := range map[string]*Settings{
		"count": {Count: &Count{AtLeast: 100, Within: time.Minute}}, "wait": waiting(time.Hour),
		"throttle": {Throttle: &Throttle{AtMost: 1000, Within: time.Hour, Rest: true}},
		"overflow": {Throttle: &Throttle{AtMost: 1000, Within: time.Hour}, Limits: Limits{ThrottleKeys: -1}},
	} {
		s.Rule, s.Location = "r", time.UTC
		rows := NewMemory()
		for i := range 1200 {
			in := input(Match, long(i), time.Duration(i)*time.Second)
			if i%2 == 0 && s.Wait != nil {
				in.Kind = Cancel
			}
			s.Fold(rows, in, clockAt(time.Duration(i)*time.Second))
		}
		for _, row := range rows.All() {
			if len(row.Data) > 200_000 {
				t.Errorf("%s: a row has %d bytes", name, len(row.Data))
			}
		}
	}
}

func TestCanonicalKeys(t *testing.T) {
	for text, want := range map[string]string{
		"u1": "u1", "": "", `["u1","q1"]`: `["u1","q1"]`, `[ "u1", "R\u0026D" ]`: `["u1","R&D"]`, `["u1"]`: `["u1"]`, "[u1": "[u1",
		`["u1",3, true]`: `["u1","3","true"]`, `["u1",null]`: `["u1",null]`, `["u1",["q1"]]`: `["u1",["q1"]]`,
	} {
		if got := ParseKey(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if key := JoinKey("a", "<b>"); key != `["a","<b>"]` || !json.Valid([]byte(key)) {
		t.Error(key)
	}
}

// Each time of day of two years is found once on each day, in zones of all kinds.
func TestPeriod_nextAndLastAgree(t *testing.T) {
	for _, name := range []string{"Asia/Kolkata", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"} {
		in, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []Period{Day, Weekday, Week, Month, "sunday"} {
			for _, at := range []ClockTime{{0, 0}, {2, 30}, {9, 0}, {23, 59}} {
				for now := t0; now.Before(t0.AddDate(1, 0, 0)); {
					next := p.next(now, at, in)
					if !next.After(now) || !p.last(next, at, in).Equal(next) || p.last(next.Add(-1), at, in).After(now) {
						t.Fatalf("%s %s %v: after %s comes %s", name, p, at, now, next)
					}
					now = next
				}
			}
		}
	}
}

// Quiet hours end when they do, whatever the time is within them.
func TestQuiet_untilIsTheSameWithinThem(t *testing.T) {
	in, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	q := &Quiet{Spans: []Span{{From: ClockTime{20, 0}, To: ClockTime{8, 0}}, {Days: []time.Weekday{time.Saturday, time.Sunday}}}}
	for now := t0; now.Before(t0.AddDate(1, 0, 0)); now = now.Add(17 * time.Minute) {
		until, quiet := q.Until(now, in)
		hour, weekend := now.In(in).Hour(), now.In(in).Weekday() == time.Saturday || now.In(in).Weekday() == time.Sunday
		if want := weekend || hour >= 20 || hour < 8; quiet != want {
			t.Fatalf("%s: quiet is %v", now, quiet)
		}
		if !quiet {
			continue
		}
		if again, _ := q.Until(until.Add(-time.Second), in); !again.Equal(until) {
			t.Fatalf("%s: until %s, and then until %s", now, until, again)
		}
		if _, quiet := q.Until(until, in); quiet {
			t.Fatalf("%s: it is quiet still at %s", now, until)
		}
	}
}

// renamed are rows that have moved to a rule's new name.
type renamed struct {
	*Memory
	to string
}

func (r renamed) Get(ref Ref) (Row, bool) {
	row, ok := r.Memory.Get(ref)
	row.Scope.Rule = r.to
	return row, ok
}

// A firing that was read before its rule was renamed does not hold any more: what
// belongs to the row, such as the items of a digest, was looked for under the old
// name.
func TestFire_doesNotHoldOnceTheRuleIsRenamed(t *testing.T) {
	s, rows := waiting(time.Hour), NewMemory()
	s.Fold(rows, input(Match, "e", 0), clockAt(0))
	row, _ := rows.Get(Ref{s.Scope(BlockWait), "u1"})
	f, due := s.Next(row, clockAt(2*time.Hour))
	if !due {
		t.Fatal("the wait is not due")
	}
	if _, holds := s.Fire(renamed{rows, "other"}, f, Alert{}, clockAt(2*time.Hour)); holds {
		t.Error("it fired under the old name")
	}
	if r, holds := s.Fire(rows, f, Alert{}, clockAt(2*time.Hour)); !holds || !r.Send {
		t.Error("it did not fire under its own name")
	}
}
