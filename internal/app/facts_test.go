package app

import (
	"fmt"
	"testing"
	"time"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
)

// BenchmarkFacts decides an event by a rule that asks for nothing beyond it, and
// by rules that ask, with 100,000 people known.
func BenchmarkFacts(b *testing.B) {
	directory := people.New()
	at := time.Now()
	for i := range 100_000 {
		e, err := event.Decode(fmt.Appendf(nil, `{"event":"user.provisioned","data":{"userId":"u%d","email":"u%d@example.com","role":"rep","teamId":"t%d"}}`, i, i, i%50))
		if err != nil {
			b.Fatal(err)
		}
		directory.Learn(&e, at)
		p, err := event.Decode(fmt.Appendf(nil, `{"event":"module.progress","data":{"userId":"u%d","moduleId":"m%d","progressPct":%d}}`, i, i%100, i%101))
		if err != nil {
			b.Fatal(err)
		}
		directory.Learn(&p, at)
	}
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","data":{"userId":"u77777","score":61}}`))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, when string }{
		{"event-alone", `data.score < 70`},
		{"user", `data.score < 70 and user.role == "rep"`},
		{"progress", `data.score < 70 and progress(data.userId, "m77") > 1`},
		{"rank", `data.score < 70 and rank(data.userId, "progress") > 10`},
	} {
		condition, faults := expression.NewScope([]*event.Type{event.Standard().Lookup("quiz.submitted")}).Condition(c.when)
		if condition == nil {
			b.Fatal(faults)
		}
		set := engine.NewRuleSet("h", event.Standard(), nil, []*engine.Rule{{Name: "r", On: []string{"quiz.submitted"}, Condition: condition}})
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := set.Evaluate(&e, at, &expression.LookupLog{Resolver: facts{directory.As(&e, at)}}); len(d) != 1 || d[0].Outcome == engine.Unknown {
					b.Fatal(d)
				}
			}
		})
	}
}
