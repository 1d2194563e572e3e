package actions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heed/actions"
	"heed/actions/actiontest"
)

func TestEachMistakeInAConfigurationIsReportedAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"no kind":             {`{}`, `config:1:1: error: the action act must name exactly one kind of action, not be an object [wrong-type] (write act: {stub: {…}}; the kinds are stub)`},
		"empty":               {``, `config:1:1: error: the action act must name exactly one kind of action, not be an object [wrong-type] (write act: {stub: {…}}; the kinds are stub)`},
		"the kind as text":    {`stub`, `config:1:1: error: the action act must name exactly one kind of action, not be the text "stub" [wrong-type] (write act: {stub: {…}}; the kinds are stub)`},
		"a list":              {`[stub]`, `config:1:1: error: the action act must name exactly one kind of action, not be a list [wrong-type] (write act: {stub: {…}}; the kinds are stub)`},
		"an unknown kind":     {`stob: {}`, `config:1:1: error: there is no kind of action called stob [unknown-kind] (did you mean stub?)`},
		"a setting outside":   {"stub: {}\nretry: {attempts: 1}", `config:2:1: error: the action act must name exactly one kind of action; retry is another key beside stub [wrong-type] (move retry below stub, with two more spaces in front, or make it an action of its own)`},
		"an unknown key":      {"stub:\n  timeuot: 5s", `config:2:3: error: the stub action act has no key timeuot [unknown-key] (did you mean timeout?)`},
		"a key given twice":   {"stub:\n  timeout: 5s\n  timeout: 6s", `config:3:3: error: the key timeout is given twice in the stub action act [duplicate-key] (remove one of the two)`},
		"not an object":       {`stub: 5`, `config:1:7: error: the stub action act must be an object of keys and values, not 5 [wrong-type]`},
		"timeout":             {`stub: {timeout: soon}`, `config:1:17: error: timeout of the stub action act must be a duration such as 30s, 5m, 24h or 7d, not the text "soon" [wrong-type]`},
		"no timeout":          {`stub: {timeout: 0s}`, `config:1:17: error: timeout of the stub action act must be a duration such as 30s, 5m, 24h or 7d, not the text "0s" [wrong-type]`},
		"concurrency":         {`stub: {concurrency: 0}`, `config:1:21: error: concurrency of the stub action act must be a whole number from 1 to 1000, not 0 [wrong-type]`},
		"allow_private":       {`stub: {allow_private: yes}`, `config:1:23: error: allow_private of the stub action act must be true or false, not the text "yes" [wrong-type]`},
		"rate without unit":   {`stub: {rate: 60}`, `config:1:14: error: rate of the stub action act must be a number per s, m or h, not 60 [wrong-type] (write rate: 60/m)`},
		"rate of nothing":     {`stub: {rate: 0/m}`, `config:1:14: error: rate of the stub action act must be a number per s, m or h, not the text "0/m" [wrong-type] (write rate: 60/m)`},
		"rate in other units": {`stub: {rate: 60/min}`, `config:1:14: error: rate of the stub action act must be a number per s, m or h, not the text "60/min" [wrong-type] (write rate: 60/m)`},
		"rate as an object":   {`stub: {rate: {m: 60}}`, `config:1:14: error: rate of the stub action act must be a number per s, m or h, not an object [wrong-type] (write rate: 60/m)`},
		"retry as a number":   {`stub: {retry: 3}`, `config:1:15: error: retry of the stub action act must be an object of keys and values, not 3 [wrong-type] (write retry: {attempts: 3})`},
		"retry: unknown key":  {`stub: {retry: {atempts: 3}}`, `config:1:16: error: retry of the stub action act has no key atempts [unknown-key] (did you mean attempts?)`},
		"retry: no attempts":  {`stub: {retry: {attempts: 0}}`, `config:1:26: error: attempts of retry of the stub action act must be a whole number from 1 to 1000, not 0 [wrong-type]`},
		"retry: max < min":    {"stub:\n  retry:\n    min: 1m\n    max: 30s", `config:4:10: error: retry of the stub action act has a max that is less than its min [wrong-type] (swap the two)`},
		"several at once":     {"stub:\n  rate: x\n  colour: red\n  timeout: x", "config:2:9: error: rate of the stub action act must be a number per s, m or h, not the text \"x\" [wrong-type] (write rate: 60/m)\nconfig:3:3: error: the stub action act has no key colour [unknown-key] (known here: timeout, concurrency, allow_private, rate, retry, secret, url)\nconfig:4:12: error: timeout of the stub action act must be a duration such as 30s, 5m, 24h or 7d, not the text \"x\" [wrong-type]"},

		"secret: plain text":   {`stub: {secret: hush}`, `config:1:16: warning: secret of the stub action act stands in the rule file as plain text [plain-secret] (write secret: {env: NAME} or {file: PATH})`},
		"secret: empty":        {"stub:\n  secret:", `config:2:10: error: secret of the stub action act is empty [wrong-type] (write secret: {env: NAME} or {file: PATH})`},
		"secret: a list":       {`stub: {secret: [a]}`, `config:1:16: error: secret of the stub action act must be {env: NAME} or {file: PATH}, not a list [wrong-type] (write secret: {env: NAME})`},
		"secret: both":         {`stub: {secret: {env: SET, file: x}}`, `config:1:16: error: secret of the stub action act needs either env or file [wrong-type] (write secret: {env: NAME} or {file: PATH})`},
		"secret: neither":      {`stub: {secret: {}}`, `config:1:16: error: secret of the stub action act needs either env or file [wrong-type] (write secret: {env: NAME} or {file: PATH})`},
		"secret: unknown key":  {`stub: {secret: {env: SET, fiel: x}}`, `config:1:27: error: secret of the stub action act has no key fiel [unknown-key] (did you mean file?)`},
		"secret: not set":      {`stub: {secret: {env: UNSET}}`, `config:1:16: warning: secret of the stub action act: the environment variable UNSET is not set [missing-env] (set UNSET where heed runs)`},
		"secret: set to space": {`stub: {secret: {env: BLANK}}`, `config:1:16: warning: secret of the stub action act: the environment variable BLANK is not set [missing-env] (set BLANK where heed runs)`},
		"secret: no such file": {`stub: {secret: {file: no/such/file}}`, `config:1:16: warning: secret of the stub action act cannot be used: read secret: open no/such/file: no such file or directory [missing-secret-file] (put the secret, and nothing else, into that file, or correct the path, which is relative to where heed runs)`},

		"url: a template":   {`stub: {url: "https://{{ data.userId }}.example.com"}`, `config:1:13: error: url of the stub action act holds a template [template-in-url] (the configured address is fixed; a rule adds path and query)`},
		"url: relative":     {`stub: {url: /api}`, `config:1:13: error: url of the stub action act is not an absolute address [bad-url] (write https://host/path)`},
		"url: other scheme": {`stub: {url: "ftp://example.com"}`, `config:1:13: error: url of the stub action act is not an absolute address [bad-url] (write https://host/path)`},
		"url: no host":      {`stub: {url: "http://:80/x"}`, `config:1:13: error: url of the stub action act is not an absolute address [bad-url] (write https://host/path)`},
		"url: no address":   {`stub: {url: "http://a b"}`, `config:1:13: error: url of the stub action act is not an absolute address [bad-url] (write https://host/path)`},
		"url: a fragment":   {`stub: {url: "https://example.com/#/api"}`, `config:1:13: error: url of the stub action act holds a #; what follows it is never sent [bad-url] (leave out the # and what follows it)`},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, actiontest.Rule{Kind: &stub{}, Config: c.config, Env: map[string]string{"SET": "x", "BLANK": " \n"}})
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsAreReadOverTheKindsDefaults(t *testing.T) {
	standard := (&stub{}).Defaults()
	for config, change := range map[string]func(*actions.Settings){
		`stub:`:                               func(*actions.Settings) {},
		`stub: {timeout: 1m30s}`:              func(s *actions.Settings) { s.Timeout = 90 * time.Second },
		`stub: {concurrency: 7}`:              func(s *actions.Settings) { s.Concurrency = 7 },
		`stub: {allow_private: true}`:         func(s *actions.Settings) { s.AllowPrivate = true },
		`stub: {allow_private: false}`:        func(*actions.Settings) {},
		`stub: {rate: 60/m}`:                  func(s *actions.Settings) { s.Rate, s.RatePer = 60, time.Minute },
		`stub: {rate: 5 / s}`:                 func(s *actions.Settings) { s.Rate, s.RatePer = 5, time.Second },
		`stub: {rate: 100/h}`:                 func(s *actions.Settings) { s.Rate, s.RatePer = 100, time.Hour },
		`stub: {retry: {attempts: 3}}`:        func(s *actions.Settings) { s.Retry.Attempts = 3 },
		`stub: {retry: {min: 1s, max: 1d}}`:   func(s *actions.Settings) { s.Retry.Min, s.Retry.Max = time.Second, 24*time.Hour },
		`stub: {retry: {min: 1d}}`:            func(s *actions.Settings) { s.Retry.Min, s.Retry.Max = 24*time.Hour, 24*time.Hour },
		`stub: {retry: {max: 1s}}`:            func(s *actions.Settings) { s.Retry.Min, s.Retry.Max = time.Second, time.Second },
		`stub: {retry: {min: 1m, max: 1m}}`:   func(s *actions.Settings) { s.Retry.Min, s.Retry.Max = time.Minute, time.Minute },
		"stub: {retry: {}, url: 'http://h/'}": func(*actions.Settings) {},
	} {
		want := standard
		change(&want)
		got := actiontest.MustCompile(t, actiontest.Rule{Kind: &stub{}, Config: config})
		if diff := cmp.Diff(want, got.Settings); diff != "" {
			t.Errorf("%s: %s", config, diff)
		}
	}
}

func TestASecretThatCannotBeFoundIsAnErrorOnlyWhereSomethingWouldBeSent(t *testing.T) {
	for _, config := range []string{`stub: {secret: {env: UNSET}}`, `stub: {secret: {file: no/such/file}}`} {
		for live, severity := range map[bool]string{false: "warning", true: "error"} {
			got := actiontest.Compile(t, actiontest.Rule{Kind: &stub{}, Config: config, Live: live})
			if len(got.Problems) != 1 || string(got.Problems[0].Severity) != severity || got.Configured == nil {
				t.Errorf("%s, live %t: %s", config, live, actiontest.Lines(got.Problems))
			}
		}
	}
}

func TestASecretComesFromTheEnvironmentOrAFileWithoutItsLineBreak(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string]string{
		`stub: {secret: {env: SECRET}}`:           "from environment",
		`stub: {secret: {file: '` + file + `'}}`:  "from file",
		`stub: {secret: &s literal}`:              "literal",
		`stub: {secret: 0123}`:                    "0123",
		`stub: {<<: {secret: {env: SECRET}}}`:     "from environment",
		`stub: {url: 'https://h', secret: "a b"}`: "a b",
	} {
		kind := &stub{}
		actiontest.Compile(t, actiontest.Rule{Kind: kind, Config: config, Live: true, Env: map[string]string{"SECRET": "from environment\n"}})
		if got, err := kind.secret.Value(); got != want || err != nil {
			t.Errorf("%s: %q, %v", config, got, err)
		}
	}
}

func TestARegistryFindsKindsByName(t *testing.T) {
	kind := &stub{}
	r := actions.NewRegistry(kind)
	if got, ok := r.Lookup("stub"); !ok || got != actions.Kind(kind) {
		t.Errorf("stub is %v, %t", got, ok)
	}
	if _, ok := r.Lookup("Stub"); ok {
		t.Error("a kind that nobody registered was found")
	}
	if diff := cmp.Diff([]string{"stub"}, r.Names(), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}
