package console

import (
	"fmt"
	"html/template"
	"strings"

	"heed/engine/record"
)

// Charts are SVG next to a table of the same numbers, so that a screen reader needs
// only the table.

// hourBars shows a day by the hour.
func hourBars(hours []record.HourCount) template.HTML {
	values, most := make([]int, len(hours)), 1
	for i, h := range hours {
		values[i] = h.N
		most = max(most, h.N)
	}
	return bars(values, most, 8, 40)
}

// histogram shows counts side by side.
func histogram(counts [10]int) template.HTML {
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	return bars(counts[:], most, 28, 110)
}

// bars draws a chart of columns with a given width and a maximum height.
func bars(values []int, most, width, height int) template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="bars" viewBox="0 0 %d %d" width="%d" height="%d" aria-hidden="true" focusable="false">`,
		len(values)*(width+2), height, len(values)*(width+2), height)
	for i, n := range values {
		h := n * (height - 1) / most
		if n > 0 {
			h = max(h, 2)
		}
		fmt.Fprintf(&out, `<rect x="%d" y="%d" width="%d" height="%d"/>`, i*(width+2), height-h-1, width, h)
	}
	fmt.Fprintf(&out, `<line x1="0" y1="%d" x2="%d" y2="%d"/></svg>`, height-1, len(values)*(width+2), height-1)
	return template.HTML(out.String())
}

// bar draws a share of a whole as a bar for the cell of a table.
func bar(part, whole float64) template.HTML {
	share := 0.0
	if whole > 0 {
		share = min(max(part/whole, 0), 1)
	}
	return template.HTML(fmt.Sprintf(
		`<svg class="bar" viewBox="0 0 100 8" width="100" height="8" preserveAspectRatio="none" aria-hidden="true">`+
			`<rect class="whole" width="100" height="8"/><rect width="%.1f" height="8"/></svg>`, 100*share))
}
