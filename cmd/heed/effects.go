package main

import (
	"fmt"
	"io"
	"time"

	"heed/engine/record"
	"heed/internal/plain"
	"heed/internal/wording"
)

// effectPrinter prints effects of one event.
type effectPrinter struct {
	mode  string         // the rule's
	event string         // the event's id: what it caused itself does not name it
	zone  *time.Location // of the times
}

// print shows what a rule's state made of an event, a line for each effect.
func (p effectPrinter) print(w io.Writer, paint style, effects []record.Effect) {
	for i := range effects {
		e := &effects[i]
		sign, color := "→", paint.dim
		switch {
		case record.Suppressed(e.Effect):
			sign, color = "⊘", paint.yellow
		case e.Effect == record.Sent:
			color = paint.green
		}
		words := wording.Effects{Mode: p.mode, Event: p.event, Zone: p.zone}
		fmt.Fprintf(w, "    %s%s %s%s\n", color, sign, plain.Line(words.Text(e)), paint.reset)
	}
}

func showMoment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
