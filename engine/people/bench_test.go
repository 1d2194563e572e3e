package people

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"heed/engine/event"
)

// crowd is a directory of many people, each with progress in some modules and
// quizzes, no two alike.
func crowd(people, rowsEach int) *Directory {
	d := New()
	for i := range people {
		user := fmt.Sprintf("user-%07d", i)
		d.Learn(&event.Event{Type: "user.provisioned", Data: map[string]any{
			"userId": user, "email": fmt.Sprintf("person.%d@example.com", i), "role": fmt.Sprint("role-", i%7), "teamId": fmt.Sprint("team-", i%200),
		}}, t0)
		for n := range rowsEach {
			e := &event.Event{Type: "module.progress", Data: map[string]any{
				"userId": user, "moduleId": fmt.Sprint("module-", (i+n*37)%1000), "moduleName": "A module", "progressPct": (i*7 + n*13) % 101, "timeSpentSec": i % 9973 * n,
			}}
			if n%2 == 1 {
				e = &event.Event{Type: "quiz.submitted", Data: map[string]any{
					"userId": user, "quizId": fmt.Sprint("quiz-", (i+n*37)%1000), "quizName": "A quiz", "score": float64(i%1009) / 10, "passed": i%3 > 0,
				}}
			}
			d.Learn(e, t0.Add(time.Duration(n)*time.Hour))
		}
	}
	return d
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkDirectoryMemory says what a person costs, and what a row of progress
// does, in a directory of 100,000 people and 1,000,000 rows.
func BenchmarkDirectoryMemory(b *testing.B) {
	const people, rowsEach = 100_000, 10
	for b.Loop() {
		empty := heap()
		d := crowd(people, 0)
		alone := heap() - empty
		runtime.KeepAlive(d)
		d = nil
		empty = heap()
		d = crowd(people, rowsEach)
		all := heap() - empty
		runtime.KeepAlive(d)
		b.ReportMetric(float64(alone)/people, "B/person")
		b.ReportMetric(float64(all-alone)/(people*rowsEach), "B/row")
		b.ReportMetric(float64(all)/(1<<20), "MiB")
	}
}

// BenchmarkDirectory asks and tells a directory of 100,000 people.
func BenchmarkDirectory(b *testing.B) {
	d := crowd(100_000, 4)
	other := &event.Event{Type: "quiz.submitted", Data: map[string]any{"userId": "user-0000001", "quizId": "quiz-1", "score": 5}}
	ask := func(name string, do func(i int)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				do(i)
			}
		})
	}
	users := make([]string, 100_000)
	for i := range users {
		users[i] = fmt.Sprintf("user-%07d", i)
	}
	user := func(i int) string { return users[i*7919%len(users)] }
	ask("person", func(i int) { d.Person(user(i)) })
	ask("as-person", func(i int) { d.As(other, t0).Person(user(i)) })
	ask("as-progress", func(i int) { d.As(other, t0).Progress(user(i), "module-1") })
	ask("as-rank", func(i int) { d.As(other, t0).Rank(user(i), ByScore) })
	ask("learn", func(i int) {
		e := event.Event{Type: "module.progress", Data: map[string]any{"userId": user(i), "moduleId": "module-1", "progressPct": i % 101, "timeSpentSec": i}}
		d.Learn(&e, t0)
	})
}

// BenchmarkLeaderboard asks for the best twenty over 1,000,000 rows: each of
// another person and item.
func BenchmarkLeaderboard(b *testing.B) {
	d := crowd(100_000, 10)
	for name, q := range map[string]Query{
		"all":    {By: ByProgress, Limit: 20},
		"team":   {By: ByScore, Team: "team-7", Limit: 20},
		"module": {By: ByProgress, Module: "module-500", Limit: 20},
		"since":  {By: ByTime, Since: t0.Add(5 * time.Hour), Limit: 20},
		"whole":  {By: ByCompletions, Since: t0.Add(time.Hour)},
	} {
		b.Run(name, func(b *testing.B) {
			var longest time.Duration
			for b.Loop() {
				start := time.Now()
				if list := d.Leaderboard(q); len(list) == 0 {
					b.Fatal("nobody")
				}
				longest = max(longest, time.Since(start))
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
		})
	}
}
