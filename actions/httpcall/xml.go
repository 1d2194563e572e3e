package httpcall

import (
	"encoding/xml"
	"mime"
	"strings"

	"heed/actions"
	"heed/engine/document"
)

// contentType returns the configured media type of the step's body; empty if there is
// none, or if it depends on the event.
func (s *step) contentType() string {
	value := ""
	if h, configured := s.action.header("Content-Type"); configured && h.plain != actions.Masked {
		value = h.plain
	}
	for _, h := range s.headers {
		if strings.EqualFold(h.Key.Text(), "Content-Type") {
			value, _ = h.IsLiteral()
		}
	}
	mediaType, _, _ := mime.ParseMediaType(value)
	return mediaType
}

// isXML says whether a body of this media type is XML (RFC 7303).
func isXML(mediaType string) bool {
	return mediaType == "text/xml" || mediaType == "application/xml" || strings.HasSuffix(mediaType, "+xml")
}

// xmlText escapes a value for the text of an element or a quoted attribute.
// Characters that XML does not allow become U+FFFD.
func xmlText(value string) string {
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(value)) // a Builder takes everything
	return text.String()
}

// checkXML reports templates inside a tag and outside quotes, where a value could add
// attributes or end the tag.
func (s *step) checkXML(p *actions.Params, node *document.Node) {
	var state tagState
	read := 0
	for hole := range s.body.Holes() {
		state.read(hole.Before[read:])
		if read = len(hole.Before); state.tag && state.quote == 0 {
			p.Report().LaterErrorf(node.Within(hole.From, hole.To), "template-not-allowed",
				"body of %s has a template inside a tag of its XML, where a value could add attributes", p.What()).
				Suggest(`put it into the text of an element, or into an attribute in quotes: <user id="{{ data.userId }}">`)
		}
	}
}

// tagState says where in XML a text ends: inside a tag or not, and inside which
// quotes, if any.
type tagState struct {
	tag   bool
	quote rune
}

func (t *tagState) read(xml string) {
	for i, r := range xml {
		switch {
		case t.quote != 0:
			if r == t.quote {
				t.quote = 0
			}
		case t.tag && (r == '"' || r == '\''):
			t.quote = r
		case r == '<':
			t.tag = !strings.HasPrefix(xml[i:], "<![CDATA[")
		case r == '>':
			t.tag = false
		}
	}
}
