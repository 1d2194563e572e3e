package storetest

import (
	"testing"
	"time"

	"heed/engine/state"
)

func testMutes(t *testing.T, s Store) {
	m, err := s.AddMute(t.Context(), state.Mute{Rule: "r", Key: "u1", Reason: "why", From: t0, Until: t0.Add(time.Hour)})
	if err != nil || m.ID == 0 {
		t.Fatal(m, err)
	}
	for after, want := range map[time.Duration]bool{-1: false, 0: true, time.Hour - time.Microsecond: true, time.Hour: false} {
		at := t0.Add(after)
		if _, muted := s.Muted("r", "u1", at); muted != want {
			t.Errorf("at %s: muted is %v", after, muted)
		}
		change(t, s, after.String(), func(rows state.Rows) {
			if got, muted := rows.Mute("r", "u1", at); muted != want || muted && got.Reason != "why" {
				t.Errorf("at %s: muted is %v in a transaction", after, muted)
			}
			if _, muted := rows.Mute("r", "u2", at); muted {
				t.Error("another key is muted")
			}
			if _, muted := rows.Mute("r2", "u1", at); muted {
				t.Error("another rule is muted")
			}
		})
	}
}

func testMutesEnd(t *testing.T, s Store) {
	for _, m := range []state.Mute{
		{Rule: "r", Key: "u1", From: t0, Until: t0.Add(time.Hour)},
		{Rule: "r", From: t0, Until: t0.Add(time.Hour)},
		{Rule: "r", Reason: "over", From: t0.Add(-time.Hour), Until: t0},
		{Rule: "r2", From: t0, Until: t0.Add(time.Hour)},
	} {
		if _, err := s.AddMute(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	now := t0.Add(time.Minute)
	if ended, err := s.EndMutes(t.Context(), "r", "u1", now); err != nil || len(ended) != 1 || !ended[0].Until.Equal(now) {
		t.Errorf("%v, %v", ended, err)
	}
	if _, muted := s.Muted("r", "u1", now); !muted {
		t.Error("the mute of the whole rule does not hold any more")
	}
	if err := s.RenameMutes(t.Context(), "r", "new"); err != nil {
		t.Fatal(err)
	}
	if _, muted := s.Muted("new", "u9", now); !muted {
		t.Error("the renamed rule is not muted")
	}
	if ended, err := s.EndMutes(t.Context(), "new", "", now); err != nil || len(ended) != 1 {
		t.Errorf("%v, %v", ended, err)
	}
	if _, muted := s.Muted("new", "u1", now); muted {
		t.Error("it is muted still: the end is exclusive")
	}
	mutes, err := s.Mutes(t.Context())
	if err != nil || len(mutes) != 4 || mutes[0].Rule != "r2" || mutes[3].Rule != "new" {
		t.Errorf("%v, %v", mutes, err)
	}
}
