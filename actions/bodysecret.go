package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"heed/engine/document"
)

// SecretRef says where a secret is, not what it is.
type SecretRef struct {
	Env    string `json:"env,omitempty"`
	File   string `json:"file,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// HeldSecret is a secret that a rendered request has at a place, a JSON pointer
// (RFC 6901) into its body, where it is masked until the request is sent.
type HeldSecret struct {
	At string `json:"at"`
	SecretRef
}

var pointerEscape, pointerUnescape = strings.NewReplacer("~", "~0", "/", "~1"),
	strings.NewReplacer("~1", "/", "~0", "~")

// meantVariable and meantFile are what {env: …} and {file: …} in a body hold if they
// are secrets. Other objects with these keys are sent as they are.
var (
	meantVariable = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	meantFile     = regexp.MustCompile(`^\.{0,2}/[^{}]+$`)
)

// isSecret says whether an object in a value is a secret, and warns of one that
// could be meant as one.
func (p *Params) isSecret(key string, node *document.Node) bool {
	env, file := node.Get("env"), node.Get("file")
	for _, pair := range node.Pairs() {
		if name := pair.Key.Text(); name != "env" && name != "file" && name != "prefix" {
			return false
		}
	}
	holder, form := env, meantVariable
	if env == nil {
		holder, form = file, meantFile
	}
	switch {
	case (env == nil) == (file == nil), !holder.IsText(), strings.Contains(holder.Text(), "{{"):
		return false
	case form.MatchString(holder.Text()):
		return true
	}
	name := node.Pairs()[0].Key.Text()
	p.Report().Warnf(node.Place(), "suspicious",
		"an object with the key %s in %s of %s is sent as it is: it names no variable and no path",
		name, key, p.What()).
		Suggest(`for a secret write {env: NAME} in capitals or {file: /PATH}; for this object "{{ {%s: '%s'} }}"`, name,
			holder.Text())
	return false
}

// secretIn reads a secret in a value of a rule, as the action's configuration is
// read. It returns nil, and reports the problem, if it is not a valid secret.
func (c *Config) secretIn(fields *document.Fields, key string, node *document.Node) *SecretRef {
	within := &Config{Fields: fields, Name: c.Name, Settings: c.Settings, read: c.read}
	within.SecretOf(key, node, true)
	text := func(name string) string {
		if value := node.Get(name); value != nil {
			return value.Text()
		}
		return ""
	}
	return &SecretRef{Env: text("env"), File: text("file"), Prefix: text("prefix")}
}

// Form is an object of texts, some of which may be secrets.
type Form struct {
	Texts   []NamedTemplate
	Secrets []HeldSecret
}

// Form takes an object of texts that may hold templates; nil if it is absent. An
// object {env: NAME} or {file: PATH} in it is a secret.
func (p *Params) Form(key string, c *Config) *Form {
	node := p.Take(key)
	if node == nil {
		return nil
	}
	form := &Form{}
	for _, pair := range p.entries(key, node) {
		name := pair.Key.Text()
		if pair.Value.IsObject() && p.isSecret(key, pair.Value) {
			ref := c.secretIn(p.Fields, name+" in "+key, pair.Value)
			form.Secrets = append(form.Secrets, HeldSecret{At: "/" + name, SecretRef: *ref})
		} else if t := p.TemplateOf(name+" in "+key, pair.Value); t != nil {
			form.Texts = append(form.Texts, NamedTemplate{pair.Key, t})
		}
	}
	return form
}

// Find is the secret that a reference leads to.
func (c *Config) Find(ref SecretRef) Secret {
	if ref.File != "" {
		return FileSecret(ref.File).withPrefix(ref.Prefix)
	}
	return NewSecret(strings.TrimSpace(c.Env(ref.Env))).withPrefix(ref.Prefix)
}

// SetAt replaces the text at a JSON pointer in a JSON text, and leaves the rest as
// it is, the order of keys too.
func SetAt(text json.RawMessage, pointer, value string) (json.RawMessage, error) {
	if pointer == "" {
		return json.Marshal(value)
	}
	step, rest, _ := strings.Cut(pointer[1:], "/")
	if rest != "" || strings.HasSuffix(pointer[1:], "/") {
		rest = "/" + rest
	}
	return setMember(text, pointerUnescape.Replace(step), rest, value)
}

var errNoPlace = errors.New("the body has no such place")

// setMember writes a copy of an object or a list with one member replaced.
func setMember(text json.RawMessage, name, rest, value string) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	open, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	isObject := open == json.Delim('{')
	if !isObject && open != json.Delim('[') {
		return nil, errNoPlace
	}
	var out bytes.Buffer
	out.WriteString(open.(json.Delim).String())
	found := false
	for i := 0; decoder.More(); i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := readKey(decoder, isObject, i, &out)
		if err != nil {
			return nil, err
		}
		var member json.RawMessage
		if err := decoder.Decode(&member); err != nil {
			return nil, err
		}
		if key == name {
			found = true
			if member, err = SetAt(member, rest, value); err != nil {
				return nil, err
			}
		}
		out.Write(member)
	}
	if !found {
		return nil, errNoPlace
	}
	out.WriteByte(map[bool]byte{true: '}', false: ']'}[isObject])
	return out.Bytes(), nil
}

// readKey is the key of the next member, which an object says and a list counts.
func readKey(decoder *json.Decoder, isObject bool, i int, out *bytes.Buffer) (string, error) {
	if !isObject {
		return strconv.Itoa(i), nil
	}
	token, err := decoder.Token()
	if err != nil {
		return "", err
	}
	key, _ := token.(string)
	written, err := json.Marshal(key)
	out.Write(written)
	out.WriteByte(':')
	return key, err
}
