package httpcall

import (
	"encoding/xml"
	"mime"
	"strings"

	"heed/actions"
	"heed/engine/document"
)

// contentType is the media type of the step's body as it is configured; empty if
// nobody says, or an event does.
func (s *step) contentType() string {
	value := ""
	if h, configured := s.action.header("Content-Type"); configured && h.plain != actions.Masked {
		value = h.plain
	}
	for _, h := range s.headers {
		if isSameHeader(h.Key.Text(), "Content-Type") {
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

// xmlText escapes a value for the text of an element or a quoted attribute. Signs
// that XML cannot carry become U+FFFD.
func xmlText(value string) string {
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(value)) // a Builder takes everything
	return text.String()
}

// checkXML reports templates inside a tag and outside of quotes, where a value could
// add attributes or end the tag.
func (s *step) checkXML(p *actions.Params, node *document.Node) {
	for hole := range s.body.Holes() {
		if inTag(hole.Before) {
			p.Report().LaterErrorf(node.Within(hole.From, hole.To), "template-not-allowed",
				"body of %s has a template inside a tag of its XML, where a value could add attributes", p.What()).
				Suggest(`put it into the text of an element, or into an attribute in quotes: <user id="{{ data.userId }}">`)
		}
	}
}

// inTag says whether XML ends inside a tag and outside of an attribute's quotes.
func inTag(xml string) bool {
	tag, quote := false, rune(0)
	for i, r := range xml {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case tag && (r == '"' || r == '\''):
			quote = r
		case r == '<':
			tag = !strings.HasPrefix(xml[i:], "<![CDATA[")
		case r == '>':
			tag = false
		}
	}
	return tag && quote == 0
}
