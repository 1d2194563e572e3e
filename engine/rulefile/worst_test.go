package rulefile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
	"heed/engine/rulefile"
)

// What a hostile event of the largest size can hold, by name.
func hugeEvents(t testing.TB) map[string]*event.Event {
	t.Helper()
	const most = 1<<20 - 300
	list := func(item string) string {
		return `{"free":[` + strings.Repeat(item+",", most/(len(item)+1)-1) + item + `],"quizName":"x"}`
	}
	var keys strings.Builder
	for i := range 90_000 {
		fmt.Fprintf(&keys, `"%d":1,`, i)
	}
	events := map[string]*event.Event{}
	for name, data := range map[string]string{
		"text":    `{"quizName":"` + strings.Repeat("x", most) + `"}`,
		"texts":   `{"quizName":"` + strings.Repeat("ab", most/4) + `","free":"` + strings.Repeat("ab", most/4) + `"}`,
		"markup":  `{"quizName":"` + strings.Repeat("<*_", most/3) + `"}`,
		"control": `{"quizName":"` + strings.Repeat(`\u0001`, most/6) + `"}`,
		"numbers": list("1"),
		"words":   list(`"ab"`),
		"objects": list(`{"a":[1]}`),
		"lists":   list(`[[[[]]]]`),
		"keys":    `{"free":{` + keys.String() + `"x":1}}`,
	} {
		e, err := event.Decode([]byte(`{"event":"quiz.submitted","companyId":"c","data":` + data + `}`))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e.ID, e.ReceivedAt = "e1", time.Now()
		events[name] = &e
	}
	return events
}

// What a rule that heed check takes can ask for, by name.
func greedyRules(t testing.TB) map[string]*rulefile.Loaded {
	t.Helper()
	chain := func(part, operator string) string {
		return part + strings.Repeat(" "+operator+" "+part, 140)
	}
	holes := func(hole string) string { return strings.Repeat("{{ "+hole+" }}", 5000) }
	rule := func(when, step string) string {
		return "events: {quiz.submitted: {fields: {free: any}}}\nactions:\n  console: {log: {}}\n  slack: {slack: {token: {env: T}, channel: c}}\n  http: {http: {url: https://a.example.com}}\n  mail: {email: {smtp: smtp://a.example.com, from: a@example.com}}\n" +
			"rules:\n  - name: greedy\n    on: quiz.submitted\n    when: " + strings.ReplaceAll(fmt.Sprintf("%q", when), `\\`, `\\`) + "\n    do: [{" + step + "}]\n"
	}
	const say = "action: console, text: hi"
	loaded := map[string]*rulefile.Loaded{}
	for name, text := range map[string]string{
		"matches":     rule(chain(`data.quizName matches "(a?){50}b"`, "or"), say),
		"contains":    rule(chain(`data.quizName contains data.free`, "or"), say),
		"replace":     rule(`len(replace(data.quizName, "x", data.quizName)) > 0`, say),
		"upper":       rule(chain(`upper(data.quizName) == "a"`, "or"), say),
		"split":       rule(chain(`len(split(data.quizName, "x")) == 1`, "or"), say),
		"uniq":        rule(`len(uniq(data.free)) == 1`, say),
		"sort":        rule(chain(`len(sort(data.free)) == 1`, "or"), say),
		"sortBy":      rule(chain(`len(sortBy(data.free, # ?? 1)) == -1`, "or"), say),
		"any":         rule(chain(`any(data.free, # == "b" or # == 2 or # == "c")`, "or"), say),
		"map":         rule(chain(`len(map(data.free, [#, #, #])) == -1`, "or"), say),
		"flatten":     rule(`let a = [data.free, data.free, data.free, data.free]; let b = [a, a, a, a, a, a, a, a]; len(flatten(b)) < 0`, say),
		"toJSON":      rule(chain(`len(toJSON(data.free)) == 1`, "or"), say),
		"fromJSON":    rule(chain(`fromJSON(data.quizName) == 1`, "or"), say),
		"keys":        rule(chain(`len(keys(data.free)) == 1`, "or"), say),
		"equal":       rule(chain(`data.free == data.free && false`, "or"), say),
		"concat":      rule(chain(`len(concat(data.free, data.free, data.free)) == -1`, "or"), say),
		"range":       rule(`any(1..1000000, # == -1)`, say),
		"log":         rule("true", "action: console, text: '"+holes("data")+"'"),
		"slack text":  rule("true", "action: slack, text: '"+holes("data.quizName")+"'"),
		"slack list":  rule("true", "action: slack, text: '"+holes("data.free")+"'"),
		"blocks":      rule("true", "action: slack, blocks: [{type: section, text: {type: mrkdwn, text: '"+holes("data.quizName")+"'}}]"),
		"json":        rule("true", "action: http, json: ["+strings.Repeat("'{{ data }}', ", 5000)+"1]"),
		"form":        rule("true", "action: http, form: {a: '"+holes("data.quizName")+"'}"),
		"body":        rule("true", "action: http, body: '"+holes("toJSON(data)")+"'"),
		"html":        rule("true", "action: mail, to: a@example.com, subject: '"+holes("data.quizName")+"', html: '"+holes("data.quizName")+"'"),
		"many values": rule("true", "action: console, text: '"+holes("upper(data.quizName)")+"'"),
	} {
		l, problems := compile(text)
		if l == nil {
			t.Fatalf("%s: %s", name, lines(problems))
		}
		loaded[name] = l
	}
	return loaded
}

// No rule takes more than 64 MiB for an event, whatever the two are.
func TestGreedyRulesStayWithinTheirMemory(t *testing.T) {
	events := hugeEvents(t)
	for name, loaded := range greedyRules(t) {
		for _, shape := range []string{"objects", "markup", "keys"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			loaded.Rules.Evaluate(events[shape], events[shape].ReceivedAt, nil)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("%s on %s took %d MiB", name, shape, took>>20)
			}
		}
	}
}

// A rule that asks for too much fails alone: what stands behind it is decided
// and rendered as if it were not there.
func TestAGreedyRuleHarmsNoOther(t *testing.T) {
	greedy := strings.Repeat("{{ data.quizName }}", 50)
	loaded, problems := compile(`
actions:
  console: {log: {}}
  http: {http: {url: "https://a.example.com"}}
rules:
  - {name: path, on: quiz.submitted, do: [{action: http, path: '/` + greedy + `'}, {action: console, text: hi}]}
  - {name: text, on: quiz.submitted, do: [{action: console, text: '` + greedy + `'}]}
  - {name: modest, on: quiz.submitted, do: [{action: console, text: '{{ event }}'}]}
`)
	if loaded == nil {
		t.Fatal(lines(problems))
	}
	var got []string
	for _, d := range loaded.Rules.Evaluate(hugeEvents(t)["text"], time.Now(), nil) {
		for _, r := range d.Requests {
			got = append(got, d.Rule.Name+" "+r.Problem+string(r.Body))
		}
	}
	const why = "the rule needs more work on this event than a rule may do"
	want := []string{
		"path " + why, `path {"text":"hi","level":"info"}`, "text " + why,
		`modest {"text":"quiz.submitted","level":"info"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%.2000q", got)
	}
}

// BenchmarkGreedyRules decides the largest events by rules that ask for as
// much as they can. No rule may take longer than 100 ms, nor more than 64 MiB:
// what a rule allocates in all is more than it ever holds at once.
func BenchmarkGreedyRules(b *testing.B) {
	events := hugeEvents(b)
	for name, loaded := range greedyRules(b) {
		for shape, e := range events {
			b.Run(name+"/"+shape, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					loaded.Rules.Evaluate(e, e.ReceivedAt, nil)
				}
			})
		}
	}
}
