package httpcall

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
)

// Request is a rendered call.
type Request struct {
	Method string `json:"method"`
	// URL is the whole address as people may see it.
	URL string `json:"url"`
	// Headers has the configured headers too, secrets masked.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is what is sent: any JSON value when Encoding is "json", else text.
	Body     any    `json:"body,omitempty"`
	Encoding string `json:"encoding,omitempty"`

	// What the rule added to the configured address and headers. Send uses these, so
	// that a recorded request can neither choose a host nor hold a secret.
	Path  string            `json:"path,omitempty"`
	Query string            `json:"query,omitempty"`
	Own   map[string]string `json:"own_headers,omitempty"`
	// Secrets says where in the body secrets stand. They are read when it is sent.
	Secrets []actions.HeldSecret `json:"secrets,omitempty"`

	Expect     []int  `json:"expect,omitempty"`
	ExpectBody string `json:"expect_body,omitempty"`
	TimeoutMS  int64  `json:"timeout_ms,omitempty"`
}

type step struct {
	action  *action
	method  string
	path    *expression.Template
	query   []actions.NamedTemplate
	headers []actions.NamedTemplate
	json    *actions.JSON
	form    *actions.Form
	body    *expression.Template
	isXML   bool // the body
	expect  []int
	// expectBody is a condition, or empty.
	expectBody string
	timeout    time.Duration
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

const defaultMethod = "POST"

// Step reads method, path, query, headers, one of json, form and body,
// omit_missing, timeout, expect and expect_body.
func (a *action) Step(p *actions.Params) actions.Step {
	s := &step{action: a, method: defaultMethod}
	p.Elsewhere = map[string]string{"auth": "secrets stand in the action's configuration: headers: {Authorization: " +
		"{env: NAME}}"}
	if method, ok := p.Literal("method"); ok {
		s.method = strings.ToUpper(method)
		if !slices.Contains(methods, s.method) {
			p.Report().Errorf(p.Take("method").Place(), "wrong-type", "there is no method %s", method).
				Suggest("write one of %s", strings.Join(methods, ", "))
		}
	}
	s.readPath(p)
	s.query = p.TemplateLists("query")
	for _, h := range p.Templates("headers") {
		s.readHeader(p, h)
	}
	s.readBody(p)
	s.readTimeout(p)
	if node := p.Take("expect"); node != nil {
		s.expect = readExpect(p, node)
	}
	s.expectBody = readExpectBody(p)
	return s
}

// readHeader takes a header that the rule adds. Secrets belong in the action's
// configuration: what a rule says is recorded with every delivery.
func (s *step) readHeader(p *actions.Params, h actions.NamedTemplate) {
	name := headerName(h.Key.Text())
	if !checkHeaderName(p.Report(), h.Key, name) {
		return
	}
	configured, isConfigured := s.action.header(name)
	_, isLiteral := h.IsLiteral()
	switch {
	case isConfigured && configured.plain == actions.Masked:
		p.Report().Errorf(h.Key.Place(), "bad-header",
			"the header %s is a secret of the action's configuration, which a rule cannot replace", name).
			Suggest("leave it out, or configure another action")
	case slices.ContainsFunc(s.headers, func(have actions.NamedTemplate) bool {
		return strings.EqualFold(have.Key.Text(), name)
	}):
		reportTwice(p.Report(), h.Key, name)
	case strings.ContainsFunc(h.Literals(), isControl):
		reportControl(p.Fields, p.Node().Get("headers").Get(h.Key.Text()), name)
	case isLiteral && isSecret(name):
		p.Report().Warnf(h.Key.Place(), "plain-secret", "%s in headers of %s stands in the rule file as plain text",
			name, p.What()).
			Suggest("configure it with the action: headers: {%s: {env: NAME}}", name)
	}
	s.headers = append(s.headers, h)
}

func (s *step) readTimeout(p *actions.Params) {
	s.timeout, _ = p.Duration("timeout")
	if s.timeout > s.action.timeout {
		p.Report().Warnf(p.Take("timeout").Place(), "no-effect",
			"timeout of %s has no effect: the action's own ends an attempt after %s", p.What(), s.action.timeout).
			Suggest("raise timeout in the action's configuration")
	}
}

func (s *step) readPath(p *actions.Params) {
	if s.path = p.Template("path"); s.path == nil {
		return
	}
	node := p.Take("path")
	literal := s.path.Literals()
	if at := strings.IndexAny(literal, "?#"); at >= 0 {
		p.Report().Errorf(node.Place(), "bad-path", "path of %s holds a %c", p.What(), literal[at]).
			Suggest("put what follows the ? under query: {name: value}")
	}
	if strings.Contains(literal, "://") {
		p.Report().Errorf(node.Place(), "bad-path", "path of %s holds a whole address", p.What()).
			Suggest("the address is configured with the action; write only what comes behind it")
	}
	if strings.ContainsFunc(literal, func(r rune) bool { return isControl(r) || r == ' ' || r == '\\' }) {
		p.Report().Errorf(node.Place(), "bad-path", "path of %s holds a space, a backslash or a control character",
			p.What()).
			Suggest("write %%20 for a space")
	} else if _, err := url.PathUnescape(literal); err != nil {
		p.Report().Errorf(node.Place(), "bad-path", "path of %s holds a %% that starts no escape", p.What()).
			Suggest("write %%25 for a per cent sign")
	} else if fixed, ok := s.path.IsLiteral(); ok {
		if checkSegments(fixed) != nil {
			p.Report().Errorf(node.Place(), "bad-path", "path of %s leads elsewhere", p.What()).
				Suggest("write the path that is meant, without . and ..")
		}
	}
}

func (s *step) readBody(p *actions.Params) {
	s.json = p.JSON("json", s.action.config)
	s.readOmitMissing(p)
	s.form = p.Form("form", s.action.config)
	s.body = p.Template("body")
	if s.isXML = isXML(s.contentType()); s.isXML && s.body != nil {
		s.checkXML(p, p.Take("body"))
	}
	checkJSONText(p)
	var given []*document.Node
	for _, key := range []string{"json", "form", "body"} {
		if node := p.Take(key); node != nil {
			given = append(given, node)
		}
	}
	if len(given) > 1 {
		p.Report().Errorf(given[1].Place(), "two-bodies", "%s has more than one of json, form and body", p.What()).
			Suggest("keep one of them")
	}
}

// readOmitMissing takes omit_missing: some APIs delete a field when they get null for
// it.
func (s *step) readOmitMissing(p *actions.Params) {
	omit, ok := p.Bool("omit_missing")
	switch {
	case !ok:
	case s.json == nil:
		p.Report().Warnf(p.Take("omit_missing").Place(), "no-effect", "omit_missing of %s has no effect without json",
			p.What()).
			Suggest("leave it out")
	case omit:
		s.json.OmitMissing()
	}
}

// checkJSONText warns of JSON that was written as a text: under json it is sent
// in quotes, under body a value with a quote in it breaks it.
func checkJSONText(p *actions.Params) {
	for _, key := range []string{"json", "body"} {
		node := p.Node().Get(key)
		if node == nil || !node.IsText() {
			continue
		}
		text := strings.TrimSpace(node.Text())
		if !strings.HasPrefix(text, "{\"") && !strings.HasPrefix(text, "[{\"") && !strings.HasPrefix(text, "{ \"") {
			continue
		}
		problem := p.Report().Warnf(node.Place(), "suspicious", "%s of %s is JSON written as a text", key, p.What())
		if key == "json" {
			problem.Suggest("leave the outer quotes out: json takes an object or a list, and makes JSON of it")
		} else {
			problem.Suggest("write json: and the object without the outer quotes: values are then escaped")
		}
	}
}

// The status codes that a rule can expect.
const minStatus, maxStatus = 200, 599

func readExpect(p *actions.Params, node *document.Node) []int {
	items := node.Items()
	if node.IsScalar() {
		items = []*document.Node{node}
	}
	if len(items) == 0 {
		p.Report().Errorf(node.Place(), "wrong-type", "expect of %s takes status codes from 200 to 599, not %s",
			p.What(), node.Describe()).
			Suggest("write expect: [200, 409]")
	}
	var expect []int
	for _, item := range items {
		code, ok := item.Scalar().(int)
		if !ok || code < minStatus || code > maxStatus {
			p.Report().Errorf(item.Place(), "wrong-type", "expect of %s takes status codes from 200 to 599, not %s",
				p.What(), item.Describe()).
				Suggest("%s", expectHint(item.Text()))
			continue
		}
		expect = append(expect, code)
	}
	return expect
}

// anySuccess matches what people write when any 2xx is good.
var anySuccess = regexp.MustCompile(`(?i)^(?:2(?:xx|\*\*?|\.\.)|200 ?(?:-|\.\.|to) ?2[09]\d|ok|success)$`)

func expectHint(written string) string {
	if anySuccess.MatchString(written) {
		return "leave expect out: any 2xx is good then"
	}
	return "write expect: [200, 409]"
}

// Render makes the call for an event. A value that is missing in the path, the
// query, a header or a form is an error: the call would go to the wrong place.
func (s *step) Render(env *expression.Env) (any, error) {
	r := Request{
		Method: s.method, Expect: s.expect, ExpectBody: s.expectBody, TimeoutMS: s.timeout.Milliseconds(),
		Headers: map[string]string{}, Own: map[string]string{},
	}
	var err error
	if r.Path, err = s.renderPath(env); err != nil {
		return nil, err
	}
	if r.Query, err = values(env, s.query); err != nil {
		return nil, err
	}
	if err := s.renderBody(env, &r); err != nil {
		return nil, err
	}
	for _, h := range s.headers {
		value, err := h.Strict(env, headerValue)
		if err != nil {
			return nil, err
		}
		setOwn(&r, headerName(h.Key.Text()), value)
	}
	s.show(&r)
	return r, nil
}

// show fills in what people see: the whole address and all headers.
func (s *step) show(r *Request) {
	r.URL = s.action.shown
	if full, err := target(s.action.shown, r.Path, r.Query); err == nil {
		r.URL = full
	}
	for _, h := range s.action.headers {
		r.Headers[h.name] = h.plain
	}
	for name, value := range r.Own {
		deleteHeader(r.Headers, name)
		r.Headers[name] = value
	}
}

// setOwn sets a header that the rule adds. It replaces one that differs in capitals
// only.
func setOwn(r *Request, name, value string) {
	deleteHeader(r.Own, name)
	r.Own[name] = value
}

func deleteHeader[V any](headers map[string]V, name string) {
	for have := range headers {
		if strings.EqualFold(have, name) {
			delete(headers, have)
		}
	}
}

func (s *step) renderPath(env *expression.Env) (string, error) {
	if s.path == nil {
		return "", nil
	}
	path, err := s.path.Strict(env, pathSegment)
	if err != nil {
		return "", err
	}
	return path, checkSegments(path)
}

// checkSegments refuses a path that leaves the one that was configured.
func checkSegments(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "." || plain == ".." {
			return fmt.Errorf("the path %s would lead elsewhere", path)
		}
	}
	return nil
}

// pathSegment escapes a value for one segment of a path. One that a server could
// take for a way out of the path is refused, since many decode a path before they
// split it: an empty one, and one with a part that is . or .. between slashes or
// backslashes.
func pathSegment(value string) (string, error) {
	if value == "" {
		return "", errors.New("is empty, so the path would lead elsewhere")
	}
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return "", fmt.Errorf("has the part %q, so the path could lead elsewhere", part)
		}
	}
	if strings.ContainsFunc(value, func(r rune) bool { return isControl(r) || r == '\t' }) {
		return "", errors.New("holds a control character, which a path cannot carry")
	}
	return url.PathEscape(value), nil
}

func headerValue(value string) (string, error) {
	if strings.ContainsFunc(value, isControl) {
		return "", errors.New("holds a line break or control character, which a header cannot carry")
	}
	return value, nil
}

// values renders a query or a form.
func values(env *expression.Env, templates []actions.NamedTemplate) (string, error) {
	v := url.Values{}
	for _, t := range templates {
		value, err := t.Strict(env, func(s string) (string, error) { return s, nil })
		if err != nil {
			return "", err
		}
		v.Add(t.Key.Text(), value)
	}
	return v.Encode(), nil
}

func (s *step) renderBody(env *expression.Env, r *Request) error {
	switch {
	case s.json != nil:
		text, held, err := s.json.Text(env)
		if err != nil {
			return err
		}
		r.Encoding, r.Body, r.Secrets = "json", text, held
		s.setType(r, "application/json")
	case s.form != nil:
		body, err := values(env, s.form.Texts)
		if err != nil {
			return err
		}
		r.Encoding, r.Body, r.Secrets = "form", withMasks(body, s.form.Secrets), s.form.Secrets
		s.setType(r, "application/x-www-form-urlencoded")
	case s.body != nil:
		escape := expression.Plain
		if s.isXML {
			escape = xmlText
		}
		r.Encoding, r.Body = "text", s.body.Text(env, escape)
		s.setType(r, "text/plain; charset=utf-8")
	}
	return nil
}

// setType says what the body is, unless the configuration does.
func (s *step) setType(r *Request, contentType string) {
	if _, configured := s.action.header("Content-Type"); !configured {
		setOwn(r, "Content-Type", contentType)
	}
}
