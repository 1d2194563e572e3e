package actions

import (
	"strings"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/expression/lint"
)

// Params is what a kind reads a rule's parameters from: the keys next to "action:" in
// one entry of "do:".
type Params struct {
	*document.Fields
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
func (p *Params) TemplateOf(key string, node *document.Node) *expression.Template {
	return p.compile(key, node, p.Scope.CheckTemplate, false)
}

// MentionTemplateOf is like TemplateOf, for a text in which people can be mentioned.
func (p *Params) MentionTemplateOf(key string, node *document.Node) *expression.Template {
	return p.compile(key, node, p.Scope.CheckMentionTemplate, false)
}

// AddressTemplateOf is like TemplateOf, for a text that gives an e-mail address.
func (p *Params) AddressTemplateOf(key string, node *document.Node) *expression.Template {
	return p.compile(key, node, p.Scope.CheckTemplate, true)
}

func (p *Params) compile(
	key string, node *document.Node, check func(string) (*expression.TemplateTree, []expression.Problem), address bool,
) *expression.Template {
	if !CheckText(p.Fields, key, node) {
		return nil
	}
	tree, problems := check(node.Text())
	if tree != nil {
		problems = lint.Template(tree, address)
	}
	ReportComments(p.Report(), node, expression.TemplateComments(node.Text()))
	ReportProblems(p.Report(), node, problems)
	if expression.HasErrors(problems) {
		return nil
	}
	return tree.Template()
}

// CheckText reports a value that is not a text, and what YAML made of a text
// without quotes. It says whether the value is sound.
func CheckText(f *document.Fields, key string, node *document.Node) bool {
	report := f.Report()
	switch {
	case node.Tag() != "":
		report.Errorf(node.Place(), "yaml-tag", "YAML takes %s for a tag, not for text", node.Tag()).
			Suggest("put quotes round the whole text")
	case node.IsNull() && comment(f, node) != "":
		report.Errorf(node.Place(), "yaml-comment", "YAML takes %q for a comment, so %s of %s is empty",
			comment(f, node), key, f.What()).
			Suggest("put quotes round it: %q", comment(f, node))
	case node.IsObject() && strings.HasPrefix(node.Written(), "{{"):
		report.Errorf(node.Place(), "wrong-type", "%s of %s must be a text, not %s", key, f.What(), node.Describe()).
			Suggest("put quotes round a text that starts with {{")
	case node.IsObject() && key == "body":
		report.Errorf(node.Place(), "wrong-type", "body of %s must be a text, not %s", f.What(), node.Describe()).
			Suggest("write json: instead of body:")
	case node.IsList():
		report.Errorf(node.Place(), "wrong-type", "%s of %s must be a text, not %s", key, f.What(), node.Describe()).
			Suggest("write one text; for several, write several actions")
	case strings.HasPrefix(comment(f, node), "#") && len(comment(f, node)) > 1 && comment(f, node)[1] != ' ' &&
		!node.IsNull():
		report.Warnf(node.Place(), "yaml-comment", "YAML takes %q for a comment, so %s of %s ends in front of it",
			comment(f, node), key, f.What()).
			Suggest("put quotes round the whole text, or write a space behind the # of a comment")
		return true
	case !node.IsScalar() || node.IsNull():
		report.Errorf(node.Place(), "wrong-type", "%s of %s must be a text, not %s", key, f.What(), node.Describe())
	default:
		return true
	}
	return false
}

// comment returns the comment after the key of an empty value, which may have been
// meant as the value.
func comment(f *document.Fields, node *document.Node) string {
	if behind := node.Comment(); behind != "" {
		return behind
	}
	for _, pair := range f.Pairs() {
		if pair.Value == node {
			return pair.Key.Comment()
		}
	}
	return ""
}

// entries returns an object's entries. Keys are fixed: a key that is a template, or
// that YAML made of a template without quotes, is reported.
func (p *Params) entries(key string, node *document.Node) []document.Pair {
	var sound []document.Pair
	for _, pair := range node.Fields(p.Report(), key+" of "+p.What()).Pairs() {
		switch {
		case !pair.Key.IsScalar():
			p.Report().Errorf(pair.Key.Place(), "wrong-type", "a key in %s of %s is %s, not a text", key, p.What(),
				pair.Key.Describe()).
				Suggest(`put quotes round a template: "{{ … }}"`)
		case strings.Contains(pair.Key.Text(), "{{"):
			p.Report().Errorf(pair.Key.Place(), "template-not-allowed",
				"a key in %s of %s holds a template; keys are fixed", key, p.What()).
				Suggest("use templates in values only")
		default:
			sound = append(sound, pair)
		}
	}
	return sound
}

// Templates takes an object of texts, such as query or headers, in the order
// in which they are written.
func (p *Params) Templates(key string) []NamedTemplate {
	return p.templates(key, func(value *document.Node) []*document.Node { return []*document.Node{value} })
}

// TemplateLists is like Templates, but a value may also be a list of texts: each text
// is then a template under the same key.
func (p *Params) TemplateLists(key string) []NamedTemplate {
	return p.templates(key, (*document.Node).Each)
}

func (p *Params) templates(key string, texts func(value *document.Node) []*document.Node) []NamedTemplate {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	var named []NamedTemplate
	for _, pair := range p.entries(key, node) {
		for _, item := range texts(pair.Value) {
			if t := p.TemplateOf(pair.Key.Text()+" in "+key, item); t != nil {
				named = append(named, NamedTemplate{pair.Key, t})
			}
		}
	}
	return named
}

// NamedTemplate is a template under a key.
type NamedTemplate struct {
	Key *document.Node
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
		p.Report().Errorf(node.Place(), "template-not-allowed", "%s of %s is fixed: it cannot hold a template", key,
			p.What()).
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
	return CompileValue(p.Report(), node, p.Scope)
}

// CompileValue compiles the expression in a node and reports its problems; nil if
// one is an error.
func CompileValue(report *document.Report, node *document.Node, scope *expression.Scope) *expression.Value {
	tree, problems := scope.Check(node.Text())
	if tree != nil {
		problems = lint.Tree(tree, lint.Value)
	}
	ReportComments(report, node, expression.Comments(node.Text()))
	ReportProblems(report, node, problems)
	if tree == nil {
		return nil
	}
	return tree.Value()
}

// ReportProblems reports the problems of an expression or template at their
// places in the node that holds it.
func ReportProblems(report *document.Report, node *document.Node, problems []expression.Problem) {
	for _, p := range problems {
		add := report.Errorf
		if p.Warning {
			add = report.Warnf
		}
		add(node.Within(p.From, p.To), p.Code, "%s", p.Message).Suggest("%s", p.Hint)
	}
}
