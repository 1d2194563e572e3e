package wording

import (
	"encoding/json"
	"strings"

	"heed/engine/expression"
	"heed/internal/plain"
)

// Because names the clauses that decided, with their values, each as it counts
// in the condition: one that stands in a not with that not.
func Because(c *expression.Clause) string {
	var parts []string
	for _, leaf := range c.Deciding() {
		if leaf.Text == "always" {
			return "no condition"
		}
		part := leaf.Text
		if leaf.Result != c.Result {
			part = "not (" + part + ")"
		}
		var values []string
		for _, name := range leaf.Names() {
			values = append(values, name+" is "+short(leaf.Values[name]))
		}
		if len(values) > 0 {
			part += " (" + strings.Join(values, ", ") + ")"
		}
		parts = append(parts, part)
	}
	return plain.Line(strings.Join(parts, "; "))
}

func short(value any) string {
	if value == nil {
		return "missing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return plain.Cut(string(text), 60)
}

// ClauseDetail describes what a clause read, or why it has no result.
func ClauseDetail(c *expression.Clause) string {
	if c.Reason != "" && len(c.Clauses) == 0 {
		return c.Reason
	}
	var values []string
	for _, name := range c.Names() {
		values = append(values, name+" = "+short(c.Values[name]))
	}
	return strings.Join(values, ", ")
}
