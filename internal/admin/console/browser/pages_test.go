package browser

import (
	"fmt"
	"net/url"
	"regexp"
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

// TestPages_sayWhatToDoWhenThereIsNothing looks at the pages of a new heed.
func TestPages_sayWhatToDoWhenThereIsNothing(t *testing.T) {
	base, _ := serve(t, writeRules(t))
	w := open(t, base)
	for _, width := range []int{1280, 320} {
		w.window(width, "light")
		for path, want := range map[string]string{
			"/ui/": "three steps", "/ui/events": "No event came so far", "/ui/deliveries": "No delivery was made so far",
			"/ui/problems": "There are none", "/ui/people": "Nobody is known so far", "/ui/leaderboard": "Nobody has anything",
			"/ui/progress": "Nobody is known so far", "/ui/mutes": "No rule is muted", "/ui/audit": "Nobody did anything so far",
		} {
			w.see(path)
			w.says("main", want)
			w.accessible(path)
			w.fits(path, width)
		}
	}
	w.shot("empty")
	w.allowed = regexp.MustCompile(`status of 404`)
	w.see("/ui/events/none")
	w.says("h1", "There is no such thing")
	w.accessible("an error")
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
