package main

import (
	"fmt"
	"time"

	"heed/engine/ruletest"
	"heed/engine/source"
	"heed/engine/suggest"
	"heed/internal/plain"
)

// readMapped reads files as a source does, shows what it makes of them, and gives
// the events to try the rules with. The code says whether all could be used.
func (o *dryRunOptions) readMapped(
	s streams, set *source.Set, files []string,
) (fixtures []ruletest.Fixture, code int, err error) {
	from := set.Find(o.source)
	if from == nil {
		return nil, 0, usage("there is no source called %q; %s", o.source, suggest.DidYouMean(o.source, set.Names()))
	}
	mapped, err := ruletest.ReadMapped(from, files, s.in)
	if err != nil {
		return nil, 0, usage("%v", err)
	}
	for i := range mapped {
		fixture, usable := mapped[i].Fixture(from.Name)
		if !usable {
			code = exitProblems
		} else {
			fixtures = append(fixtures, fixture)
		}
		if o.output == "json" {
			err = printJSON(s.out, mappedJSON(&mapped[i], from))
		} else {
			printMapped(s, &mapped[i])
		}
		if err != nil {
			return nil, 0, failure(err)
		}
	}
	return fixtures, code, nil
}

// mappedJSON returns what a source made of a row, before the rules decide it.
func mappedJSON(m *ruletest.Mapped, from *source.Source) map[string]any {
	shown := map[string]any{"file": m.File, "source": from.Name, "id": m.ID}
	if m.Reason != "" {
		shown["quarantined"], shown["detail"] = m.Reason, m.Detail
		return shown
	}
	shown["mapped"] = m.Event.Data
	shown["event"] = m.Event.Type
	if !m.At.IsZero() {
		shown["at"] = m.At
	}
	return shown
}

func printMapped(s streams, m *ruletest.Mapped) {
	paint := s.style(s.out)
	if m.Reason != "" {
		fmt.Fprintf(s.out, "%s%s: cannot be used: %s%s\n", paint.red, plain.Line(m.File), plain.Line(m.Detail),
			paint.reset)
		return
	}
	fmt.Fprintf(s.out, "%s: %s%s%s, id %s", plain.Line(m.File), paint.bold, plain.Line(m.Event.Type), paint.reset,
		plain.Line(m.ID))
	if !m.At.IsZero() {
		fmt.Fprintf(s.out, ", at %s", m.At.Format(time.RFC3339))
	}
	fmt.Fprintf(s.out, "\n    %s\n", plain.Line(string(m.Made.Body)))
}
