package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The main tasks of people, by clicking.
func TestTasks_byClicking(t *testing.T) {
	base := demo(t)
	t.Run("find out why nobody was notified", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/")
		w.run(chromedp.SendKeys("#q", "chloe", chromedp.ByQuery))
		w.follows(chromedp.Click(`.search button`, chromedp.ByQuery))
		w.says("h1", "u-5003")
		w.click("All of them")
		w.follows(chromedp.Click(`//tr[td[normalize-space(.)="quiz.submitted"]]/td[@data-row]/a`, chromedp.BySearch))
		w.says(".answer", "did not match")
	})
	t.Run("retry everything with one cause", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/problems")
		w.says("h3", ": the endpoint answered 40") // which cause has most, depends on the day
		w.click("Retry all")
		w.says("h1", "Retry")
		w.click("Retry ")
		w.says("#job", "done")
		w.see("/ui/audit")
		w.says("tbody tr", "cause=the endpoint answered 40")
	})
	t.Run("try a change against last week", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/rules/low-quiz-score")
		w.click("line")
		w.setText(func(text string) string { return strings.Replace(text, "data.score < 70", "data.score < 50", 1) })
		w.click("Try it")
		w.says("#diff + p", "would not")
		w.says("main", "removed")
	})
	t.Run("mute for two hours", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/rules/low-quiz-score")
		w.run(chromedp.SendKeys(`[name="reason"]`, "the quiz is being repaired", chromedp.ByQuery))
		w.click("Mute the rule")
		w.says("[role=status]", "Muted.")
		w.says("tbody tr", "the quiz is being repaired")
		w.click("End it")
		w.says("main", "No rule is muted.")
	})
	t.Run("import people", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "reps.csv")
		if err := os.WriteFile(file, []byte("user_id,email,team_id\nu-9001,zoe@example.com,latam\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w := open(t, base)
		w.see("/ui/people")
		w.click("Import people")
		w.run(chromedp.SetUploadFiles(`[type="file"]`, []string{file}, chromedp.ByQuery))
		w.click("Check")
		w.says(".lead", "1 new")
		w.click("Import")
		w.says("[role=status]", "Imported: 1")
		w.see("/ui/people?team=latam")
		w.says("tbody", "zoe@example.com")
	})
	t.Run("replay an event", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/events?type=user.provisioned")
		w.run(chromedp.WaitVisible("td[data-row] a", chromedp.ByQuery))
		w.follows(chromedp.Click("td[data-row] a", chromedp.ByQuery))
		w.click("Replay with today")
		w.says(".lead", "would be sent")
		w.click("Send ")
		w.says("[role=status]", "Replayed:")
	})
}

// setText changes the text of the playground as typing does.
func (w *tab) setText(change func(string) string) {
	w.t.Helper()
	var text string
	w.run(chromedp.Value("#text", &text, chromedp.ByQuery))
	w.run(chromedp.Evaluate(fmt.Sprintf(`{const t = document.getElementById("text"); t.value = %q; t.dispatchEvent(new Event("input", {bubbles: true}))} 0`,
		change(text)), nil))
}

func TestPlayground_showsProblemsWhileOneTypes(t *testing.T) {
	w := open(t, demo(t))
	w.window(1100, "light")
	w.see("/ui/playground?rule=low-quiz-score")
	w.setText(func(text string) string { return strings.Replace(text, "data.score < 70", "data.scor < 70", 1) })
	w.says("#found", "quiz.submitted has no field scor")
	w.says("#found", "Hint: did you mean data.score?")
	w.accessible("playground with problems")
	w.run(chromedp.Evaluate(`document.getElementById("play").scrollIntoView({block: "end"})`, nil))
	w.shot("playground-problems")
	w.setText(func(text string) string { return strings.Replace(text, "data.scor < 70", "data.score < 70", 1) })
	w.says("#found", "tests pass")
}

func TestFeed_showsNewEventsAndPauses(t *testing.T) {
	base, webhook := serve(t, writeRules(t))
	send := func() {
		t.Helper()
		cmd := exec.Command(os.Getenv("HEED"), "send", "--url", webhook, filepath.Join(root, "testdata/events/quiz-low-score.json"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	send()
	w := open(t, base)
	w.see("/ui/events?type=quiz.submitted")
	const rows = `document.querySelectorAll("#events tbody tr").length === `
	w.until(rows + `1 && !document.getElementById("feed").hidden`)
	send()
	w.until(rows + "2")
	w.says("[data-news]", "1 new")
	w.accessible("the live feed")
	w.run(chromedp.Click("[data-pause]", chromedp.ByQuery))
	w.says("[data-pause]", "Go on")
	send()
	w.says("[data-news]", "1 new; they are shown when you go on.")
	w.until(rows + "2")
	w.run(chromedp.Click("[data-pause]", chromedp.ByQuery))
	w.until(rows + "3")
	w.run(chromedp.Click("#events [type=checkbox]", chromedp.ByQuery))
	send()
	w.says("[data-news]", "1 new; they are shown when you go on.")
	w.until(rows + "3")
}

// writeRules writes a rule file that logs every quiz.
func writeRules(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(name, []byte("actions: {console: {log: {}}}\nrules:\n  - name: all\n    on: quiz.submitted\n"+
		"    do: [{action: console, text: \"{{ data.userId }} scored {{ data.score }}\"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The same by the keyboard alone.
func TestTasks_byTheKeyboard(t *testing.T) {
	base := demo(t)
	t.Run("find out why nobody was notified", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/")
		w.press("/")
		w.typed("u-5003")
		w.keys(kb.Enter)
		w.says("h1", "u-5003")
		w.press("j")
		w.keys(kb.Enter)
		w.says("h1", "Event")
		w.says(".answer", ":")
	})
	t.Run("retry everything with one cause", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/")
		w.press("g")
		w.press("p")
		w.says("h1", "Problems")
		w.tabTo("Retry all")
		w.keys(kb.Enter)
		w.tabTo("Retry ")
		w.keys(kb.Enter)
		w.says("#job", "done")
	})
	t.Run("replay two events", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/events?type=user.provisioned")
		for range 2 {
			w.press("j")
			w.press("x")
		}
		w.until(`document.querySelectorAll("#events :checked").length === 2`)
		w.tabTo("Replay the chosen")
		w.keys(kb.Enter)
		w.says("h1", "Replay 2 events?")
		w.tabTo("name=confirm")
		w.typed("replay 2")
		w.keys(kb.Enter)
		w.says("#job", "2 of 2")
	})
	t.Run("mute for two hours", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/mutes")
		w.tabTo("name=reason")
		w.typed("the quiz is being repaired")
		w.keys(kb.Enter)
		w.says("[role=status]", "Muted.")
	})
	t.Run("try a change against last week", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/playground?rule=low-quiz-score")
		w.tabTo("Try it")
		w.keys(kb.Enter)
		w.says("#diff + p", "0 would now send")
	})
	t.Run("import people", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/people/import")
		w.tabTo("name=text")
		w.run(input.InsertText("user_id,email\nu-9002,ada@example.com\n"))
		w.tabTo("Import")
		w.keys(kb.Enter)
		w.says("[role=status]", "Imported: 1")
	})
	t.Run("the first stop skips to the content", func(t *testing.T) {
		w := open(t, base)
		w.see("/ui/rules")
		w.run(chromedp.KeyEvent(kb.Tab))
		if got := w.focused(); !strings.Contains(got, "Skip to the content") {
			t.Errorf("the first stop is %q", got)
		}
	})
}

// typed types into what has the focus.
func (w *tab) typed(text string) {
	w.t.Helper()
	w.run(input.InsertText(text))
}

// focused is what has the focus: its text, and its name.
func (w *tab) focused() (text string) {
	w.t.Helper()
	w.run(chromedp.Evaluate(`{const a = document.activeElement; a.textContent.trim().slice(0, 200) + " name=" + (a.name ?? "")}`, &text))
	return text
}

// tabTo presses Tab until something with a text has the focus, which must be
// visible then.
func (w *tab) tabTo(text string) {
	w.t.Helper()
	for range 200 {
		w.run(chromedp.KeyEvent(kb.Tab))
		if got := w.focused(); strings.HasPrefix(got, text) || strings.Contains(got, text) && strings.HasPrefix(text, "name=") {
			var outline string
			w.run(chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement.parentElement).outlineStyle`, &outline))
			if !strings.Contains(outline, "solid") && !strings.Contains(outline, "auto") {
				w.t.Errorf("%q has the focus, and nothing shows it", got)
			}
			return
		}
	}
	w.t.Fatalf("no Tab leads to %q", text)
}

// Without scripts every page can be read, and everything be done.
func TestTasks_withoutScripts(t *testing.T) {
	base := demo(t)
	w := open(t, base)
	w.run(emulation.SetScriptExecutionDisabled(true))
	for _, p := range pagesOf(t, base) {
		w.run(chromedp.Navigate(base+p.path), chromedp.WaitVisible("h1", chromedp.ByQuery))
	}
	go1 := func(selector string, by chromedp.QueryOption, want string) {
		t.Helper()
		w.run(chromedp.Click(selector, by), chromedp.WaitVisible(want, chromedp.BySearch))
	}
	w.run(chromedp.Navigate(base + "/ui/problems"))
	go1(`//a[starts-with(normalize-space(.), "Retry all")]`, chromedp.BySearch, `//button[starts-with(normalize-space(.), "Retry")]`)
	go1(`//main//button[starts-with(normalize-space(.), "Retry")]`, chromedp.BySearch, `//*[@id="job"]`)
	w.run(chromedp.Navigate(base + "/ui/mutes"))
	w.run(chromedp.SendKeys(`[name="reason"]`, "repair", chromedp.ByQuery))
	go1(`//main//button[normalize-space(.)="Mute"]`, chromedp.BySearch, `//td[normalize-space(.)="repair"]`)
	go1(`//main//button[normalize-space(.)="End it"]`, chromedp.BySearch, `//strong[normalize-space(.)="No rule is muted."]`)
	w.run(chromedp.Navigate(base + "/ui/playground"))
	go1(`//button[@value="backtest"]`, chromedp.BySearch, `//*[@id="diff"]`)
}

// A viewer reads, with personal values masked, and can do nothing; an operator acts,
// and may reveal them, of which there is a note.
func TestRoles_inTheBrowser(t *testing.T) {
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	const viewer, operator = "viewer-token-of-24-chars", "operator-token-of-24-chars"
	if err := os.WriteFile(tokens, []byte("vera viewer "+viewer+"\nolga operator "+operator+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base, _ := serve(t, writeRules(t), "--tokens-file", tokens)
	w := open(t, base)
	w.allowed = regexp.MustCompile(`status of 40[0-9]`)
	login := func(token string) {
		t.Helper()
		w.run(chromedp.SendKeys(`[name="token"]`, token, chromedp.ByQuery))
		w.follows(chromedp.Click("main button", chromedp.ByQuery))
	}
	w.see("/ui/people/import")
	w.says("h1", "Log in")
	w.accessible("login")
	w.shot("login")
	login("not-a-token-of-24-chars!")
	w.says("[role=alert]", "not a token of this heed")
	login(viewer)
	w.says("h1", "You may not do that")
	w.see("/ui/mutes")
	w.says(".who", "vera (viewer)")
	w.says(".who", "personal values are masked")
	var forms int
	w.run(chromedp.Evaluate(`document.querySelectorAll("main form[method=post]").length`, &forms))
	if forms != 0 {
		t.Errorf("a viewer has %d forms that act", forms)
	}
	w.follows(chromedp.Click(`//button[normalize-space(.)="Log out"]`, chromedp.BySearch))
	w.says("h1", "Log in")
	login(operator)
	w.says(".who", "olga (operator)")
	w.follows(chromedp.Click(`//button[normalize-space(.)="Reveal personal values"]`, chromedp.BySearch))
	w.says("[role=status]", "15 minutes")
	w.see("/ui/audit")
	w.says("tbody tr", "reveal")
	w.shot("audit-operator")
}
