package actions

import (
	"heed/engine/expression"
	"heed/engine/source"
)

// Params is what a kind reads a rule's parameters from: the keys beside
// "action:" in one entry of "do:".
type Params struct {
	*source.Fields
	// Scope is what the rule's expressions may name.
	Scope *expression.Scope
}

// Template takes a text that may hold {{ expressions }}; nil if it is absent
// or no text.
func (p *Params) Template(key string) *expression.Template {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	return p.TemplateOf(key, node)
}

// TemplateOf compiles a text that may hold {{ expressions }}; key names it in
// messages.
func (p *Params) TemplateOf(key string, node *source.Node) *expression.Template {
	if !node.IsScalar() || node.IsNull() {
		p.Report().Errorf(node.Place(), "wrong-type", "%s of %s must be a text, not %s", key, p.What(), node.Describe())
		return nil
	}
	template, faults := p.Scope.Template(node.Text())
	ReportFaults(p.Report(), node, faults)
	if len(faults) > 0 {
		return nil
	}
	return template
}

// Templates takes an object of texts, such as query or headers, in the order
// in which they are written.
func (p *Params) Templates(key string) []NamedTemplate {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	var named []NamedTemplate
	for _, pair := range node.Fields(p.Report(), key+" of "+p.What()).Pairs() {
		if t := p.TemplateOf(pair.Key.Text()+" in "+key, pair.Value); t != nil {
			named = append(named, NamedTemplate{pair.Key, t})
		}
	}
	return named
}

// NamedTemplate is a template under a key.
type NamedTemplate struct {
	Key *source.Node
	*expression.Template
}

// Literal takes a text that may not hold templates.
func (p *Params) Literal(key string) (string, bool) {
	node := p.Take(key)
	if node == nil {
		return "", false
	}
	template := p.TemplateOf(key, node)
	if template == nil {
		return "", false
	}
	text, literal := template.IsLiteral()
	if !literal {
		p.Report().Errorf(node.Place(), "template-not-allowed", "%s of %s is fixed: it cannot hold a template", key, p.What()).
			Suggest("an event must not choose where a message goes; write one rule for each %s", key)
	}
	return text, literal
}

// Expression takes an expression, without braces; nil if it is absent.
func (p *Params) Expression(key string) *expression.Value {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	value, faults := p.Scope.Value(node.Text())
	ReportFaults(p.Report(), node, faults)
	return value
}

// JSON takes a value of any shape whose texts may hold templates; nil if it is
// absent.
func (p *Params) JSON(key string) *JSON {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	return p.JSONOf(key, node, nil)
}

// JSONOf compiles a value of any shape. escape, if not nil, escapes what
// stands in a hole amid other text.
func (p *Params) JSONOf(key string, node *source.Node, escape func(string) string) *JSON {
	j := &JSON{escape: escape}
	switch {
	case node.IsObject():
		j.object = map[string]*JSON{}
		for _, pair := range node.Fields(p.Report(), key+" of "+p.What()).Pairs() {
			j.object[pair.Key.Text()] = p.JSONOf(key, pair.Value, escape)
		}
	case node.IsList():
		j.list = []*JSON{}
		for _, item := range node.Items() {
			j.list = append(j.list, p.JSONOf(key, item, escape))
		}
	case node.IsText():
		j.template = p.TemplateOf(key, node)
	default:
		j.constant = node.Scalar()
	}
	return j
}

// JSON is a compiled value of any shape.
type JSON struct {
	object   map[string]*JSON
	list     []*JSON
	template *expression.Template
	constant any
	escape   func(string) string
}

// Render makes the value for an event. A text that is exactly one hole keeps
// the type of its value; a missing one is null.
func (j *JSON) Render(env *expression.Env) any {
	switch {
	case j.object != nil:
		object := make(map[string]any, len(j.object))
		for key, value := range j.object {
			object[key] = value.Render(env)
		}
		return object
	case j.list != nil:
		list := make([]any, len(j.list))
		for i, value := range j.list {
			list[i] = value.Render(env)
		}
		return list
	case j.template == nil:
		return j.constant
	case j.escape != nil:
		return j.template.Text(env, j.escape)
	default:
		return j.template.JSON(env)
	}
}

// ReportFaults reports the faults of an expression or template at their places
// in the node that holds it.
func ReportFaults(report *source.Report, node *source.Node, faults []expression.Fault) {
	for _, f := range faults {
		report.Errorf(node.Within(f.From, f.To), f.Code, "%s", f.Message).Suggest("%s", f.Hint)
	}
}
