package main

import (
	"fmt"
	"io"

	"heed/engine/record"
	"heed/internal/plain"
	"heed/internal/wording"
)

// printEffects shows what a rule's state made of an event, a line for each effect.
func printEffects(w io.Writer, paint style, words wording.Effects, effects []record.Effect) {
	for i := range effects {
		e := &effects[i]
		sign, color := "→", paint.dim
		switch {
		case record.Suppressed(e.Effect):
			sign, color = "⊘", paint.yellow
		case e.Effect == record.Sent:
			color = paint.green
		}
		fmt.Fprintf(w, "    %s%s %s%s\n", color, sign, plain.Line(words.Text(e)), paint.reset)
	}
}
