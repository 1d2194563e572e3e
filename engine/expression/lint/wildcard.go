package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

var (
	// slashed is a pattern as JavaScript writes it, with its flags.
	slashed = regexp.MustCompile(`^/(.+)/[dgimsuvy]*$`)
	star    = regexp.MustCompile(`^\*|\*$`)
	// percent is a % as SQL has it; behind a number it is a percentage.
	percent = regexp.MustCompile(`^%.*%$|^%\pL|\pL%$`)
)

// wildcard finds wildcards, which the language does not have, and patterns of other
// languages.
var wildcard = binary(func(b *ast.BinaryNode) (string, string) {
	texts := syntax.Strings(b.Right)
	compares := b.Operator == "==" || b.Operator == "!=" || b.Operator == "in"
	for _, text := range texts {
		bare := strings.Trim(text, "*%")
		slashes := slashed.FindStringSubmatch(text)
		switch {
		case b.Operator == "matches" && slashes != nil:
			return "the slashes are taken as part of the pattern",
				fmt.Sprintf("write matches %q; (?i) in front ignores case", slashes[1])
		case b.Operator == "matches" && regexp.QuoteMeta(text) == text && percent.MatchString(text):
			return "% matches only itself", fmt.Sprintf("remove it: a pattern may match anywhere: matches %q", bare)
		case b.Operator == "in" && strings.Contains(text, ", ") && len(texts) == 1:
			return "this is one text with a comma in it",
				`each text of a list has quotes of its own: ["practice", "survey"]`
		case b.Operator != "matches" && bare != "" &&
			(star.MatchString(text) || !compares && percent.MatchString(text)):
			return "there are no wildcards: * and % match only themselves",
				fmt.Sprintf("write contains %q, startsWith or endsWith, or matches with a pattern", bare)
		}
	}
	return "", ""
})
