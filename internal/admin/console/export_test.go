package console

import (
	"net/http"

	"heed/internal/admin/access"
)

// Patterns are those of all routes, with whether a viewer may use them.
func Patterns() (patterns map[string]bool) {
	patterns = map[string]bool{}
	for _, r := range (&console{}).routes() {
		patterns[r.pattern] = r.needs.String() == "viewer"
	}
	return patterns
}

// Serve serves a page of a test.
func Serve(o Options, page func()) (_ http.Handler, err error) {
	c := &console{Options: o}
	c.views, err = readViews()
	return c.page(route{needs: access.Viewer, serve: func(*request) (answer, error) {
		page()
		return nil, nil
	}}), err
}

// Differences is tested by itself.
var Differences = differences

// Static is a file of the console.
func Static(name string) ([]byte, error) { return files.ReadFile("static/" + name) }
