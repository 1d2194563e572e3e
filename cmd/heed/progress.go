package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progressLine shows on a terminal how far something is, on one line that is written
// again and again. On anything else it shows nothing.
type progressLine struct {
	w       io.Writer
	visible bool
	shown   time.Time
}

func newProgress(s streams) *progressLine { return &progressLine{w: s.err, visible: isTerminal(s.err)} }

// bar shows a share of the whole, from 0 to 1, and a text behind it.
func (p *progressLine) bar(share float64, format string, args ...any) {
	const width = 30
	share = min(max(share, 0), 1)
	full := int(share*width + 0.5)
	p.text("%s%s %3.0f %%  %s", strings.Repeat("█", full), strings.Repeat("░", width-full), share*100,
		fmt.Sprintf(format, args...))
}

// text shows a text. Ten times a second is often enough.
func (p *progressLine) text(format string, args ...any) {
	if p.visible && time.Since(p.shown) >= 100*time.Millisecond {
		p.shown = time.Now()
		fmt.Fprintf(p.w, "\r\033[K"+format, args...)
	}
}

// done takes the line away.
func (p *progressLine) done() {
	if p.visible {
		fmt.Fprint(p.w, "\r\033[K")
	}
}
