package lint

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"heed/engine/expression/syntax"
)

// neverEqual finds texts that a function never gives: upper("x") is never "x".
var neverEqual = binary(func(b *ast.BinaryNode) (string, string) {
	function, arguments := syntax.Call(b.Left)
	whole := b.Operator == "==" || b.Operator == "!=" || b.Operator == "in"
	part := whole || b.Operator == "contains" || b.Operator == "startsWith" || b.Operator == "endsWith"
	for _, text := range syntax.Strings(b.Right) {
		switch is := strconv.Quote(text); {
		case function == "upper" && part && text != strings.ToUpper(text):
			return "upper gives capital letters only, so it is never " + is,
				"write " + strconv.Quote(strings.ToUpper(text))
		case function == "lower" && part && text != strings.ToLower(text):
			return "lower gives small letters only, so it is never " + is,
				"write " + strconv.Quote(strings.ToLower(text))
		case function == "weekday" && whole && !isWeekday(text):
			return "weekday gives Monday to Sunday, never " + is, `write the whole name in English, such as "Monday"`
		case function == "format":
			layout := strings.Join(syntax.Strings(arguments[1]), "")
			_, err := time.Parse(layout, text)
			if layout != "" && err != nil && whole || strings.HasPrefix(layout, "15:04") && unpadded.MatchString(text) {
				example := time.Date(2026, 3, 7, 9, 5, 0, 0, time.UTC).Format(layout)
				return "the layout " + strconv.Quote(layout) + " never gives " + is,
					"it gives texts such as " + strconv.Quote(example)
			}
		}
	}
	return "", ""
})

// unpadded is a time of day that, as a text, comes after all of the day.
var unpadded = regexp.MustCompile(`^\d:\d\d`)

func isWeekday(text string) bool {
	_, err := time.Parse("Monday", text)
	return err == nil && text == strings.ToUpper(text[:1])+strings.ToLower(text[1:])
}
