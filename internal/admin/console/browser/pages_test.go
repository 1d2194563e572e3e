package browser

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPages_areAccessibleAndSilent looks at each page on the demo's week: wide and
// narrow, light and dark.
func TestPages_areAccessibleAndSilent(t *testing.T) {
	base := demo(t)
	pages := pagesOf(t, base)
	w := open(t, base)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1280, 320} {
			w.window(width, scheme)
			for _, p := range pages {
				name := fmt.Sprintf("%s-%d-%s", p.name, width, scheme)
				w.see(p.path)
				w.accessible(name)
				w.fits(name, width)
				w.shot(name)
				w.checkSilence()
			}
		}
	}
}

// fits fails if the page is wider than the window: only tables may be scrolled
// sideways, and for themselves.
func (w *tab) fits(name string, width int) {
	w.t.Helper()
	var wide int
	w.run(chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide))
	if wide > width {
		w.t.Errorf("%s is %d pixels wide", name, wide)
	}
}

type namedPage struct{ name, path string }

// pagesOf are all pages, those of single things for some that there are.
func pagesOf(t *testing.T, base string) []namedPage {
	t.Helper()
	var events struct {
		Events []struct{ ID, User string }
	}
	getJSON(t, base+"/api/v1/events?type=quiz.submitted&outcome=matched&limit=1", &events)
	var dead struct{ Deliveries []struct{ ID string } }
	getJSON(t, base+"/api/v1/deliveries?state=dead&limit=1", &dead)
	event, delivery := url.PathEscape(events.Events[0].ID), url.PathEscape(dead.Deliveries[0].ID)
	return []namedPage{
		{"overview", "/ui/"},
		{"events", "/ui/events"},
		{"event", "/ui/events/" + event},
		{"replay", "/ui/events/" + event + "/replay"},
		{"events-none", "/ui/events?user=nobody"},
		{"bulk-replay", "/ui/events/bulk?user=u-5002&type=quiz.submitted"},
		{"rules", "/ui/rules"},
		{"rule", "/ui/rules/low-quiz-score"},
		{"playground", "/ui/playground?rule=low-quiz-score"},
		{"deliveries", "/ui/deliveries"},
		{"delivery", "/ui/deliveries/" + delivery},
		{"bulk", "/ui/deliveries/bulk?what=retry&state=dead"},
		{"problems", "/ui/problems"},
		{"people", "/ui/people"},
		{"person", "/ui/people/u-5002"},
		{"import", "/ui/people/import"},
		{"leaderboard", "/ui/leaderboard"},
		{"progress", "/ui/progress"},
		{"progress-team", "/ui/progress?team=apac"},
		{"mutes", "/ui/mutes"},
		{"audit", "/ui/audit"},
		{"search", "/ui/search?q=quiz"},
		{"help", "/ui/help"},
	}
}
