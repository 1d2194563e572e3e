// Package actiontest helps to test a kind of action: it reads a configuration
// and a rule's step as the rule file does, renders events and sends them. Only
// tests import it.
package actiontest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/expression"
)

// Noon is the time at which events are rendered.
var Noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// DeliveryID is the id of every delivery that Send makes.
const DeliveryID = "d0000000000000000001"

// Rule is an action's configuration and one step that uses it.
type Rule struct {
	Kind actions.Kind
	// Config is what a rule file says below the action's name, such as
	// "log: {}". Its problems are in the file "config".
	Config string
	// Step are the keys beside "action:", such as "text: hello". Its problems
	// are in the file "step". Empty: there is no step.
	Step string
	// Env are the environment variables; Live says that deliveries are sent.
	Env  map[string]string
	Live bool
}

// Compiled is a Rule as heed has it, with all its problems.
type Compiled struct {
	*actions.Configured
	Step     actions.Step
	Problems []document.Problem
}

// Compile reads a rule. The action's name is "act", its event type
// quiz.submitted.
func Compile(t testing.TB, r Rule) *Compiled {
	t.Helper()
	report := new(document.Report)
	config := parse(t, "config", r.Config, report)
	reader := actions.Reader{
		Registry: actions.NewRegistry(r.Kind),
		LookupEnv: func(name string) (string, bool) {
			value, ok := r.Env[name]
			return value, ok
		},
		Live: r.Live,
	}
	c := &Compiled{Configured: reader.Read(parse(t, "name", "act", report), config, report)}
	if c.Configured != nil && r.Step != "" {
		fields := parse(t, "step", r.Step, report).Fields(report, "the "+c.Kind+" action "+c.Name)
		scope := expression.NewScope([]*event.Type{quiz})
		c.Step = c.Configured.Step(&actions.Params{Fields: fields, Scope: scope})
		fields.Done()
	}
	c.Problems = report.Problems()
	return c
}

func parse(t testing.TB, name, text string, report *document.Report) *document.Node {
	t.Helper()
	node := document.Parse(name, []byte(text), report)
	if node == nil {
		t.Fatalf("%s is no YAML: %v", name, report.Problems())
	}
	return node
}

// MustCompile is like Compile, for a rule without problems.
func MustCompile(t testing.TB, r Rule) *Compiled {
	t.Helper()
	c := Compile(t, r)
	if len(c.Problems) > 0 {
		t.Fatalf("the rule has problems:\n%s", Lines(c.Problems))
	}
	return c
}

// Lines writes problems as "place: severity: message [code] (hint)", a line
// each.
func Lines(problems []document.Problem) string {
	var lines bytes.Buffer
	for i := range problems {
		fmt.Fprint(&lines, &problems[i])
		if problems[i].Hint != "" {
			fmt.Fprintf(&lines, " (%s)", problems[i].Hint)
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}

// quiz is the type of the events: quiz.submitted with an e-mail address.
var quiz = func() *event.Type {
	catalog, err := event.Standard().With(event.Type{
		Name:   "quiz.submitted",
		Fields: []event.Field{{Name: "email", Kind: event.Text}},
	})
	if err != nil {
		panic(err)
	}
	return catalog.Lookup("quiz.submitted")
}()

// Render renders the step for a quiz.submitted event with this data, as JSON,
// in the form in which it is recorded.
func (c *Compiled) Render(t testing.TB, data string) (json.RawMessage, error) {
	t.Helper()
	e, err := event.Decode([]byte(`{"event":"quiz.submitted","companyId":"c1","data":` + data + `}`))
	if err != nil {
		t.Fatalf("decode %s: %v", data, err)
	}
	e.ID, e.ReceivedAt = "e1", Noon
	request, err := c.Step.Render(expression.NewEnv(&e, quiz, Noon))
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		t.Fatalf("the request is not ready for JSON: %v", err)
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// MustRender is like Render, but fails the test on an error.
func (c *Compiled) MustRender(t testing.TB, data string) json.RawMessage {
	t.Helper()
	request, err := c.Render(t, data)
	if err != nil {
		t.Fatalf("render %s: %v", data, err)
	}
	return request
}

// Send renders the step and sends it within the action's timeout.
func (c *Compiled) Send(t testing.TB, data string) actions.Outcome {
	t.Helper()
	return c.SendRequest(t.Context(), c.MustRender(t, data))
}

// SendRequest sends a rendered request within the action's timeout.
func (c *Compiled) SendRequest(ctx context.Context, request json.RawMessage) actions.Outcome {
	ctx, stop := context.WithTimeout(ctx, c.Timeout)
	defer stop()
	return c.Configured.Send(ctx, actions.Message{ID: DeliveryID, Request: request})
}
