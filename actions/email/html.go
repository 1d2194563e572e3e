package email

import (
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"

	"heed/actions"
	"heed/engine/document"
	"heed/engine/expression"
)

// readHTML compiles the HTML of a mail. html/template finds out where in the HTML
// each hole is, and the hole's escape is chosen by that. The text itself is not
// rendered by that package: it would drop the conditional comments by which mails are
// made for Outlook.
func readHTML(p *actions.Params, node *document.Node) *expression.Template {
	t := p.TemplateOf("html", node)
	if t == nil {
		return nil
	}
	holes := slices.Collect(t.Holes())
	escapers, err := contexts(t.Literals(), holes)
	if err != nil {
		p.Report().LaterErrorf(node.Place(), "bad-html", "html of %s cannot be read: %v", p.What(), err).
			Suggest("close every tag, quote and comment; values stand in texts and in quoted attributes")
		return t
	}
	at := 0
	t.EscapeEach(func(hole expression.Hole) func(string) string {
		escape, problem := escapeFor(hole, escapers[at])
		at++
		if problem != nil {
			p.Report().LaterErrorf(node.Within(hole.From, hole.To), problem.code, "html of %s %s", p.What(),
				problem.message).
				Suggest("%s", problem.hint)
		}
		return escape
	})
	return t
}

// Private-use characters mark the holes for html/template.
const leftMark, rightMark = "\ue000heed", "\ue001"

// contexts returns the names of the functions with which html/template would escape
// each hole.
func contexts(literals string, holes []expression.Hole) ([][]string, error) {
	if len(holes) == 0 {
		return nil, nil // nothing of it comes from events
	}
	var text strings.Builder
	done := 0
	for i, hole := range holes {
		text.WriteString(literals[done:len(hole.Before)])
		done = len(hole.Before)
		fmt.Fprintf(&text, "%s index . %d %s", leftMark, i, rightMark)
	}
	text.WriteString(literals[done:])
	t, err := template.New("html").Delims(leftMark, rightMark).Parse(text.String())
	if err != nil {
		return nil, err
	}
	if err := t.Execute(io.Discard, make([]string, len(holes))); err != nil {
		return nil, plainError(err)
	}
	var all [][]string
	for _, node := range t.Tree.Root.Nodes {
		action, isAction := node.(*parse.ActionNode)
		if !isAction {
			continue
		}
		var names []string
		for _, command := range action.Pipe.Cmds[1:] {
			names = append(names, command.String())
		}
		all = append(all, names)
	}
	if len(all) != len(holes) {
		return nil, fmt.Errorf("%d of %d templates in it were found", len(all), len(holes))
	}
	return all, nil
}

// errorPlace matches the place that html/template gives for an error.
var errorPlace = regexp.MustCompile(`^html/template:\S*:?(?:\d+:)*\s*`)

func plainError(err error) error {
	if strings.Contains(err.Error(), "non-text context") {
		return errors.New("a tag, a quote or a comment is not closed")
	}
	text := errorPlace.ReplaceAllString(err.Error(), "")
	text = strings.NewReplacer(leftMark, "{{", rightMark, "}}").Replace(text)
	return fmt.Errorf("%s", strings.TrimPrefix(text, "html: "))
}

// misplaced says why a value cannot stand where a hole is.
type misplaced struct{ code, message, hint string }

// escapeFor chooses a hole's escape by how html/template would escape it.
func escapeFor(hole expression.Hole, escapers []string) (func(string) string, *misplaced) {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(escapers, func(name string) bool {
			return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
		})
	}
	wrong := func(code, message, hint string) (func(string) string, *misplaced) {
		return html.EscapeString, &misplaced{code, message, hint}
	}
	switch {
	case has("_js", "regexp"):
		return wrong("bad-html", "has a template in a script", "mail programs run no scripts: leave it out")
	case has("htmlname"), strings.HasSuffix(hole.Before, "<"), strings.HasSuffix(hole.Before, "</"):
		return wrong("bad-html", "lets an event choose the name of a tag or attribute", "write the name itself")
	case has("comment"):
		return wrong("bad-html", "has a template in a comment, where nobody sees it", "take it out of the comment")
	case has("srcset"):
		return wrong("template-in-url", "lets an event choose an address in srcset", "write the addresses themselves")
	case isUnknownAddress(hole.Before):
		name, _ := openAttribute(hole.Before)
		return wrong("template-in-url", "lets an event choose an address in "+name, "write the addresses themselves")
	case has("nospace"):
		return wrong("bad-html", "has a template in an attribute without quotes",
			`put quotes round the attribute's value: title="{{ … }}"`)
	case has("url"):
		return addressEscape(addressStart(hole.Before))
	case has("css"):
		return styleValue, nil
	case isDocument(hole.Before):
		return html.EscapeString, &misplaced{
			"bad-html", "has a template in a page inside the mail",
			"leave out srcdoc: mail programs show no pages in mails",
		}
	case isAnimation(hole.Before):
		return html.EscapeString, &misplaced{
			"bad-html", "has a template in an animation", "write the values of an animation themselves",
		}
	default:
		return html.EscapeString, nil
	}
}

// unclosed is an attribute whose quote is not closed.
var unclosed = regexp.MustCompile(`([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)|'([^']*))$`)

// openAttribute returns the attribute that a text ends in, its name in lower case, and
// its value so far; empty if it ends in none.
func openAttribute(text string) (name, value string) {
	found := unclosed.FindStringSubmatch(openTag(text))
	if found == nil {
		return "", ""
	}
	return strings.ToLower(found[1]), found[2] + found[3]
}

// openTag returns the end of a text from the last tag that begins in it.
func openTag(text string) string { return text[max(0, strings.LastIndexByte(text, '<')):] }

// addressStart returns the start of the web address that a text ends in. In a style, an
// address has quotes of its own.
func addressStart(text string) string {
	name, value := openAttribute(text)
	if name == "" || name == "style" {
		return text[strings.LastIndexAny(text, `"'`)+1:]
	}
	return value
}

// isDocument says whether a text ends in an attribute whose value is itself read as
// HTML, which html/template does not know.
func isDocument(text string) bool {
	name, _ := openAttribute(text)
	return name == "srcdoc"
}

// unknownAddresses are attributes with addresses that html/template takes for text.
var unknownAddresses = []string{"ping", "imagesrcset", "dynsrc", "lowsrc"}

func isUnknownAddress(text string) bool {
	name, _ := openAttribute(text)
	return slices.Contains(unknownAddresses, name)
}

// animation begins an element of SVG that can give an attribute another value, a
// link another address.
var animation = regexp.MustCompile(`(?i)^<(?:\w+:)?(?:animate|set)`)

func isAnimation(text string) bool {
	name, _ := openAttribute(text)
	return name != "" && animation.MatchString(openTag(text))
}

// addressEscape returns the escape for a hole that follows the start of a web address.
// An event must not choose where the address leads.
func addressEscape(start string) (func(string) string, *misplaced) {
	before := strings.TrimLeft(html.UnescapeString(start), " \t\r\n")
	switch scheme, _, _ := strings.Cut(strings.ToLower(before), ":"); {
	case scheme == "javascript", scheme == "vbscript":
		return actions.AddressPart, &misplaced{
			"bad-html", "has a template in a script", "mail programs run no scripts: leave it out",
		}
	case scheme == "mailto":
		return actions.MailAddressPart, nil
	case scheme == "tel", scheme == "sms":
		return actions.AddressPart, nil
	case actions.HasFixedHost(before):
		return actions.AddressPart, nil
	default:
		return actions.AddressPart, &misplaced{
			"template-in-url", "lets an event choose where a link leads",
			"write the address up to the first / after the host; templates can stand behind it",
		}
	}
}

// styleChars are what a value can be in a style: words, numbers, colours.
var styleChars = regexp.MustCompile(`^[\w#.% -]*$`)

// styleValue leaves out what could end a value or begin something else.
func styleValue(value string) string {
	if !styleChars.MatchString(value) {
		return ""
	}
	return value
}
