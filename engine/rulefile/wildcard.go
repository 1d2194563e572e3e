package rulefile

import (
	"path"
	"regexp"
	"strings"
)

// timer matches the names that other programs give to scheduled events.
var timer = regexp.MustCompile(`(?i)^(?:schedul(?:e|es|ed|er)|timers?|cron(?:tab|job)?|tick|interval|` +
	`hourly|daily|nightly|weekly|monthly|yearly|midnight|` +
	`every\b.*|rate\(.*|at \d.*|@(?:hourly|daily|weekly|monthly|yearly|midnight|every .*)|[\d*/,-]+(?: [\w*/,-]+){4,5})$`)

// wildcardHint names the event types that match a wildcard, if there are any.
func wildcardHint(pattern string, known []string) string {
	var meant []string
	for _, name := range known {
		if matched, err := path.Match(pattern, name); err == nil && matched && pattern != "*" {
			meant = append(meant, name)
		}
	}
	if len(meant) == 0 || len(meant) > 6 {
		return "name each event type; heed catalog lists them"
	}
	return "write on: [" + strings.Join(meant, ", ") + "]"
}
