package main

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/internal/plain"
)

func newTest(s streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Run the tests that rules carry",
		Long: `Test runs the tests that rules carry through the engine that decides real events.
PATH is a rule file or a directory of them; rules.yaml if none is given.

Exit code 0: all pass.  1: one fails.  2: the rules cannot be read.`,
		Example: "  heed test rules.example.yaml\n  heed test -o junit rules/ > report.xml",
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{"rules.yaml"}
			}
			return test(s, paths, output)
		},
	}
	outputFlag(cmd, &output, "text", "json", "junit")
	return cmd
}

func test(s streams, paths []string, output string) error {
	var reports []ruletest.Report
	for _, path := range paths {
		loaded, err := loadRules(s, path)
		if err != nil {
			return err
		}
		reports = append(reports, ruletest.Run(loaded, time.Now())...)
	}
	failed := 0
	for i := range reports {
		if !reports[i].Passed() {
			failed++
		}
	}
	var err error
	switch output {
	case "json":
		err = testJSON(s, reports)
	case "junit":
		err = testJUnit(s, reports, failed)
	default:
		testText(s, reports, failed)
	}
	switch {
	case err != nil:
		return failure(err)
	case failed > 0:
		return quiet(exitProblems)
	default:
		return nil
	}
}

func testText(s streams, reports []ruletest.Report, failed int) {
	paint := s.style(s.out)
	for i := range reports {
		r := &reports[i]
		if r.Passed() {
			fmt.Fprintf(s.out, "%s✔%s %s: %s\n", paint.green, paint.reset, plain.Line(r.Of()),
				plain.Line(r.Name()))
			continue
		}
		fmt.Fprintf(s.out, "%s✘ %s: %s%s  %s%s:%d%s\n", paint.red, plain.Line(r.Of()),
			plain.Line(r.Name()), paint.reset,
			paint.dim, r.Place().File.Name, r.Place().Line, paint.reset)
		for _, f := range r.Failures {
			fmt.Fprintf(s.out, "    %s\n      expected  %s\n      got       %s\n", f.What,
				plain.Text(f.Expected), plain.Text(f.Got))
		}
		for _, d := range r.Decisions {
			if d.Explain != nil && len(r.Happened) == 0 {
				printTree(s.out, paint, d.Explain, "      ")
			}
		}
		printTimeline(s, paint, r)
	}
	if len(reports) == 0 {
		fmt.Fprintln(s.out, "no rule and no source carries a test; write tests: below one")
		return
	}
	fmt.Fprintf(s.out, "%s, %d failed\n", plain.Count(len(reports), "test"), failed)
}

// printTimeline shows what happened in a test about time.
func printTimeline(s streams, paint style, r *ruletest.Report) {
	if len(r.Happened) == 0 {
		return
	}
	var zone *time.Location
	if r.Test.Rule.Time != nil {
		zone = r.Test.Rule.Time.Location
	}
	zone = timelineZone(zone, r.Test.Given)
	var text strings.Builder
	for i := range r.Happened {
		printHappened(&text, paint, &r.Happened[i], zone, true)
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(s.out, "      ", line)
	}
}

// testEffect is an effect with its rule and its time.
type testEffect struct {
	Rule  string    `json:"rule"`
	Event string    `json:"event"`
	At    time.Time `json:"at"`
	// Cause is the event that caused it: what recorded effects call By, or else Event.
	Cause string `json:"cause,omitempty"`
	record.Effect
}

func effectsOf(happened []ruletest.Happened) []testEffect {
	effects := []testEffect{}
	for i := range happened {
		h := &happened[i]
		for j := range h.Decisions {
			for _, e := range h.Decisions[j].Effects {
				effects = append(effects, testEffect{h.Decisions[j].Rule, h.EventID, h.At, cmp.Or(e.By, h.EventID), e})
			}
		}
	}
	return effects
}

func testJSON(s streams, reports []ruletest.Report) error {
	for i := range reports {
		r := &reports[i]
		err := printJSON(s.out, map[string]any{
			r.Carrier(): r.Of(), "test": r.Name(), "file": r.Place().File.Name, "line": r.Place().Line,
			"passed": r.Passed(), "failures": append([]ruletest.Failure{}, r.Failures...), "decisions": r.Decisions,
			"alerts": append([]ruletest.Alert{}, r.Alerts...), "effects": effectsOf(r.Happened),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// The report that CI systems read.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func testJUnit(s streams, reports []ruletest.Report, failed int) error {
	suite := junitSuite{Name: "heed", Tests: len(reports), Failures: failed}
	for i := range reports {
		r := &reports[i]
		c := junitCase{
			Class: r.Of(), Name: r.Name(), File: r.Place().File.Name,
			Line: r.Place().Line,
		}
		if !r.Passed() {
			var text strings.Builder
			for _, f := range r.Failures {
				fmt.Fprintf(&text, "%s: expected %s, got %s\n", f.What, f.Expected, f.Got)
			}
			c.Failure = &junitFailure{
				Message: "not as expected: " + r.Failures[0].What,
				Text:    plain.Text(text.String()),
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	fmt.Fprint(s.out, xml.Header)
	encoder := xml.NewEncoder(s.out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := fmt.Fprintln(s.out)
	return err
}
