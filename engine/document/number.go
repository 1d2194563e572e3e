package document

import (
	"encoding/json"
	"strings"
)

// Rewritten returns the canonical form of an unquoted scalar that YAML takes for a number
// but that is written otherwise, so that text may have been meant: 420 for 00420, 1.1 for
// 1.10, 4915 for +4915. ok is false for anything else.
func (n *Node) Rewritten() (as string, ok bool) {
	y := n.resolved()
	if y.Style&quotedStyles != 0 || y.Style&blockStyles != 0 {
		return "", false
	}
	switch value := n.Scalar().(type) {
	case int, float64:
		text, err := json.Marshal(value)
		as = string(text)
		return as, err == nil && as != strings.ReplaceAll(y.Value, "_", "")
	default:
		return "", false
	}
}
