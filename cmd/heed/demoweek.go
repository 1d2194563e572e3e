package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"heed/actions/delivery"
	"heed/engine/record"
	"heed/internal/app"
)

// The week before the demo: invented people, who learn, and what came of it. It is
// the same each time, but for the dates, and fills every page of the console.

// demoPeople are in teams; whoever has a low skill fails quizzes.
var demoPeople = []struct {
	id, email, team string
	skill           int
}{
	{"u-5001", "ana.silva@example.com", "emea-west", 88},
	{"u-5002", "ben.okafor@example.com", "emea-west", 64},
	{"u-5003", "chloe.martin@example.com", "emea-west", 79},
	{"u-5004", "dev.patel@example.com", "apac", 93},
	{"u-5005", "ella.rossi@example.com", "emea-south", 58},
	{"u-5006", "farid.haddad@example.com", "emea-south", 72},
	{"u-5007", "grace.kim@example.com", "apac", 85},
	{"u-5008", "hugo.lopez@example.com", "emea-south", 67},
	{"u-5009", "ines.weber@example.com", "emea-west", 91},
	{"u-5010", "jon.berg@example.com", "apac", 54},
	{"u-5011", "kemi.ade@example.com", "emea-south", 76},
	{"u-5012", "leo.tanaka@example.com", "apac", 81},
	{"u-5013", "mia.novak@example.com", "emea-west", 70},
	{"u-5014", "nils.holm@example.com", "apac", 62},
}

var (
	demoModules = [][2]string{
		{"m-77", "Pricing basics"},
		{"m-78", "Discovery calls"},
		{"m-79", "Handling objections"},
		{"m-80", "Negotiation"},
	}
	demoQuizzes = [][2]string{{"q-11", "Pricing"}, {"q-12", "Discovery"}, {"q-13", "Objections"}}
)

// week invents events from 20 days before a time to two hours before it.
func week(now time.Time) (past []app.Past) {
	random := rand.New(rand.NewPCG(7, 11)) // the same each time
	add := func(at time.Time, event, fields string, args ...any) {
		if at.Before(now.Add(-2 * time.Hour)) {
			past = append(past, app.Past{At: at, Body: fmt.Appendf(nil,
				`{"event":%q,"companyId":"acme","data":{%s}}`, event, fmt.Sprintf(fields, args...))})
		}
	}
	day := func(n int) time.Time { return now.Add(-time.Duration(n)*24*time.Hour - 3*time.Hour) }
	within := func(start time.Time) time.Time { return start.Add(time.Duration(random.IntN(10*60)) * time.Minute) }
	for i, p := range demoPeople {
		at := within(day(20))
		add(at, "user.provisioned", `"userId":%q,"email":%q,"role":"Account Executive","teamId":%q`, p.id, p.email,
			p.team)
		for k, m := range demoModules[:2] {
			add(within(day(18-k)), "module.progress",
				`"userId":%q,"moduleId":%q,"moduleName":%q,"progressPct":%d,"timeSpentSec":%d`,
				p.id, m[0], m[1], 40+random.IntN(60), 600+random.IntN(2400))
		}
		if i%5 == 4 {
			continue // who has not done anything since
		}
		for d := 6; d >= 0; d-- {
			demoDay(add, within, random, day(d), i)
		}
	}
	add(day(2), "certification.expired",
		`"userId":"u-5003","certName":"Product Expert","expiredAt":%q,"renewalDeadline":%q`,
		day(2).Format(time.DateOnly), now.AddDate(0, 2, 0).Format(time.DateOnly))
	add(day(1), "user.deprovisioned", `"userId":"u-5013","email":"mia.novak@example.com","reason":"left"`)
	slices.SortStableFunc(past, func(a, b app.Past) int { return a.At.Compare(b.At) })
	return past
}

// demoDay returns what one person does on one day.
func demoDay(
	add func(time.Time, string, string, ...any), within func(time.Time) time.Time, random *rand.Rand, start time.Time,
	person int,
) {
	p := demoPeople[person]
	m := demoModules[random.IntN(len(demoModules))]
	progress := min(100, 30+random.IntN(110))
	add(within(start), "module.progress", `"userId":%q,"moduleId":%q,"moduleName":%q,"progressPct":%d,"timeSpentSec":%d`,
		p.id, m[0], m[1], progress, 900+random.IntN(3000))
	q := demoQuizzes[random.IntN(len(demoQuizzes))]
	score := min(100, max(15, p.skill-20+random.IntN(40)))
	if random.IntN(9) == 0 { // a practice quiz has no score
		add(within(start), "quiz.submitted", `"userId":%q,"quizId":%q,"quizName":%q,"quizType":"practice"`, p.id, q[0],
			q[1])
	} else {
		add(within(start), "quiz.submitted",
			`"userId":%q,"quizId":%q,"quizName":%q,"quizType":"graded","score":%d,"maxScore":100,"passed":%v`,
			p.id, q[0], q[1], score, score >= 70)
	}
	if progress == 100 && random.IntN(2) == 0 {
		at := within(start)
		add(at, "course.completed",
			`"userId":%q,"courseId":"c-310","courseName":"Selling with stories","score":%d,"completedAt":%q`,
			p.id, score, at.UTC().Format(time.RFC3339))
	}
}

// demoEnd returns how an attempt of the past ended: most arrived, and the learning
// management system no longer knows some people.
func demoEnd(d *record.Delivery) delivery.End {
	n := 0
	for _, c := range d.EventID {
		n += int(c)
	}
	switch {
	case d.Action == "lms" && n%2 == 0:
		return app.Refused("the endpoint answered 404 Not Found: no such user u-50" + fmt.Sprintf("%02d", n%12+1))
	case d.Action == "salesforce" && n%3 == 0:
		return app.Refused("the endpoint answered 401 Unauthorized: Session expired or invalid")
	case strings.HasPrefix(d.Action, "coach") && n%29 == 0:
		return app.Refused("Slack: channel_not_found")
	default:
		return app.Arrived()
	}
}

// fillWeek lets the week before have been.
func (d *demonstration) fillWeek(ctx context.Context) error {
	return d.app.Rehearse(ctx, week(time.Now()), demoEnd)
}
