package expression

import (
	"strings"

	"heed/engine/expression/syntax"
)

// A Comment is a comment in an expression that starts with // and ends at the end of its
// line. From and To count the characters of the text from 0.
type Comment struct{ From, To int }

// Comments returns the comments of an expression that start with //. A caller that knows
// the original lines can tell whether a comment swallowed more than its own: YAML joins
// the lines of most texts.
func Comments(text string) []Comment {
	if !strings.Contains(text, "//") {
		return nil
	}
	line, _ := comments([]rune(text))
	return line
}

// TemplateComments returns the Comments in the holes of a template.
func TemplateComments(text string) []Comment {
	if !strings.Contains(text, "//") {
		return nil
	}
	var all []Comment
	parts, _ := splitTemplate([]rune(text))
	for _, p := range parts {
		if !p.isHole {
			continue
		}
		for _, c := range Comments(p.text) {
			all = append(all, Comment{c.From + p.at, c.To + p.at})
		}
	}
	return all
}

// comments finds the comments that start with //, and the position of a /* that is never
// closed, or -1.
func comments(text []rune) (line []Comment, unclosed int) {
	code := []rune(syntax.Blank(text))
	for i := 0; i+1 < len(code); i++ {
		switch string(code[i : i+2]) {
		case "//":
			end := i
			for end < len(text) && text[end] != '\n' {
				end++
			}
			last := i + len([]rune(strings.TrimRight(string(text[i:end]), " \t\r")))
			line = append(line, Comment{i, last})
			// A quote in a comment does not start a quoted text, so the rest is scanned
			// again.
			code, i = append(code[:end:end], []rune(syntax.Blank(text[end:]))...), end
		case "/*":
			_, rest, closed := strings.Cut(string(text[i+2:]), "*/")
			if !closed {
				return line, i
			}
			end := len(text) - len([]rune(rest))
			code, i = append(code[:end:end], []rune(syntax.Blank(text[end:]))...), end-1
		}
	}
	return line, -1
}
