package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heed/engine/event"
	"heed/engine/intake"
	"heed/engine/record"
	"heed/engine/source"
	"heed/internal/app"
)

// setUp is one complete set-up of docs/sources.md.
type setUp struct {
	t *testing.T
	// blocks are the text of the document's blocks, by what stands behind the
	// language: file=connector.yaml, request=connector. served are the console
	// blocks of a stage.
	blocks map[string]string
	served map[string][]string
	server *server
}

// readSetUps writes the files of docs/sources.md and makes their directory the
// working directory.
func readSetUps(t *testing.T) *setUp {
	t.Helper()
	text, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &setUp{t: t, blocks: map[string]string{}, served: map[string][]string{}}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		_, info, _ := strings.Cut(m[1], " ")
		s.blocks[info] = m[2]
		if name, ok := strings.CutPrefix(info, "file="); ok {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(m[2]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if stage, ok := strings.CutPrefix(info, "served="); ok {
			s.served[stage] = append(s.served[stage], m[2])
		}
	}
	t.Chdir(dir)
	return s
}

// start serves a file of the document, without a signing secret.
func (s *setUp) start(file string) {
	s.t.Helper()
	s.server = startServer(s.t, s.blocks["file="+file], func(o *app.Options) {
		o.Keys = nil
		if err := os.Mkdir(filepath.Join(filepath.Dir(o.Rules), "reports"), 0o700); err != nil {
			s.t.Fatal(err)
		}
	})
}

// shows runs the commands that the document shows at a stage, on the server.
func (s *setUp) shows(stage string) {
	s.t.Helper()
	s.server.atRest()
	if len(s.served[stage]) == 0 {
		s.t.Errorf("the document shows nothing at the stage %s", stage)
	}
	for _, block := range s.served[stage] {
		command, want, _ := strings.Cut(block, "\n")
		args := append(strings.Fields(strings.TrimPrefix(command, "$ ")), "--data", s.server.app.Data)
		var out strings.Builder
		run(args[1:], streams{in: strings.NewReader(""), out: &out, err: &out, env: noEnv})
		if got := withoutTimes(out.String()); got != withoutTimes(want) {
			s.t.Errorf("%s\nprints\n%s\nbut the document says\n%s", command, out.String(), want)
		}
	}
}

// at is the address of a path of the public listener.
func (s *server) at(path string) string {
	s.t.Helper()
	address, err := url.Parse(s.app.WebhookURL())
	if err != nil {
		s.t.Fatal(err)
	}
	address.Path = path
	return address.String()
}

// atRest waits until nothing is to be sent any more.
func (s *server) atRest() {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) { // polling, not synchronisation
		var page struct{ Deliveries []record.Delivery }
		s.get("/api/v1/deliveries", &page)
		if !slices.ContainsFunc(page.Deliveries, func(d record.Delivery) bool {
			return d.State == record.Pending || d.State == record.Retrying
		}) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("there is still something to be sent: %+v", page)
		}
	}
}

var (
	shellBody   = regexp.MustCompile(`(?s)body='(.*?)'\n`)
	shellTarget = regexp.MustCompile(`curl https://your-host(/\S+)`)
	shellHeader = regexp.MustCompile(`-H "([^:"]+): ([^"]*)"`)
)

// send sends the request that a block of the shell shows. Variables have the values
// that the shell would give them.
func (s *setUp) send(block string, variables map[string]string) reply {
	s.t.Helper()
	text := s.blocks["request="+block]
	body, target := shellBody.FindStringSubmatch(text), shellTarget.FindStringSubmatch(text)
	if body == nil || target == nil {
		s.t.Fatalf("the block request=%s has no body or no curl:\n%s", block, text)
	}
	variables["body"] = body[1]
	if sign := variables["sign"]; sign != "" {
		mac := hmac.New(sha256.New, []byte(sign))
		io.WriteString(mac, variables["timestamp"]+"."+body[1])
		variables["signature"] = hex.EncodeToString(mac.Sum(nil))
	}
	request, err := http.NewRequest(http.MethodPost, s.server.at(target[1]), strings.NewReader(body[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range shellHeader.FindAllStringSubmatch(text, -1) {
		request.Header.Set(m[1], os.Expand(m[2], func(name string) string { return variables[name] }))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{response.StatusCode, string(answer)}
}

func (s *setUp) wants(got reply, block string) {
	s.t.Helper()
	if want := (reply{200, strings.TrimSpace(s.blocks["answer="+block])}); got != want {
		s.t.Errorf("answered %v, and the document says %v", got, want)
	}
}

var shellToken = regexp.MustCompile(`(?m)^CONNECTOR_TOKEN=(\S+)$`)

// A connector posts with a token: what docs/sources.md says is answered and shown.
func TestSourcesDoc_connector(t *testing.T) {
	s := readSetUps(t)
	token := shellToken.FindStringSubmatch(s.blocks["request=connector"])[1]
	t.Setenv("CONNECTOR_TOKEN", token)
	s.start("connector.yaml")
	s.wants(s.send("connector", map[string]string{"CONNECTOR_TOKEN": token}), "connector")
	s.shows("connector")
	again := s.send("connector", map[string]string{"CONNECTOR_TOKEN": token})
	if want := `{"received": true, "events": 1, "new": 0, "duplicates": 1, "quarantined": 0}`; again.body != want {
		t.Errorf("once more: %v", again)
	}
	for variables, want := range map[string]int{"": http.StatusUnauthorized, "another": http.StatusForbidden} {
		if got := s.send("connector", map[string]string{"CONNECTOR_TOKEN": variables}); got.status != want {
			t.Errorf("with the token %q: %v, not %d", variables, got, want)
		}
	}
	published := func(r *http.Request) {
		at, err := url.Parse(s.server.at("/webhooks/mindtickle"))
		if err != nil {
			t.Fatal(err)
		}
		r.URL = at
	}
	if got := s.server.post("e1", oneQuiz, published); got.status != http.StatusNotFound {
		t.Errorf("without a signing secret the published webhook answers %v", got)
	}
}

// A partner signs several events at once.
func TestSourcesDoc_partner(t *testing.T) {
	s := readSetUps(t)
	s.start("partner.yaml")
	signed := func(at time.Time) map[string]string {
		return map[string]string{
			"timestamp": strconv.FormatInt(at.Unix(), 10), "sign": strings.TrimSpace(s.blocks["file=partner-secret"]),
		}
	}
	s.wants(s.send("partner", signed(time.Now())), "partner")
	s.shows("partner")
	again := s.send("partner", signed(time.Now().Add(time.Second)))
	if want := `{"received": true, "events": 3, "new": 0, "duplicates": 3, "quarantined": 0}`; again.body != want {
		t.Errorf("once more: %v", again)
	}
	another := map[string]string{"timestamp": "1772443800", "sign": "another"}
	if got := s.send("partner", another); got.status != http.StatusForbidden {
		t.Errorf("with another secret: %v", got)
	}
}

// A report is tried, and dropped into the folder.
func TestSourcesDoc_report(t *testing.T) {
	s := readSetUps(t)
	s.start("report.yaml")
	s.shows("report-before")
	const name = "quiz-results-2026-03-03.csv"
	upload := filepath.Join(s.server.dir, "upload")
	if err := os.WriteFile(upload, []byte(s.blocks["file="+name]), 0o600); err != nil {
		t.Fatal(err)
	}
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(upload, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(upload, filepath.Join(s.server.dir, "reports", name)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) { // polling, not synchronisation
		var page struct {
			Events []struct{ Status string }
		}
		s.server.get("/api/v1/events?source=report", &page)
		if len(page.Events) == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the report is not read: %+v", page)
		}
	}
	s.shows("report")
}

// TestTheKeysOfSourcesAreExplained holds docs/sources.md to the keys and the
// reasons that there are.
func TestTheKeysOfSourcesAreExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	words := append(keysOfSources(t),
		string(event.FaultNotUTF8), string(event.FaultNotJSON), string(event.FaultDuplicateKey), string(event.FaultTooDeep),
		string(event.FaultNoEvent), string(event.FaultBadData), source.Unmapped, intake.OtherCompany, intake.OutsideWindow,
		intake.ReservedType, intake.SignatureReused, intake.IDReused)
	for _, word := range words {
		if !regexp.MustCompile("[`{ ]" + word + "[`:]").Match(text) {
			t.Errorf("docs/sources.md does not explain %s", word)
		}
	}
}

// keysOfSources are the keys that the schema has below a source, but for those of
// its tests.
func keysOfSources(t *testing.T) (keys []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/rules.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			Each map[string]any `json:"additionalProperties"`
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				walk(v)
			}
		case map[string]any:
			properties, _ := value["properties"].(map[string]any)
			for key, v := range properties {
				keys = append(keys, key)
				if key != "tests" {
					walk(v)
				}
			}
			walk(value["anyOf"])
			walk(value["oneOf"])
		}
	}
	walk(schema.Properties["sources"].Each)
	slices.Sort(keys)
	if keys = slices.Compact(keys); len(keys) < 25 {
		t.Fatalf("the schema has only %v", keys)
	}
	return keys
}

// TestEachExampleOfSourcesIsTested: every rule file on the page is laid out, and its
// source or its rule has a test.
func TestEachExampleOfSourcesIsTested(t *testing.T) {
	s := readSetUps(t)
	examples := 0
	for info, text := range s.blocks {
		name, isFile := strings.CutPrefix(info, "file=")
		if !isFile || !strings.HasSuffix(name, ".yaml") {
			continue
		}
		examples++
		if !strings.Contains(text, "\n    tests:\n") {
			t.Errorf("%s has no tests", name)
		}
		if out, code := inDir(t, ".", "heed", "fmt", "--check", name); code != exitOK {
			t.Errorf("heed fmt would change %s: %s", name, out)
		}
	}
	if examples < 6 {
		t.Errorf("there are only %d examples", examples)
	}
}
