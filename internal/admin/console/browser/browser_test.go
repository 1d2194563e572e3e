// Package browser tests the console in a real Chromium: it looks at each page, wide
// and narrow, light and dark, and does by clicking and by the keyboard what people
// do. It runs heed itself. HEED is the program, SHOTS a directory for pictures.
package browser

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// root is the directory of the repository.
const root = "../../../.."

var browser context.Context // that all tests share

func TestMain(m *testing.M) {
	if os.Getenv("HEED") == "" {
		fmt.Println("these tests need HEED, the program: make test-browser")
		os.Exit(0)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	if name := os.Getenv("CHROMIUM"); name != "" {
		options = append(options, chromedp.ExecPath(name))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	var end context.CancelFunc
	browser, end = chromedp.NewContext(allocator)
	if err := chromedp.Run(browser); err != nil {
		fmt.Println("Chromium does not start:", err)
		os.Exit(1)
	}
	code := m.Run()
	end()
	stop()
	os.Exit(code)
}

// demo runs heed demo, and gives the address of its console.
func demo(t *testing.T) string {
	t.Helper()
	return run(t, regexp.MustCompile(`^console +(http://\S+)/ui/`), "demo", "--exit=false")[1]
}

// serve runs heed serve with further flags on rules and a directory of its own, and
// gives the addresses of its console and its receiver.
func serve(t *testing.T, rules string, flags ...string) (base, webhook string) {
	t.Helper()
	t.Setenv("MINDTICKLE_WEBHOOK_SECRET", "a secret of sixteen")
	flags = append([]string{
		"serve", "--rules", rules, "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
		"--log-format", "json",
	}, flags...)
	found := run(t, regexp.MustCompile(`"webhook":"(http://[^"]+)","admin":"(http://[^"]+)"`), flags...)
	return found[2], found[1]
}

// run starts heed and waits for a line with its address.
func run(t *testing.T, line *regexp.Regexp, args ...string) []string {
	t.Helper()
	name, err := filepath.Abs(os.Getenv("HEED"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = in.Close()
	})
	found := make(chan []string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if m := line.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m:
				default:
				}
			}
		}
	}()
	select {
	case m := <-found:
		return m
	case <-time.After(time.Minute):
		t.Fatal("heed did not say where it is")
		return nil
	}
}

// tab is one tab of the browser. Whatever a page says on the console fails the test.
type tab struct {
	context.Context
	t    *testing.T
	base string

	mu   sync.Mutex
	said []string
	// allowed are messages that a test expects, such as of a status 403.
	allowed *regexp.Regexp
}

func open(t *testing.T, base string) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	ctx, stop := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	w := &tab{Context: ctx, t: t, base: base}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, arg := range e.Args {
				w.say(fmt.Sprintf("console.%s %s", e.Type, arg.Value))
			}
		case *runtime.EventExceptionThrown:
			w.say("exception " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			w.say(fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	})
	if err := chromedp.Run(ctx); err != nil { // which opens the tab, for as long as this context lasts
		t.Fatal(err)
	}
	w.run(log.Enable(), runtime.Enable(), network.Enable(), network.ClearBrowserCookies())
	t.Cleanup(w.checkSilence)
	return w
}

func (w *tab) say(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.allowed == nil || !w.allowed.MatchString(text) {
		w.said = append(w.said, text)
	}
}

func (w *tab) checkSilence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.said {
		w.t.Errorf("the browser's console has: %s", text)
	}
	w.said = nil
}

func (w *tab) run(actions ...chromedp.Action) {
	w.t.Helper()
	bounded, end := context.WithTimeout(w.Context, 30*time.Second)
	defer end()
	if err := chromedp.Run(bounded, actions...); err != nil {
		var where, body string
		ctx, stop := context.WithTimeout(w.Context, 5*time.Second)
		defer stop()
		_ = chromedp.Run(ctx, chromedp.Location(&where), chromedp.Text("main", &body, chromedp.ByQuery))
		w.t.Fatalf("%v\nat %s:\n%.1500s", err, where, body)
	}
}

// see goes to a page.
func (w *tab) see(path string) {
	w.t.Helper()
	w.run(chromedp.Navigate(w.base+path), chromedp.WaitVisible("main", chromedp.ByQuery))
}

// window sets how large the window is, and whether it is dark.
func (w *tab) window(width int, scheme string) {
	w.t.Helper()
	w.run(chromedp.EmulateViewport(int64(width), 900),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

// says fails unless a part of the page says something.
func (w *tab) says(selector, want string) {
	w.t.Helper()
	got := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		// Between two pages there is nothing to be read.
		_ = chromedp.Run(w, chromedp.Evaluate(fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, selector), &got))
		if strings.Contains(strings.ToLower(got), strings.ToLower(want)) {
			return
		}
	}
	w.t.Fatalf("%s says %q, want %q", selector, got, want)
}

// click clicks the link or button with the text, and waits for the page that follows.
func (w *tab) click(text string) {
	w.t.Helper()
	path := fmt.Sprintf(`//main//*[self::a or self::button][contains(normalize-space(.), %q)]`, text)
	w.follows(chromedp.Click(path, chromedp.BySearch))
}

// follows does something and waits until another page is there.
func (w *tab) follows(actions ...chromedp.Action) {
	w.t.Helper()
	w.run(append([]chromedp.Action{chromedp.Evaluate(`window.before = true`, nil)}, actions...)...)
	w.until(`window.before === undefined && document.readyState === "complete" && !!document.querySelector("main")`)
}

// until waits until something is true, also across pages.
func (w *tab) until(condition string) {
	w.t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		is := false
		if err = chromedp.Run(w, chromedp.Evaluate(condition, &is)); is && err == nil {
			return
		}
	}
	w.t.Fatalf("it is never true that %s (%v)", condition, err)
}

// press presses a key of a shortcut, which types nothing.
func (w *tab) press(key string) {
	w.t.Helper()
	w.run(input.DispatchKeyEvent(input.KeyRawDown).WithKey(key).WithText(""), input.DispatchKeyEvent(input.KeyUp).WithKey(key))
}

// keys presses keys, and waits for the page that follows.
func (w *tab) keys(keys string) {
	w.t.Helper()
	w.follows(chromedp.KeyEvent(keys))
}

// shot keeps a picture of the page, if SHOTS names a directory.
func (w *tab) shot(name string) {
	w.t.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var png []byte
	// Chromium waits for the next picture, which a page at rest never draws.
	const draw = `window.drawing = setInterval(() => {
		document.documentElement.style.outline = (window.odd = !window.odd) ? "1px solid transparent" : "" }, 30); 0`
	w.run(chromedp.Evaluate(draw, nil), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(false).Do(ctx)
		return err
	}), chromedp.Evaluate(`clearInterval(window.drawing)`, nil))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// axe is axe-core, which looks for what makes a page hard to use.
var axe = sync.OnceValue(func() string {
	file, err := os.Open("testdata/axe-4.14.1.min.js.gz")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		panic(err)
	}
	all, err := io.ReadAll(text)
	if err != nil {
		panic(err)
	}
	return string(all)
})

// accessible fails for everything that axe finds.
func (w *tab) accessible(name string) {
	w.t.Helper()
	var result string
	w.run(chromedp.Evaluate(axe()+`;0`, nil), chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(
		r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary)}))))`,
		&result, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	var found []struct {
		ID, Help string
		Nodes    []string
	}
	if err := json.Unmarshal([]byte(result), &found); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range found {
		w.t.Errorf("%s: %s: %s\n%s", name, f.ID, f.Help, strings.Join(f.Nodes, "\n"))
	}
}

// getJSON reads a path of the API.
func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
