package rulefile_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"heed/engine/rulefile"
)

// hostileTexts are rule files of n parts, each of which needs a look at what was
// declared, or at the line that it stands in.
var hostileTexts = map[string]func(n int) string{
	"declared types": func(n int) string {
		return "events: {" + parts(n,
			"a%d: {fields: {userId: string}}") + "}\nrules: [{name: r, on: a0, do: [{action: c, text: x}]}]\n"
	},
	"types of a rule": func(n int) string {
		return "events: {" + parts(n, "a%d: {fields: {userId: string}}") + "}\nrules:\n  - name: r\n    on: [" + parts(n, "a%d") +
			"]\n    do: [{action: c, text: x}]\n"
	},
	"types that nobody declared": func(n int) string {
		return "events: {" + parts(min(n, 1000), "a%d: {}") + "}\nrules:\n  - name: r\n    on: [" + parts(n, "beta%d") +
			"]\n    do: [{action: c, text: x}]\n"
	},
	"wildcards": func(n int) string {
		return "events: {" + parts(min(n, 1000), "a%d: {}") + "}\nrules: [" +
			parts(n, "{name: r%d, on: 'a*', do: [{action: c, text: x}]}") + "]\n"
	},
	"fields": func(n int) string {
		return "events: {a: {fields: {" + parts(n, "f%d: string") + "}}}\nrules: [{name: r, on: a, do: [{action: c, text: '" +
			parts(n, "{{ data.f%d }}") + "'}]}]\n"
	},
	"fields that there are not": func(n int) string {
		return "events: {a: {fields: {" + parts(n, "f%d: string") + "}}}\nrules: [{name: r, on: a, do: [{action: c, text: '" +
			parts(n, "{{ data.g%d }}") + "'}]}]\n"
	},
	"rules on a line": func(n int) string {
		return "rules: [" + parts(n, "{name: r%d, on: quiz.submitted, do: [{action: c, text: x}]}") + "]\n"
	},
	"templates on a line": func(n int) string {
		return "rules: [{name: r, on: quiz.submitted, do: [{action: c, text: '" + parts(n, "{{ x%d }}") + "'}]}]\n"
	},
	"broken templates on a line": func(n int) string {
		return "rules: [{name: r, on: quiz.submitted, do: [" + parts(n, "{action: c, text: '{{ x%d'}") + "]}]\n"
	},
	"actions that there are not": func(n int) string {
		return "rules: [" + parts(n, "{name: r%[1]d, on: quiz.submitted, do: [{action: d%[1]d, text: x}]}") + "]\n"
	},
	"tests of rules that there are not": func(n int) string {
		return "rules: [" + parts(n, "{name: r%d, on: quiz.submitted, do: [{action: c, text: x}]}") + "]\n" + inTestFile + "tests: [" +
			parts(n, "{name: t%[1]d, rule: x%[1]d, given: {event: quiz.submitted}, expect: {outcome: matched}}") + "]\n"
	},
}

func parts(n int, format string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ", ")
}

// inTestFile stands before what belongs to a file of tests.
const inTestFile = "#tests\n"

func hostileFile(text string) rulefile.Snapshot {
	text, tests, _ := strings.Cut("actions: {c: {log: {}}}\n"+text, inTestFile)
	return rulefile.NewSnapshot([]rulefile.File{
		{Name: "rules.yaml", Text: []byte(text)}, {Name: "rules_test.yaml", Text: []byte(tests)},
	})
}

// Memory is counted and not time: what copies all that was declared, or a whole line,
// for each part of a text takes sixteen times as much for four times the text.
func TestCompile_takesMemoryThatGrowsWithTheTextAlone(t *testing.T) {
	taken := func(text string) uint64 {
		s, c := hostileFile(text), compiler()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c.Compile(s)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for name, text := range hostileTexts {
		if few, many := taken(text(1500)), taken(text(6000)); many > 7*few {
			t.Errorf("%s: %d KiB for 1500, and %d KiB for 6000", name, few>>10, many>>10)
		}
	}
}

// BenchmarkCompile_hostile compiles the largest file of each kind. None may take
// longer than five seconds.
func BenchmarkCompile_hostile(b *testing.B) {
	for name, text := range hostileTexts {
		size := 1 << 16
		for len(text(size)) > rulefileBytes {
			size = size * 9 / 10
		}
		s := hostileFile(text(size))
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				compiler().Compile(s)
			}
		})
	}
}

const rulefileBytes = 1<<20 - 100

func TestCompile_refusesMoreTypesAndFieldsThanRulesCanBeCheckedAgainst(t *testing.T) {
	const rules = "\nactions: {c: {log: {}}}\nrules: [{name: r, on: a0, do: [{action: c, text: x}]}]\n"
	half := parts(5000, "f%d: string")
	for text, refused := range map[string]bool{
		"events: {" + parts(1000, "a%d: {}") + "}":                                              false,
		"events: {" + parts(1001, "a%d: {}") + "}":                                              true,
		"events: {a0: {fields: {" + parts(10_000, "f%d: string") + "}}}":                        false,
		"events: {a0: {fields: {" + half + "}}, a1: {fields: {" + half + ", onemore: string}}}": true,
	} {
		loaded, problems := compile(text + rules)
		if got := loaded == nil; got != refused {
			t.Errorf("%.60s… is refused: %v\n%s", text, got, lines(problems))
		}
		if refused && (len(problems) != 1 || problems[0].Code != "too-many-events" || problems[0].Line != 1) {
			t.Errorf("%.60s…\n%s", text, lines(problems))
		}
		// What was in use once must stay readable.
		files := []rulefile.File{{Name: "rules.yaml", Text: []byte(text + rules)}}
		if loaded, problems := compiler().Compile(rulefile.RecordedSnapshot(files, "hash")); loaded == nil {
			t.Errorf("recorded: %s", lines(problems))
		}
	}
}
