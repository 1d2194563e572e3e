package console

// Patterns are those of all routes, with whether a viewer may use them.
func Patterns() (patterns map[string]bool) {
	patterns = map[string]bool{}
	for _, r := range (&console{}).routes() {
		patterns[r.pattern] = r.needs.String() == "viewer"
	}
	return patterns
}

// Differences is tested by itself.
var Differences = differences

// Static is a file of the console.
func Static(name string) ([]byte, error) { return files.ReadFile("static/" + name) }
