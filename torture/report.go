package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// result is what came of a run.
type result struct {
	name     string
	cycles   int
	tally    tally
	slowest  time.Duration // start
	findings []finding
	skipped  string
	notes    []string
	took     time.Duration
}

func (r *result) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// shown is how many findings of a kind are printed.
const shown = 10

func (r *result) print(w io.Writer) {
	verdict := "ok"
	switch {
	case len(r.findings) > 0:
		verdict = "FAILED"
	case r.skipped != "":
		verdict = "SKIPPED: " + r.skipped
	}
	fmt.Fprintf(w, "%s: %s (%v)\n", r.name, verdict, r.took.Round(100*time.Millisecond))
	for _, note := range r.notes {
		fmt.Fprintf(w, "  %s\n", note)
	}
	count := map[string]int{}
	for _, f := range r.findings {
		if count[f.kind]++; count[f.kind] <= shown {
			fmt.Fprintf(w, "  %s: %s\n", f.kind, f.what)
		}
	}
	for kind, n := range count {
		if n > shown {
			fmt.Fprintf(w, "  %s: %d in all\n", kind, n)
		}
	}
}

func table(w io.Writer, results []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tcycles\tsent\tacknowledged\tstored\tlost\tfired\tdone\tdead\trepeats (bound)\tslowest "+
		"start\ttook")
	for _, r := range results {
		took := r.took.Round(time.Second)
		if r.skipped != "" {
			fmt.Fprintf(t, "%s\tskipped\t\t\t\t\t\t\t\t\t\t%v\n", r.name, took)
			continue
		}
		n := r.tally
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d (%d)\t%v\t%v\n", r.name, r.cycles,
			n.sent, n.acked, n.stored, n.lost, n.fired, n.done, n.dead, n.repeats, n.mayRepeat,
			r.slowest.Round(time.Millisecond), took)
	}
	_ = t.Flush()
}
