package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/rulefile"
	"heed/engine/schema"
	"heed/internal/app"
)

// printedSchema is what "heed schema" prints, read as draft-07: compiling it
// checks it against the draft.
func printedSchema(t *testing.T) (*jsonschema.Schema, []byte) {
	t.Helper()
	var out bytes.Buffer
	if code := run([]string{"schema"}, streams{in: strings.NewReader(""), out: &out, err: &out, env: noEnv}); code != exitOK {
		t.Fatalf("exit %d\n%s", code, &out)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("rules.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if compiled.DraftVersion != 7 {
		t.Fatalf("the schema is of draft %d", compiled.DraftVersion)
	}
	return compiled, out.Bytes()
}

func noEnv(string) (string, bool) { return "", false }

// validate reads the text as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	report := new(document.Report)
	node := document.Parse("rules.yaml", []byte(text), report)
	if node == nil {
		t.Fatalf("not YAML: %v", report.Problems())
	}
	return s.Validate(node.Value())
}

func checks(text string) bool {
	c := app.Compiler(noEnv)
	loaded, _ := c.Compile(rulefile.NewSnapshot([]rulefile.File{{Name: "rules.yaml", Text: []byte(text)}}))
	return loaded != nil
}

func TestSchema_acceptsEveryGoodFile(t *testing.T) {
	s, _ := printedSchema(t)
	good := map[string]string{}
	files, err := filepath.Glob("../../testdata/rules/ok/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "../../rules.example.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		good[name] = string(text)
	}
	for _, doc := range runnable {
		text, err := os.ReadFile(filepath.Join("../..", doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fence.FindAllSubmatch(text, -1) {
			_, name, ok := strings.Cut(string(block[1]), "file=")
			if ok && strings.HasSuffix(name, ".yaml") && !strings.Contains(name, "mistake") {
				good[doc+" "+name] = string(block[2])
			}
		}
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		script, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range script.Files {
			if strings.HasSuffix(f.Name, ".yaml") && checks(string(f.Data)) {
				good[name+" "+f.Name] = string(f.Data)
			}
		}
	}
	for name, text := range good {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchema_knowsTheBadFiles: a file that heed takes with a warning the
// schema takes too, and one with a key that is unknown it does not.
func TestSchema_knowsTheBadFiles(t *testing.T) {
	s, _ := printedSchema(t)
	files, err := filepath.Glob("../../testdata/rules/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	taken, refused := 0, 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		output, err := os.ReadFile(strings.TrimSuffix(name, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		node := document.Parse(name, text, new(document.Report))
		if node == nil {
			continue
		}
		verdict := s.Validate(node.Value())
		switch {
		case checks(string(text)):
			taken++
			if verdict != nil {
				t.Errorf("%s: heed takes it, the schema does not: %v", name, verdict)
			}
		case strings.Contains(string(output), "[unknown-key]"):
			refused++
			if verdict == nil {
				t.Errorf("%s: the schema takes it", name)
			}
		}
	}
	if taken < 20 || refused < 10 {
		t.Errorf("%d files were taken, %d refused for a key", taken, refused)
	}
}

// TestSchema_acceptsWhatHeedAccepts has what is easily refused by mistake.
func TestSchema_acceptsWhatHeedAccepts(t *testing.T) {
	s, _ := printedSchema(t)
	for name, text := range map[string]string{
		"nothing behind keys": "events:\nactions: {console: {log: }}\nrules:\n  - {name: a, on: quiz.submitted, do: [{action: console, text: b}], tests: }",
		"a number as version": "version: 1\nactions: {console: {log: {retry: }}}\n",
		"a text as version":   "version: '1'\nactions: {console: {log: {timeout: 1m30s, rate: 60 / m}}}\n",
		"own types and fields": "events: {deal.won: , quiz.submitted: {description: d, fields: {region: string}}}\n" +
			ruleWith("on: [deal.won, quiz.submitted, nobody.declared], when: true, do: [{action: console, text: 5}]"),
		"a condition over lines": "actions: {console: {log: {}}}\nrules:\n  - name: 7\n    on: quiz.submitted\n    when: |\n      data.score < 70\n        and not data.passed\n    do: [{action: console, text: a, level: WARN}]",
		"every parameter of http": "actions: {lms: {http: {url: 'HTTPS://lms.example.com', headers: {Authorization: {env: A}, X-On: true, X-Of: 1}}}}\n" +
			"rules: [{name: a, on: quiz.submitted, do: [{action: lms, method: put, path: /a, query: {a: true, b: 1}, headers: {X: y}, json: [1, {a: null}], timeout: 5s, expect: 204}]}]",
		"a secret address": "actions: {lms: {http: {url: {env: URL}}}}\nrules: [{name: a, on: quiz.submitted, do: [{action: lms, form: , query: , headers: }]}]",
		"a list of recipients": "actions: {mail: {email: {smtp: 'mail.example.com:25', from: a@example.com, tls: none}}}\n" +
			"rules: [{name: a, on: quiz.submitted, do: [{action: mail, to: [a@example.com, '{{ data.userId }}@example.com'], cc: a@example.com, reply_to: [a@example.com], subject: 5, html: a}]}]",
		"blocks of Slack": "actions: {chat: {slack: {token: {file: token}, channel: '#a'}}}\n" +
			"rules: [{name: a, on: quiz.submitted, do: [{action: chat, blocks: [{type: divider}, {type: section, text: {type: mrkdwn, text: a}}]}]}]",
		"tests of every form": ruleWith("on: [quiz.submitted, course.completed], do: [{action: console, text: a}], tests: [" +
			"{name: a, given: [{event: quiz.submitted, data: {score: '61', own: [1]}}, {event: course.completed, companyId: c1}], expect: {outcome: [matched, matched], actions: []}}," +
			"{name: b, given: {event: quiz.submitted, data: {score: null}}, expect: {actions: [{action: console, text: a}]}}]"),
		"a test without type": ruleWith("on: quiz.submitted, do: [{action: console, text: a}], tests: [{name: a, given: [null, {data: {passed: maybe}}], expect: {outcome: matched}}]"),
	} {
		if !checks(text) {
			t.Errorf("%s: heed itself does not take it", name)
		}
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"a file of tests": "tests:\n  - {rule: a, name: b, now: 2026-03-04T12:00:00Z, given: {event: quiz.submitted}, expect: {outcome: unknown}}",
	} {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const console = "actions: {console: {log: {}}}\n"

func ruleWith(keys string) string { return console + "rules: [{name: a, " + keys + "}]\n" }

func stepWith(keys string) string {
	return ruleWith("on: quiz.submitted, do: [{action: console" + keys + "}]")
}

func actionWith(config string) string { return "actions: {a: {" + config + "}}\n" }

func testWith(keys string) string {
	return ruleWith("on: quiz.submitted, do: [{action: console, text: a}], tests: [{" + keys + "}]")
}

// TestSchema_refusesMistakes has files with one mistake each, and how the
// validator names it. What the schema refuses, heed must refuse too.
func TestSchema_refusesMistakes(t *testing.T) {
	s, _ := printedSchema(t)
	const http = "http: {url: 'https://a.example.com'"
	for name, c := range map[string]struct{ text, want string }{
		"a list at the top":        {"[1]", "at '': got array, want object"},
		"an unknown key on top":    {"ruls: []", "at '': additional properties 'ruls' not allowed"},
		"another version":          {"version: 2\n" + console, "at '/version': value must be one of 1, '1'"},
		"events as a list":         {"events: [deal.won]", "at '/events': got array"},
		"an unknown key of a type": {"events: {deal.won: {feilds: {}}}", "at '/events/deal.won': additional properties 'feilds' not allowed"},
		"an unknown kind of field": {"events: {deal.won: {fields: {a: text}}}", "at '/events/deal.won/fields/a': value must be one of 'string'"},

		"actions as a list":         {"actions: [console]", "at '/actions': got array"},
		"no kind":                   {"actions: {a: {}}", "at '/actions/a': minProperties: got 0, want 1"},
		"a kind as text":            {"actions: {a: log}", "at '/actions/a': got string, want object"},
		"an unknown kind":           {actionWith("slak: {}"), "at '/actions/a': additional properties 'slak' not allowed"},
		"two kinds":                 {actionWith("log: {}, " + http + "}"), "at '/actions/a/log': false schema"},
		"a setting beside the kind": {actionWith("log: {}, timeout: 5s"), "additional properties 'timeout' not allowed"},
		"an unknown key of a kind":  {actionWith("log: {levle: warn}"), "at '/actions/a/log': additional properties 'levle' not allowed"},
		"slack without a way":       {actionWith("slack: {channel: a}"), "at '/actions/a/slack': missing property 'token'"},
		"slack with two ways":       {actionWith("slack: {token: a, webhook_url: 'https://a.example.com'}"), "at '/actions/a/slack/token': false schema"},
		"an empty secret":           {actionWith("slack: {token: , channel: a}"), "at '/actions/a/slack/token': got null"},
		"a secret of neither":       {actionWith("slack: {token: {}, channel: a}"), "at '/actions/a/slack/token': minProperties"},
		"a secret of both":          {actionWith("slack: {token: {env: A, file: a}, channel: a}"), "at '/actions/a/slack/token/env': false schema"},
		"a secret of another":       {actionWith("slack: {token: {evn: A}, channel: a}"), "at '/actions/a/slack/token': additional properties 'evn' not allowed"},
		"http without url":          {actionWith("http: {}"), "at '/actions/a/http': missing property 'url'"},
		"a url without https":       {actionWith("http: {url: a.example.com}"), "at '/actions/a/http/url': 'a.example.com' does not match pattern"},
		"headers as a list":         {actionWith(http + ", headers: [A]}"), "at '/actions/a/http/headers': got array"},
		"an empty header":           {actionWith(http + ", headers: {A: }}"), "at '/actions/a/http/headers/A': got null"},
		"email without smtp":        {actionWith("email: {from: a@example.com}"), "at '/actions/a/email': missing property 'smtp'"},
		"email without from":        {actionWith("email: {smtp: a}"), "at '/actions/a/email': missing property 'from'"},
		"another tls":               {actionWith("email: {smtp: a, from: a@example.com, tls: ssl}"), "at '/actions/a/email/tls': value must be 'starttls'"},
		"a username alone":          {actionWith("email: {smtp: a, from: a@example.com, username: a}"), "at '/actions/a/email': missing property 'password'"},

		"a timeout without unit":  {actionWith("log: {timeout: 15}"), "at '/actions/a/log/timeout': got number, want string"},
		"a timeout of words":      {actionWith("log: {timeout: soon}"), "at '/actions/a/log/timeout': 'soon' does not match pattern"},
		"no timeout at all":       {actionWith("log: {timeout: ''}"), "at '/actions/a/log/timeout': minLength"},
		"retry as a number":       {actionWith("log: {retry: 3}"), "at '/actions/a/log/retry': got number"},
		"an unknown key of retry": {actionWith("log: {retry: {atempts: 3}}"), "at '/actions/a/log/retry': additional properties 'atempts' not allowed"},
		"no attempts":             {actionWith("log: {retry: {attempts: 0}}"), "at '/actions/a/log/retry/attempts': minimum: got 0, want 1"},
		"too many at once":        {actionWith("log: {concurrency: 1001}"), "at '/actions/a/log/concurrency': maximum: got 1,001, want 1,000"},
		"a rate without unit":     {actionWith("log: {rate: 60}"), "at '/actions/a/log/rate': got number, want string"},
		"a rate in another unit":  {actionWith("log: {rate: 60/min}"), "at '/actions/a/log/rate': '60/min' does not match pattern"},
		"allow_private as a text": {actionWith("log: {allow_private: 'yes'}"), "at '/actions/a/log/allow_private': got string, want boolean"},

		"rules as an object":       {"rules: {}", "at '/rules': got object"},
		"a rule as a text":         {"rules: [a]", "at '/rules/0': got string, want object"},
		"an unknown key of a rule": {ruleWith("on: a, do: [{action: console, text: a}], wen: b"), "at '/rules/0': additional properties 'wen' not allowed"},
		"a rule without name":      {console + "rules: [{on: a, do: [{action: console, text: a}]}]", "at '/rules/0': missing property 'name'"},
		"an empty name":            {console + "rules: [{name: '', on: a, do: [{action: console, text: a}]}]", "at '/rules/0/name': minLength"},
		"a name of keys":           {console + "rules: [{name: {a: b}, on: a, do: [{action: console, text: a}]}]", "at '/rules/0/name': got object"},
		"a description as a list":  {ruleWith("description: [a], on: a, do: [{action: console, text: a}]"), "at '/rules/0/description': got array"},
		"a rule without on":        {ruleWith("do: [{action: console, text: a}]"), "at '/rules/0': missing property 'on'"},
		"on nothing":               {ruleWith("on: [], do: [{action: console, text: a}]"), "at '/rules/0/on': minItems: got 0, want 1"},
		"on an object":             {ruleWith("on: {a: b}, do: [{action: console, text: a}]"), "at '/rules/0/on': got object"},
		"on two in one text":       {ruleWith("on: 'a, b', do: [{action: console, text: a}]"), "at '/rules/0/on': 'a, b' does not match pattern"},
		"an empty when":            {ruleWith("on: a, when: , do: [{action: console, text: a}]"), "at '/rules/0/when': got null"},
		"when as an object":        {ruleWith("on: a, when: {a: b}, do: [{action: console, text: a}]"), "at '/rules/0/when': got object"},
		"when as a number":         {ruleWith("on: a, when: 5, do: [{action: console, text: a}]"), "at '/rules/0/when': got number"},
		"a rule without do":        {ruleWith("on: a"), "at '/rules/0': missing property 'do'"},
		"nothing to do":            {ruleWith("on: a, do: []"), "at '/rules/0/do': minItems: got 0, want 1"},
		"do as an object":          {ruleWith("on: a, do: {action: console, text: a}"), "at '/rules/0/do': got object, want array"},

		"a step without action":   {ruleWith("on: a, do: [{text: a}]"), "at '/rules/0/do/0': missing property 'action'"},
		"a step as a text":        {ruleWith("on: a, do: [console]"), "at '/rules/0/do/0': got string, want object"},
		"an unknown parameter":    {stepWith(", txet: a"), "at '/rules/0/do/0': additional properties 'txet' not allowed"},
		"parameters of two kinds": {stepWith(", text: a, blocks: [{type: divider}], level: warn"), "at '/rules/0/do/0': additional properties 'level' not allowed"},
		"an object as text":       {stepWith(", text: {{data.userId: }: }"), "at '/rules/0/do/0/text': got object"},
		"another level":           {stepWith(", text: a, level: loud"), "at '/rules/0/do/0/level': 'loud' does not match pattern"},
		"another method":          {stepWith(", method: PUSH"), "at '/rules/0/do/0/method': 'PUSH' does not match pattern"},
		"two bodies":              {stepWith(", json: {}, body: a"), "at '/rules/0/do/0/json': false schema"},
		"a query as a text":       {stepWith(", query: a=b"), "at '/rules/0/do/0/query': got string"},
		"an object in a query":    {stepWith(", query: {a: {b: c}}"), "at '/rules/0/do/0/query/a': got object"},
		"no status code":          {stepWith(", expect: 99"), "at '/rules/0/do/0/expect': minimum: got 99, want 200"},
		"no status codes":         {stepWith(", expect: []"), "at '/rules/0/do/0/expect': minItems"},
		"an e-mail to nobody":     {stepWith(", subject: a, text: b"), "at '/rules/0/do/0': missing property 'to'"},
		"an e-mail without text":  {stepWith(", to: a@example.com, subject: a"), "at '/rules/0/do/0': missing property 'html'"},
		"two to reply to":         {stepWith(", to: a@example.com, subject: a, text: b, reply_to: [a@example.com, b@example.com]"), "at '/rules/0/do/0/reply_to': maxItems"},
		"a block without type":    {stepWith(", blocks: [{text: a}]"), "at '/rules/0/do/0/blocks/0': missing property 'type'"},
		"no blocks":               {stepWith(", blocks: []"), "at '/rules/0/do/0/blocks': minItems"},

		"tests as an object":        {ruleWith("on: a, do: [{action: console, text: a}], tests: {name: a}"), "at '/rules/0/tests': got object"},
		"a test without name":       {testWith("given: {}, expect: {outcome: matched}"), "at '/rules/0/tests/0': missing property 'name'"},
		"a test without given":      {testWith("name: a, expect: {outcome: matched}"), "at '/rules/0/tests/0': missing property 'given'"},
		"a test without expect":     {testWith("name: a, given: {}"), "at '/rules/0/tests/0': missing property 'expect'"},
		"an unknown key of a test":  {testWith("name: a, given: {}, expect: {outcome: matched}, expcet: a"), "at '/rules/0/tests/0': additional properties 'expcet' not allowed"},
		"a rule in a rule's test":   {testWith("name: a, rule: a, given: {}, expect: {outcome: matched}"), "at '/rules/0/tests/0': additional properties 'rule' not allowed"},
		"an unknown key of given":   {testWith("name: a, given: {date: {}}, expect: {outcome: matched}"), "at '/rules/0/tests/0/given': additional properties 'date' not allowed"},
		"data as a text":            {testWith("name: a, given: {data: a}, expect: {outcome: matched}"), "at '/rules/0/tests/0/given/data': got string"},
		"an unknown key of expect":  {testWith("name: a, given: {}, expect: {outcmoe: matched}"), "at '/rules/0/tests/0/expect': additional properties 'outcmoe' not allowed"},
		"an unknown outcome":        {testWith("name: a, given: {}, expect: {outcome: matchd}"), "at '/rules/0/tests/0/expect/outcome': value must be 'matched'"},
		"an unknown outcome listed": {testWith("name: a, given: [{}], expect: {outcome: [matchd]}"), "at '/rules/0/tests/0/expect/outcome/0': value must be 'matched'"},
		"nothing expected":          {testWith("name: a, given: {}, expect: {}"), "at '/rules/0/tests/0/expect': minProperties"},
		"actions as an object":      {testWith("name: a, given: {}, expect: {actions: {action: console}}"), "at '/rules/0/tests/0/expect/actions': got object"},
		"an action as a text":       {testWith("name: a, given: {}, expect: {actions: [console]}"), "at '/rules/0/tests/0/expect/actions/0': got string"},
		"now without a date":        {testWith("name: a, now: noon, given: {}, expect: {outcome: matched}"), "at '/rules/0/tests/0/now': 'noon' does not match pattern"},
		"a test of no rule":         {"tests: [{name: a, given: {}, expect: {outcome: matched}}]", "at '/tests/0': missing property 'rule'"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, s, c.text)
			if err == nil || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
			}
			if checks(c.text) {
				t.Errorf("%s\nheed takes it", c.text)
			}
		})
	}
}

// TestSchema_describesTheKeysThatEachKindReads holds each kind's Describe to what its
// Configure and Step take, and so the settings and secrets to theirs.
func TestSchema_describesTheKeysThatEachKindReads(t *testing.T) {
	reader := app.Compiler(noEnv).Actions
	described := reader.Registry.DescribeConfig()
	for _, name := range reader.Registry.Names() {
		kind, _ := reader.Registry.Lookup(name)
		config := described.Properties.Get(name)
		seen, configured := readConfig(t, reader, "{"+name+": {retry: {}}}")
		sameKeys(t, name, config, seen["the "+name+" action act"])
		sameKeys(t, name+": retry", config.Properties.Get("retry"), seen["retry of the "+name+" action act"])

		fields := parseNode(t, "{}", new(document.Report)).Fields(new(document.Report), "step")
		configured.Step(&actions.Params{Fields: fields, Scope: expression.NewScope(event.Standard().Types())})
		sameKeys(t, name+" in a rule", kind.Describe().Params, fields.Known())
	}
	seen, _ := readConfig(t, reader, "{slack: {token: {env: A}}}")
	parts, _ := readConfig(t, reader, "{http: {oauth2: {client_id: a}, sign: {secret: a}, tls: {ca: a}}}")
	for _, key := range []string{"oauth2", "sign", "tls"} {
		sameKeys(t, key, described.Properties.Get("http").Properties.Get(key), parts[key+" of the http action act"])
	}
	sameKeys(t, "a secret", described.Properties.Get("slack").Properties.Get("token"), seen["token of the slack action act"])
}

// readConfig reads a configuration; seen are the keys that were asked for, by
// what they were asked of.
func readConfig(
	t *testing.T, reader actions.Reader, text string,
) (seen map[string][]string, configured *actions.Configured) {
	t.Helper()
	seen = map[string][]string{}
	report := &document.Report{Seen: func(f *document.Fields) { seen[f.What()] = f.Known() }}
	return seen, reader.Read(parseNode(t, "act", report), parseNode(t, text, report), report)
}

func parseNode(t *testing.T, text string, report *document.Report) *document.Node {
	t.Helper()
	node := document.Parse("text", []byte(text), report)
	if node == nil {
		t.Fatalf("not YAML: %s", text)
	}
	return node
}

func sameKeys(t *testing.T, what string, described *schema.Value, read []string) {
	t.Helper()
	names := described.Properties.Names()
	slices.Sort(names)
	slices.Sort(read)
	if !slices.Equal(names, read) {
		t.Errorf("%s: described are %v, read are %v", what, names, read)
	}
}

func TestSchema_describesTheEventTypes(t *testing.T) {
	s := app.Compiler(noEnv).Describe()
	on := s.Properties.Get("rules").Items.Properties.Get("on")
	var names []string
	for _, one := range on.AnyOf {
		if one.Const == nil {
			continue
		}
		name := one.Const.(string)
		names = append(names, name)
		if want := event.Standard().Lookup(name).Description; one.Description != want {
			t.Errorf("%s is described as %q, not %q", name, one.Description, want)
		}
	}
	if !slices.Equal(names, event.Standard().Names()) {
		t.Errorf("got %v", names)
	}
}

// TestSchema_examplesNeedNoQuotes matters since editors write them
// into the file as they are.
func TestSchema_examplesNeedNoQuotes(t *testing.T) {
	_, text := printedSchema(t)
	var schema any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	found := 0
	eachExample(schema, func(example string) {
		found++
		if node := document.Parse("text", []byte("key: "+example), new(document.Report)); node == nil || node.Get("key").Scalar() != example {
			t.Errorf("%s needs quotes", example)
		}
	})
	if found < 10 {
		t.Errorf("found %d examples", found)
	}
}

func eachExample(value any, call func(string)) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			eachExample(item, call)
		}
	case map[string]any:
		examples, _ := v["examples"].([]any)
		for _, example := range examples {
			if text, ok := example.(string); ok {
				call(text)
			}
		}
		for _, child := range v {
			eachExample(child, call)
		}
	}
}
