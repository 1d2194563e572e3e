package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heed/engine/event"
)

func TestProgress_countsByTeamAndFindsWhoStalled(t *testing.T) {
	d := New()
	now := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	learn := func(at time.Time, format string, args ...any) {
		t.Helper()
		e, err := event.Decode(fmt.Appendf(nil, format, args...))
		if err != nil {
			t.Fatal(err)
		}
		d.Learn(&e, at)
	}
	for i, team := range []string{"a", "a", "b"} {
		learn(now.Add(-720*time.Hour), `{"event":"user.provisioned","data":{"userId":"u%d","email":"p%d@example.com","teamId":%q}}`, i, i, team)
		learn(now.Add(-time.Duration(i)*240*time.Hour), `{"event":"module.progress","data":{"userId":"u%d","moduleId":"m1","moduleName":"One","progressPct":%d}}`,
			i, []int{100, 50, 30}[i])
	}
	learn(now, `{"event":"quiz.submitted","data":{"userId":"u0","quizId":"q1","score":95,"passed":true}}`)
	learn(now, `{"event":"user.provisioned","data":{"userId":"gone","teamId":"a"}}`)
	learn(now.Add(time.Second), `{"event":"user.deprovisioned","data":{"userId":"gone"}}`)
	got := d.Progress(ProgressQuery{StalledBefore: now.Add(-14 * 24 * time.Hour)})
	mean := 95.0
	want := Progress{
		People: 3, Teams: []TeamSize{{"a", 2}, {"b", 1}},
		Items: []ItemProgress{
			{Kind: "module", ID: "m1", Name: "One", Begun: 3, Completed: 1, Teams: []TeamProgress{{"a", 2, 1}, {"b", 1, 0}}},
			{Kind: "quiz", ID: "q1", Begun: 1, Completed: 1, MeanScore: &mean, Teams: []TeamProgress{{"a", 1, 1}}},
		},
		Scores:  [10]int{9: 1},
		Stalled: []StalledPerson{{ID: "u2", Email: "p2@example.com", Team: "b", Open: 1, LastAt: now.Add(-480 * time.Hour)}}, StalledCount: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	of := d.Progress(ProgressQuery{Team: "b", StalledBefore: now})
	if of.People != 1 || len(of.Items) != 1 || len(of.Teams) != 2 {
		t.Errorf("of one team: %+v", of)
	}
}
