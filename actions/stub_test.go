package actions_test

import (
	"context"
	"time"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/schema"
)

// stub is a kind of action with one key of each sort.
type stub struct{ secret actions.Secret }

func (*stub) Name() string { return "stub" }

func (*stub) Defaults() actions.Settings {
	return actions.Settings{Retry: actions.DefaultRetry, Timeout: 15 * time.Second, Concurrency: 2}
}

func (s *stub) Configure(c *actions.Config) actions.Action {
	s.secret = c.Secret("secret")
	if node := c.Take("url"); node != nil {
		c.CheckURL("url", node, node.Text())
	}
	return s
}

func (*stub) Describe() actions.Description {
	any := func(name string) schema.Key { return schema.Optional(name, schema.Any("string", "")) }
	return actions.Description{
		Config: schema.Object("a stub", schema.Optional("secret", actions.DescribeSecret("")), any("url")),
		Params: schema.Object("stub: a step", any("text"), any("args"), any("json"), any("safe"), any("key"), any("to")),
	}
}

type stubStep struct {
	text *expression.Template
	args []actions.NamedTemplate
	json *actions.JSON
	safe *actions.JSON
	key  *expression.Value
	to   string
}

func (s *stub) Step(p *actions.Params) actions.Step {
	step := stubStep{text: p.Template("text"), args: p.Templates("args"), json: p.JSON("json", nil), key: p.Expression("key")}
	if node := p.Take("safe"); node != nil {
		step.safe = p.JSONOf("safe", node, marked(p))
	}
	step.to, _ = p.Literal("to")
	return step
}

// Render gives what is there, text before all else.
func (s stubStep) Render(env *expression.Env) (any, error) {
	switch {
	case s.text != nil:
		return s.text.Text(env, expression.Plain), nil
	case s.json != nil:
		return s.json.Render(env), nil
	case s.safe != nil:
		return s.safe.Render(env), nil
	default:
		var list []string
		for _, a := range s.args {
			list = append(list, a.Key.Text()+"="+a.Text(env, expression.Plain))
		}
		return list, nil
	}
}

func (s *stub) Send(context.Context, actions.Message) actions.Outcome {
	return actions.Outcome{Verdict: actions.Done}
}

// marked marks what stands in a hole with the key it stands under.
func marked(p *actions.Params) actions.Texts {
	return func(_ *document.Node, key string, text *document.Node) *expression.Template {
		t := p.TemplateOf("safe", text)
		if t != nil {
			t.EscapeEach(func(expression.Hole) func(string) string {
				return func(s string) string { return key + "<" + s + ">" }
			})
		}
		return t
	}
}
