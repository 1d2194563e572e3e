package actions

import (
	"bytes"
	"encoding/json"
	"strconv"

	"heed/engine/document"
	"heed/engine/expression"
)

// JSON takes a value of any shape whose texts may hold templates; nil if it is
// absent. With c, the action's configuration, an object {env: NAME} or {file: PATH}
// in it is a secret.
func (p *Params) JSON(key string, c *Config) *JSON {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	return p.jsonOf(key, node, c, nil, nil)
}

// Texts compiles a text of a value by the object and the key that it stands
// under, and gives its holes their escapes; nil after a mistake.
type Texts func(object *document.Node, key string, text *document.Node) *expression.Template

// JSONOf compiles a value of any shape. With texts, every text in an object in
// it is compiled by that and stays a text; without, a text that is exactly one
// hole keeps the type of its value.
func (p *Params) JSONOf(key string, node *document.Node, texts Texts) *JSON {
	return p.jsonOf(key, node, nil, texts, nil)
}

func (p *Params) jsonOf(
	key string, node *document.Node, c *Config, texts Texts, compile func(*document.Node) *expression.Template,
) *JSON {
	j := &JSON{isText: compile != nil}
	switch {
	case c != nil && p.isSecret(key, node):
		j.secret = c.secretIn(p.Fields, key, node)
	case node.IsObject():
		j.object = map[string]*JSON{}
		for _, pair := range p.entries(key, node) {
			if texts != nil {
				compile = func(text *document.Node) *expression.Template { return texts(node, pair.Key.Text(), text) }
			}
			j.keys = append(j.keys, pair.Key.Text())
			j.object[pair.Key.Text()] = p.jsonOf(key, pair.Value, c, texts, compile)
		}
	case node.IsList():
		j.list = []*JSON{}
		for _, item := range node.Items() {
			j.list = append(j.list, p.jsonOf(key, item, c, texts, compile))
		}
	case !node.IsText() && node.Tag() == "":
		warnOfNumber(p.Report(), node)
		j.constant = node.Scalar()
	case compile != nil:
		j.template = compile(node)
	default:
		j.template = p.TemplateOf(key, node)
	}
	return j
}

// JSON is a compiled value of any shape.
type JSON struct {
	object   map[string]*JSON
	keys     []string // of the object, in the order in which they are written
	list     []*JSON
	template *expression.Template
	constant any
	secret   *SecretRef
	isText   bool // also a text that is exactly one hole
	// omit leaves keys of the object out whose value is one hole and missing.
	omit bool
}

// OmitMissing makes objects in the value, at any depth, leave out the keys whose value
// is one hole and is missing. Without it such a key is null.
func (j *JSON) OmitMissing() {
	j.omit = true
	for _, value := range j.object {
		value.OmitMissing()
	}
	for _, item := range j.list {
		item.OmitMissing()
	}
}

// Render makes the value for an event. A text that is exactly one hole keeps
// the type of its value; a missing one is null.
func (j *JSON) Render(env *expression.Env) any {
	switch {
	case j.secret != nil:
		return Masked
	case j.object != nil:
		object := make(map[string]any, len(j.object))
		for _, key := range j.keys { // in order, since what is asked first is recorded first
			value := j.object[key].Render(env)
			if value == nil && j.omit && j.object[key].template != nil {
				continue
			}
			object[key] = value
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
	case j.isText:
		return j.template.Text(env, expression.Plain)
	default:
		return j.template.JSON(env)
	}
}

// Text makes the value for an event as JSON whose objects have their keys in the
// order in which they are written. Secrets are masked in it; held says which stand
// where.
func (j *JSON) Text(env *expression.Env) (text json.RawMessage, held []HeldSecret, err error) {
	w := jsonWriter{env: env}
	w.write(j, "")
	return w.Bytes(), w.held, w.err
}

type jsonWriter struct {
	bytes.Buffer
	env  *expression.Env
	held []HeldSecret
	err  error
}

// write writes a value that stands at a place, a JSON pointer.
func (w *jsonWriter) write(j *JSON, at string) {
	switch {
	case j.secret != nil:
		w.held = append(w.held, HeldSecret{At: at, SecretRef: *j.secret})
		w.value(Masked)
	case j.object != nil:
		w.writeObject(j, at)
	case j.list != nil:
		w.WriteByte('[')
		for i, item := range j.list {
			if i > 0 {
				w.WriteByte(',')
			}
			w.write(item, at+"/"+strconv.Itoa(i))
		}
		w.WriteByte(']')
	default:
		w.value(j.Render(w.env))
	}
}

func (w *jsonWriter) writeObject(j *JSON, at string) {
	w.WriteByte('{')
	first := true
	for _, key := range j.keys {
		member := j.object[key]
		value := any(nil)
		isValue := member.secret == nil && member.object == nil && member.list == nil
		if isValue {
			if value = member.Render(w.env); value == nil && j.omit && member.template != nil {
				continue
			}
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.value(key)
		w.WriteByte(':')
		if isValue {
			w.value(value)
		} else {
			w.write(member, at+"/"+pointerEscape.Replace(key))
		}
	}
	w.WriteByte('}')
}

func (w *jsonWriter) value(value any) {
	encoder := json.NewEncoder(&w.Buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		w.err = err
		return
	}
	w.Truncate(w.Len() - 1) // the line break
}
