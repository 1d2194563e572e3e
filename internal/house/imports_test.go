package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// order says for each package which packages of heed's it may import, and why
// not more. A package that is not named here fails the test: give it a place.
var order = map[string]struct {
	may []string
	why string
}{
	"engine/suggest":  {nil, "finding the word that was meant needs nothing"},
	"engine/event":    {nil, "everybody speaks of events, so the word must not drag anything in"},
	"engine/record":   {nil, "intake, delivery, store and admin share these words without knowing each other"},
	"engine/table":    {nil, "reading CSV knows nothing of what the tables are for"},
	"engine/schema":   {nil, "the words of descriptions know nothing of what they describe"},
	"engine/document": {[]string{"engine/suggest"}, "reading YAML with places knows nothing of what it reads"},
	"engine/layout":   {[]string{"engine/document"}, "laying out YAML knows nothing of what it says"},
	"engine/expression": {
		[]string{"engine/event", "engine/expression/syntax", "engine/suggest"},
		"the language must not depend on where expressions are written",
	},
	"engine/expression/syntax": {nil, "what a tree of an expression holds needs neither types nor events"},
	"engine/expression/lint": {
		[]string{"engine/event", "engine/expression", "engine/expression/syntax"},
		"lint looks at expressions that compile; compiling them knows nothing of it",
	},
	"engine/state":  {[]string{"engine/record"}, "what rules remember is a fold over rows: it knows no events, no expressions and no store"},
	"engine":        {[]string{"engine/event", "engine/expression", "engine/record", "engine/state"}, "deciding is pure: no files, no store, no actions"},
	"engine/source": {[]string{"engine/event", "engine/expression"}, "how a request or a row becomes an event does not depend on who brings it or where it is stored"},
	"engine/intake": {[]string{"engine", "engine/event", "engine/expression", "engine/record", "engine/source", "engine/state"}, "the front door sees a store only through its own interface"},
	"engine/sentence": {
		[]string{"engine", "engine/event", "engine/expression", "engine/state"},
		"a sentence describes a compiled rule, whoever shows it",
	},
	"engine/backtest": {
		[]string{"engine", "engine/event", "engine/expression", "engine/intake", "engine/record", "engine/state"},
		"a backtest uses the engine and the intake that decide real events, and reads events through its own interface",
	},
	"engine/people": {[]string{"engine/event", "engine/record", "engine/suggest", "engine/table"}, "what is known of people follows from events alone, and sees a store only through its own interface"},
	"engine/rulefile": {
		[]string{
			"actions", "engine", "engine/event", "engine/expression", "engine/expression/lint", "engine/layout", "engine/record", "engine/schema", "engine/document",
			"engine/source", "engine/state", "engine/suggest", "engine/table",
		},
		"rule files know what an action is, but no kind of action",
	},
	"engine/ruletest": {
		[]string{
			"engine", "engine/event", "engine/expression", "engine/intake", "engine/layout", "engine/record", "engine/document",
			"engine/rulefile", "engine/source", "engine/state", "engine/suggest", "engine/table",
		},
		"a dry run uses the engine that decides, and cannot send: it knows no action",
	},
	"actions":          {[]string{"engine/expression", "engine/expression/lint", "engine/record", "engine/schema", "engine/document", "engine/suggest"}, "what an action is does not depend on rules or stores"},
	"actions/outbound": {[]string{"actions"}, "the guarded transport is below the kinds that use it"},
	"actions/connect": {
		[]string{"actions", "actions/outbound", "engine/document", "engine/schema"},
		"how kinds connect is configured alike, and knows no kind",
	},
	"actions/slack":           {kindMay, kindWhy},
	"actions/httpcall":        {kindMay, kindWhy},
	"actions/email":           {kindMay, kindWhy},
	"actions/log":             {kindMay, kindWhy},
	"actions/delivery":        {[]string{"actions", "engine/record", "internal/plain"}, "when to send is independent of how, and of where deliveries are kept"},
	"internal/store":          {[]string{"actions", "actions/delivery", "engine/intake", "engine/people", "engine/record", "engine/source", "engine/state", "internal/admin/access", "internal/inbox", "internal/store/postgres"}, "the store implements its callers' interfaces; it does not know who calls"},
	"internal/store/postgres": {nil, "how a PostgreSQL server is spoken to does not depend on what is kept there"},
	"internal/ingest":         {[]string{"engine/event", "engine/intake", "engine/source", "engine/suggest", "engine/table"}, "rows in: it hands over and counts"},
	"internal/receiver":       {[]string{"engine/intake", "engine/source", "internal/plain"}, "HTTP in: it hands over and answers"},
	"internal/inbox":          {nil, "that a file is complete does not depend on what is in it, or on where it is kept in mind that it was read"},
	"internal/admin": {
		[]string{"actions/delivery", "engine", "engine/backtest", "engine/event", "engine/expression", "engine/people", "engine/record", "engine/ruletest", "engine/sentence", "engine/document", "engine/state", "engine/suggest", "internal/admin/access", "internal/ingest", "internal/plain", "internal/wording"},
		"the service answers with plain values and sees store and people only through its own interfaces",
	},
	"internal/admin/access":  {nil, "who may do what does not depend on what there is to do"},
	"internal/admin/routing": {nil, "which methods a path takes does not depend on what is done there"},
	"internal/admin/console": {
		[]string{
			"engine", "engine/backtest", "engine/document", "engine/event", "engine/expression", "engine/people", "engine/record", "engine/ruletest",
			"engine/state", "engine/suggest", "internal/admin", "internal/admin/access", "internal/admin/routing", "internal/plain", "internal/wording",
		},
		"pages show what the service answers: they see no store, no rule file and no action",
	},
	"internal/wording": {
		[]string{"engine", "engine/expression", "engine/record", "engine/state", "internal/plain"},
		"words for what happened decide nothing, so that the command line and the console say the same",
	},
	"internal/admin/api": {
		[]string{"engine/event", "engine/people", "engine/record", "engine/suggest", "internal/admin", "internal/admin/access", "internal/admin/routing", "internal/plain"},
		"HTTP only parses and renders: what is asked is the service's to answer",
	},
	"internal/notice":     {nil, "what happened is counted here; what it means is connected in internal/app"},
	"internal/mindtickle": {[]string{"actions", "actions/outbound"}, "the subscription goes through the guarded transport and knows nothing else"},
	"internal/metrics":    {nil, "metrics are connected in internal/app; the parts know nothing of them"},
	"internal/plain":      {nil, "what may be printed does not depend on what it says"},
	"internal/house":      {nil, "only tests"},
	"internal/loadtest":   {[]string{"*"}, "a program of its own: it measures all of heed"},
	"internal/app":        {[]string{"*"}, "the wiring is the one place that knows everything but the commands"},
	"cmd/heed": {
		[]string{
			"actions", "actions/delivery", "actions/outbound", "engine", "engine/backtest", "engine/event", "engine/expression", "engine/people",
			"engine/record", "engine/rulefile", "engine/ruletest", "engine/document", "engine/source", "engine/state", "engine/suggest",
			"internal/admin", "internal/admin/access", "internal/admin/api", "internal/app", "internal/mindtickle", "internal/plain", "internal/receiver", "internal/store",
			"internal/wording",
		},
		"commands are flags, words and exit codes: they decide nothing, send nothing and know no kind of action",
	},

	"internal/store/pgtest":    {nil, "a database for a test"},
	"internal/store/storetest": {[]string{"actions", "actions/delivery", "engine/event", "engine/intake", "engine/people", "engine/record", "engine/state", "internal/admin/access"}, "the conformance suite is for any store"},
	"actions/actiontest":       {[]string{"actions", "actions/outbound", "engine/event", "engine/expression", "engine/document"}, "help for the tests of the kinds, for any kind"},
}

var (
	kindMay = []string{
		"actions", "actions/connect", "actions/outbound", "engine/expression", "engine/expression/lint",
		"engine/record", "engine/schema", "engine/document", "engine/suggest",
	}
	kindWhy = "a kind of action owns its config, checks, rendering and sending, and knows no other kind"
)

// external says which packages alone may import a library, so that it can be
// replaced in one place.
var external = map[string][]string{
	"gopkg.in/yaml.v3":              {"engine/layout", "engine/document"},
	"github.com/expr-lang/expr":     {"engine/expression", "engine/expression/lint", "engine/expression/syntax"},
	"github.com/fsnotify/fsnotify":  {"engine/rulefile", "internal/inbox"},
	"golang.org/x/oauth2":           {"actions/outbound"},
	"github.com/slack-go/slack":     {"actions/slack"},
	"github.com/wneessen/go-mail":   {"actions/email"},
	"modernc.org/sqlite":            {"internal/store"},
	"github.com/jackc/pgx":          {"internal/store/postgres", "internal/store/pgtest"},
	"github.com/pressly/goose":      {"internal/store"},
	"github.com/spf13/cobra":        {"cmd/heed"},
	"go.opentelemetry.io/":          {"internal/app"},
	"github.com/google/uuid":        {"engine/expression"},
	"github.com/prometheus/client_": {"internal/metrics"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "heed/")
		rule, known := order[name]
		if !known {
			t.Errorf("%s has no place in the order of imports: add it to internal/house", name)
			continue
		}
		for _, imported := range p.Imports {
			own, isOwn := strings.CutPrefix(imported, "heed/")
			if isOwn && !slices.Contains(rule.may, own) && !slices.Contains(rule.may, "*") {
				t.Errorf("%s imports %s: %s", name, own, rule.why)
			}
			for library, users := range external {
				if strings.HasPrefix(imported, library) && !slices.Contains(users, name) {
					t.Errorf("%s imports %s, which only %v may, so that it can be replaced there", name, imported, users)
				}
			}
		}
	}
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports", "heed/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
