package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"heed/engine/record"
	"heed/engine/state"
	"heed/internal/plain"
)

// effectWords are the effects as people read them.
var effectWords = map[string]string{
	record.TooLate: "too late", record.DelayedQuiet: "held back by quiet hours", record.DroppedQuiet: "dropped by quiet hours",
	record.Cleared: "cleared: a cancel came before the start", record.Overflow: "not tracked: the rule has too many keys",
}

// printEffects shows what a rule's state made of an event, a line for each effect.
func printEffects(w io.Writer, paint style, mode string, effects []record.Effect) {
	for i := range effects {
		e := &effects[i]
		sign, color := "→", paint.green
		switch {
		case record.Suppressed(e.Effect):
			sign, color = "⊘", paint.yellow
		case e.Effect != record.Sent:
			color = paint.dim
		}
		fmt.Fprintf(w, "    %s%s %s%s\n", color, sign, plain.Line(effectText(mode, e)), paint.reset)
	}
}

// effectText is an effect in words: throttled: 1 of 1 today (Asia/Kolkata) for
// [u1, q1]; evt-88 at 10:00; next from Tue 00:00.
func effectText(mode string, e *record.Effect) string {
	word := effectWords[e.Effect]
	if word == "" {
		word = e.Effect
	}
	if e.Effect == record.Sent && mode == "shadow" {
		word = "would be sent; the rule is in shadow mode"
	}
	var text strings.Builder
	text.WriteString(word)
	if e.Step > 0 {
		fmt.Fprintf(&text, ", step %d", e.Step)
	}
	if e.Limit != "" {
		text.WriteString(": " + e.Limit)
	}
	if e.Reason != "" {
		text.WriteString(" (" + e.Reason + ")")
	}
	if e.Key != "" {
		text.WriteString(" for " + state.ShowKey(e.Key))
	}
	if e.By != "" && e.Effect != record.Sent {
		text.WriteString("; " + e.By)
		if !e.ByAt.IsZero() {
			text.WriteString(" at " + e.ByAt.UTC().Format("2 Jan 15:04 MST"))
		}
	}
	if !e.Next.IsZero() {
		label := map[string]string{
			record.Throttled: "next from", record.Waiting: "due", record.Collected: "sent at", record.DelayedQuiet: "sent at",
			record.DroppedQuiet: "next from", record.Muted: "muted until",
		}[e.Effect]
		text.WriteString("; " + label + " " + e.Next.Format("Mon 2 Jan 15:04 MST"))
	}
	return text.String()
}

func showMoment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
