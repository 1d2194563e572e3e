package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/inbox"
	"heed/internal/receiver"
)

// serve is a running App over a real store, on free ports.
type serve struct {
	*App
	t   *testing.T
	dir string
	log lockedBuffer
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const token = "a token of the tests"

// startServe runs heed, without the secret of the published webhook, until the test
// ends. Files are complete when they did not change for a moment.
func startServe(t *testing.T, rules string) *serve {
	t.Helper()
	t.Setenv("SOURCE_TOKEN", strings.ReplaceAll(token, " ", "-"))
	s := &serve{t: t, dir: t.TempDir()}
	s.write("rules.yaml", rules)
	var err error
	s.App, err = New(t.Context(), Options{
		Rules: filepath.Join(s.dir, "rules.yaml"), Data: filepath.Join(s.dir, "data"),
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		MaxAge: 8 * time.Hour, MaxAhead: time.Minute, Retention: time.Hour, NoSend: true,
		LookupEnv: os.LookupEnv, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.inbox = inbox.New(inbox.Options{
		Patterns: s.filePatterns, Read: s.readFile, Seen: s.store, Settle: 50 * time.Millisecond, Poll: 10 * time.Millisecond,
		Now: time.Now, Log: s.Log,
	})
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Errorf("heed ended with: %v", err)
		}
	})
	return s
}

// write writes a file in one step, as a rename does.
func (s *serve) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+".part", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		s.t.Fatal(err)
	}
}

// post posts to the public listener with the token of the tests.
func (s *serve) post(path, body string) (status int, answer string) {
	request, err := http.NewRequest(http.MethodPost, "http://"+s.publicAddress.Addr().String()+path,
		strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+strings.ReplaceAll(token, " ", "-"))
	return s.answered(http.DefaultClient.Do(request))
}

func (s *serve) answered(response *http.Response, err error) (status int, answer string) {
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Error(err)
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

// asks asks the admin listener.
func (s *serve) asks(method, path, body string, into any) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.AdminURL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer := s.answered(http.DefaultClient.Do(request))
	if status != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, status, answer)
	}
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serve) ingests(query, rows string) (done admin.Ingested) {
	s.t.Helper()
	s.asks(http.MethodPost, "/api/v1/ingest?"+query, rows, &done)
	return done
}

func (s *serve) events(f record.EventFilter) []record.Event {
	s.t.Helper()
	all, err := s.store.Events(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// waits waits for what other goroutines bring about.
func (s *serve) waits(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) { // polling another goroutine's work
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within 20 s; the log:\n%s", what, s.log.String())
		}
	}
}

// reads waits until so many files were read, and says how often the log has a text.
func (s *serve) reads(files int) {
	s.t.Helper()
	s.waits(fmt.Sprint(files, " files are read"), func() bool { return s.logged("msg=\"file read\"") == files })
}

func (s *serve) logged(text string) int { return strings.Count(s.log.String(), text) }

const bearerSource = `
  %[1]s:
    path: /webhooks/%[1]s
    verify: {bearer: {env: SOURCE_TOKEN}}
    each: body.events
    event: '"quiz.submitted"'
    id: item.id
    data: {userId: item.user}
`

const servedRules = `
actions: {console: {log: {}}}
rules: [{name: every, on: quiz.submitted, do: [{action: console, text: a}]}]
`

func bearerSources(names ...string) string {
	text := servedRules + "sources:"
	for _, name := range names {
		text += fmt.Sprintf(bearerSource, name)
	}
	return text
}

func items(from, to int) string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf(`{"id":"i%d","user":"u%d"}`, i, i))
	}
	return `{"events":[` + strings.Join(list, ",") + `]}`
}

// 64 copies of one request with 100 items at once leave 100 events, whose counts
// add up.
func TestServe_copiesOfOneRequestWithManyItems(t *testing.T) {
	s := startServe(t, bearerSources("partner"))
	const copies, n = 64, 100
	var fresh, again atomic.Int64
	var requests sync.WaitGroup
	for range copies {
		requests.Go(func() {
			status, answer := s.post("/webhooks/partner", items(0, n))
			var counts struct{ Events, New, Duplicates, Quarantined int }
			if err := json.Unmarshal([]byte(answer), &counts); err != nil || status != http.StatusOK {
				t.Errorf("%d %s, %v", status, answer, err)
			}
			if counts.Events != n || counts.New+counts.Duplicates != n || counts.Quarantined != 0 {
				t.Errorf("%s", answer)
			}
			fresh.Add(int64(counts.New))
			again.Add(int64(counts.Duplicates))
		})
	}
	requests.Wait()
	if fresh.Load() != n || again.Load() != (copies-1)*n {
		t.Errorf("%d new, %d duplicates", fresh.Load(), again.Load())
	}
	if all := s.events(record.EventFilter{Source: "partner"}); len(all) != n {
		t.Errorf("%d events", len(all))
	}
	deliveries, _, err := s.store.Deliveries(t.Context(), record.DeliveryFilter{})
	if err != nil || len(deliveries) != n {
		t.Errorf("%d deliveries, %v", len(deliveries), err)
	}
}

// A request of as many items as one may have is stored whole or not at all.
func TestServe_aRequestOfVeryManyItems(t *testing.T) {
	s := startServe(t, bearerSources("partner"))
	for _, want := range []string{`"new": 10000, "duplicates": 0`, `"new": 0, "duplicates": 10000`} {
		if status, answer := s.post("/webhooks/partner", items(0, 10_000)); status != http.StatusOK ||
			!strings.Contains(answer, want) {
			t.Errorf("%d %s", status, answer)
		}
	}
	if status, answer := s.post("/webhooks/partner", items(0, 10_001)); status != http.StatusOK ||
		!strings.Contains(answer, `"quarantined": 1}`) {
		t.Errorf("%d %s", status, answer)
	}
}

// Sources come, change and go while requests run: one that stays has no gap.
func TestReload_sourcesChangeUnderRequests(t *testing.T) {
	one, other := bearerSources("stays", "goes"), bearerSources("comes", "stays")
	s := startServe(t, one)
	ctx, stop := context.WithCancel(t.Context())
	var requests sync.WaitGroup
	var sent atomic.Int64
	for range 4 {
		requests.Go(func() {
			for ctx.Err() == nil {
				n := int(sent.Add(1))
				if status, answer := s.post("/webhooks/stays", items(n, n+1)); status != http.StatusOK {
					t.Errorf("one that stays: %d %s", status, answer)
				}
				for _, path := range []string{"/webhooks/goes", "/webhooks/comes"} {
					if status, answer := s.post(path, items(n, n+1)); status != http.StatusOK &&
						status != http.StatusNotFound {
						t.Errorf("%s: %d %s", path, status, answer)
					}
				}
			}
		})
	}
	for i := range 20 {
		s.write("rules.yaml", []string{other, one}[i%2])
		if err := s.Reload(t.Context()); err != nil {
			t.Error(err)
		}
		s.waits("requests between reloads", func() bool { return sent.Load() > int64(3*i) })
	}
	stop()
	requests.Wait()
	s.write("rules.yaml", strings.ReplaceAll(other, "body.events", "body.list"))
	if err := s.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]int{"/webhooks/goes": http.StatusNotFound, "/webhooks/comes": http.StatusOK} {
		if status, answer := s.post(path, `{"list":[]}`); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if _, answer := s.post("/webhooks/stays", `{"list":[{"id":"new","user":"u"}]}`); !strings.Contains(answer,
		`"new": 1`) {
		t.Errorf("the changed mapping answers %s", answer)
	}
	stored := map[string]bool{}
	for _, e := range s.events(record.EventFilter{Source: "stays", Status: record.Accepted}) {
		stored[e.ID] = true
	}
	if n := int(sent.Load()); len(stored) < n {
		t.Errorf("%d events of %d requests", len(stored), n)
	}
}

const reportSource = `
sources:
  report:
    files: reports/quiz-*.csv
    event: '"quiz.submitted"'
    id: row["User ID"] + "/" + row["Quiz"]
    data:
      userId: row["User ID"]
      quizName: row["Quiz"]
      score: float(row["Score"])
    act: always
` + servedRules

// Rule files whose only source needs a secret that heed does not have are not
// usable, and those before stay.
func TestReload_refusesWhatNeedsASecretThatIsNotThere(t *testing.T) {
	s := startServe(t, reportSource)
	for _, text := range []string{servedRules, servedRules + "sources: {mindtickle: {}}\n", reportSource +
		"  mindtickle: {}\n"} {
		s.write("rules.yaml", strings.Replace(text, servedRules+"  mindtickle: {}\n",
			"  mindtickle: {}\n"+servedRules, 1))
		if err := s.Reload(t.Context()); !errors.Is(err, receiver.ErrNoSecret) {
			t.Errorf("%s: error %v", text, err)
		}
		if got := s.sources().Names(); len(got) != 1 || got[0] != "report" || s.ruleSet() == nil {
			t.Errorf("the sources are %q", got)
		}
	}
	if done := s.ingests("source=report&file=a.csv", "User ID,Quiz,Score\nu1,q1,61\n"); done.New != 1 {
		t.Errorf("%+v", done)
	}
}

// A folder of reports: each file once, whatever it is called; of one that grew what
// is new; of rows in another order nothing.
func TestInbox_readsReportsOnce(t *testing.T) {
	s := startServe(t, reportSource)
	const head, first = "User ID,Quiz,Score\n", "u1,q1,61\nu2,q1,62\n"
	s.write("reports/quiz-1.csv", head+first)
	s.reads(1)
	s.waits("two rows are new", func() bool { return s.logged("rows=2 new=2 known=0 unusable=0 alerts=2") == 1 })
	s.write("reports/quiz-2.csv", head+first) // the same under another name
	s.write("reports/other.csv", head+"u9,q9,9\n")
	s.write("reports/quiz-3.csv", head+first+"u3,q1,63\n") // a later one that has more
	s.reads(2)
	s.waits("one row is new", func() bool { return s.logged("rows=3 new=1 known=2 unusable=0 alerts=1") == 1 })
	s.write("reports/quiz-3.csv", head+first+"u3,q1,63\nu4,q1,64\n") // it grew
	s.reads(3)
	s.waits("one row more is new", func() bool { return s.logged("rows=4 new=1 known=3 unusable=0 alerts=1") == 1 })
	s.write("reports/quiz-4.csv", "Score,User ID,Quiz\n64,u4,q1\n62,u2,q1\n61,u1,q1\n63,u3,q1\n") // in another order
	s.reads(4)
	s.waits("all are known", func() bool { return s.logged("rows=4 new=0 known=4 unusable=0 alerts=0") == 1 })
	s.write("reports/quiz-1.csv", head+first+"u1,q1,99\n") // a row that has other values now
	s.reads(5)
	if all := s.events(record.EventFilter{}); len(all) != 4 {
		t.Errorf("%d events", len(all))
	}
	deliveries, _, err := s.store.Deliveries(t.Context(), record.DeliveryFilter{})
	if err != nil || len(deliveries) != 4 {
		t.Errorf("%d deliveries, %v", len(deliveries), err)
	}
	if s.logged("level=WARN") > 0 {
		t.Errorf("the log:\n%s", s.log.String())
	}
}

// A broken file is reported with its lines, and does not block the others.
func TestInbox_reportsBrokenFiles(t *testing.T) {
	s := startServe(t, reportSource)
	const head = "User ID,Quiz,Score\n"
	for name, c := range map[string]struct {
		text, problem string
		stored        int
	}{
		"header": {
			"User,Quiz,Score\nu1,header,61\n",
			"line 1: there is no column User ID, which the source report reads", 0,
		},
		"truncated": {
			head + "u1,truncated,61\nu2,\"trunc",
			"line 3: a quote is not closed up to the end of the file", 1,
		},
		"encoding": {
			head + "u1,encoding,61\nu\xe92,encoding,62\nu3,encoding,63\n",
			"line 3: the file is not in UTF-8", 1,
		},
		"values": {head + "u1,values,61\nu2,values,n/a\n,values,63\nu4,values,64\n", "line 3: data.score: ", 2},
		"cells": {
			head + "u1,cells,61\nu2,cells,62,more\nu3,cells,63\n",
			"line 3: the line has 4 cells, the header 3", 2,
		},
		"empty":    {"", "line 1: the file is empty", 0},
		"workbook": {"PK\x03\x04 and so on", "line 1: this is a spreadsheet, not a CSV file", 0},
		"utf16":    {inUTF16(head + "u1,utf16,61\n"), "quiz-utf16.csv rows=1 new=1 known=0 unusable=0", 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.logged("msg=\"file read\"")
			s.write("reports/quiz-"+name+".csv", c.text)
			s.reads(before + 1)
			if s.logged(c.problem) != 1 {
				t.Errorf("%d times %q in the log:\n%s", s.logged(c.problem), c.problem, s.log.String())
			}
			n := 0
			for _, e := range s.events(record.EventFilter{Status: record.Accepted}) {
				if strings.HasSuffix(e.ID, "/"+name) {
					n++
				}
			}
			if n != c.stored {
				t.Errorf("%d events, want %d", n, c.stored)
			}
		})
	}
	set := s.events(record.EventFilter{Status: record.Quarantined})
	if len(set) != 2 || !strings.HasPrefix(set[0].Detail, "quiz-values.csv:4: id: ") ||
		!strings.HasPrefix(set[1].Detail, "quiz-values.csv:3: data.score: ") {
		t.Errorf("%d are set aside: %+v", len(set), set)
	}
	s.write("reports/quiz-good.csv", head+"u1,good,61\n")
	s.waits("a good file is read",
		func() bool { return len(s.events(record.EventFilter{Status: record.Accepted})) == 8 })
}

// inUTF16 is a text as spreadsheets write "Unicode text".
func inUTF16(text string) string {
	out := "\xff\xfe"
	for _, b := range []byte(text) {
		out += string([]byte{b, 0})
	}
	return out
}

// A file whose source went away while it was found is not taken for read.
func TestInbox_aFileOfASourceThatIsGoneIsNotRemembered(t *testing.T) {
	s := startServe(t, reportSource)
	if err := s.readFile(t.Context(), "gone", filepath.Join(s.dir, "rules.yaml")); err == nil {
		t.Error("it counts as read")
	}
}

// Rows that could not be used are read again once the source is mended, and nothing
// is acted on twice.
func TestInbox_aFileIsReadAgainOnceItsSourceIsMended(t *testing.T) {
	s := startServe(t, reportSource)
	s.write("reports/quiz-1.csv", "User ID,Quiz,Score\nu1,q1,61\nu2,q1,62 %\n")
	s.reads(1)
	s.waits("one row is unusable", func() bool { return s.logged("rows=2 new=1 known=0 unusable=1 alerts=1") == 1 })
	s.write("rules.yaml", strings.Replace(reportSource, `float(row["Score"])`, `float(trimSuffix(row["Score"], " %"))`, 1))
	if err := s.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.reads(2)
	s.waits("it is usable", func() bool { return s.logged("rows=2 new=1 known=1 unusable=0 alerts=1") == 1 })
}

// Rows that come again are known or unusable, as they were, also in a dry run and
// twice in one file.
func TestIngest_ofTheSameFileAgain(t *testing.T) {
	s := startServe(t, reportSource)
	const rows = "User ID,Quiz,Score\nu1,q1,61\nu2,q1,n/a\nu1,q1,61\nu3,q1,63\n"
	check := func(what string, done admin.Ingested, rows, fresh, known, unusable int) {
		t.Helper()
		if done.Rows != rows || done.New != fresh || done.Known != known || done.Unusable != unusable ||
			len(done.Problems) != unusable {
			t.Errorf("%s: %+v", what, done)
		}
	}
	check("a dry run", s.ingests("source=report&file=a.csv&dry_run=true", rows), 4, 2, 1, 1)
	if n := len(s.events(record.EventFilter{})); n != 0 {
		t.Errorf("a dry run stored %d events", n)
	}
	check("first", s.ingests("source=report&file=a.csv", rows), 4, 2, 1, 1)
	check("a dry run afterwards", s.ingests("source=report&file=a.csv&dry_run=true", rows), 4, 0, 3, 1)
	check("again", s.ingests("source=report&file=b.csv", rows), 4, 0, 3, 1)
	check("mended", s.ingests("source=report&file=a.csv", strings.Replace(rows, "n/a", "62", 1)), 4, 1, 3, 0)
	if n := len(s.events(record.EventFilter{Status: record.Quarantined})); n != 1 {
		t.Errorf("%d events are quarantined", n)
	}
}

// A dry run against another source says which of its events never arrived.
func TestIngest_dryRunAgainstAnotherSource(t *testing.T) {
	rules := strings.Replace(reportSource, "sources:", "sources:"+fmt.Sprintf(bearerSource, "partner"), 1)
	s := startServe(t, rules)
	s.post("/webhooks/partner", `{"events":[{"id":"u1/q1","user":"u1"},{"id":"u2/q1","user":"u2"}]}`)
	const rows = "User ID,Quiz,Score\nu1,q1,61\nu2,q1,62\nu3,q1,63\nu3,q1,63\n"
	done := s.ingests("source=report&file=a.csv&dry_run=true&against=partner", rows)
	if done.Rows != 4 || done.Known != 3 || done.New != 1 {
		t.Errorf("%+v", done)
	}
	if done := s.ingests("source=report&file=a.csv&dry_run=true", rows); done.New != 3 {
		t.Errorf("not against another: %+v", done)
	}
}

// heed why says that an event was too old to trigger anything, and of which source.
func TestWhy_anEventIsTooOldToTriggerAnything(t *testing.T) {
	s := startServe(t, strings.Replace(reportSource, "act: always", "act: never", 1))
	done := s.ingests("source=report&file=a.csv", "User ID,Quiz,Score\nu1,q1,61\n")
	if done.New != 1 || done.Inert != 1 || done.Alerts != 0 {
		t.Errorf("%+v", done)
	}
	var page admin.WhyPage
	s.asks(http.MethodGet, "/api/v1/why?event=u1/q1", "", &page)
	if len(page.Entries) != 1 || page.Entries[0].Source != "report" || len(page.Entries[0].Effects) != 1 ||
		page.Entries[0].Effects[0] != (record.Effect{Effect: record.Skipped, Reason: record.ByAct}) {
		t.Errorf("%+v", page)
	}
	s.asks(http.MethodGet, "/api/v1/why?rule=every&outcome=skipped&source=report", "", &page)
	if len(page.Entries) != 1 {
		t.Errorf("%+v", page)
	}
	s.asks(http.MethodGet, "/api/v1/why?rule=every&source=mindtickle", "", &page)
	if len(page.Entries) != 0 {
		t.Errorf("of another source: %+v", page)
	}
}
