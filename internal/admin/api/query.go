package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"heed/engine/suggest"
)

// onlyKnown answers 400 to a query parameter that the path does not take: it
// would be ignored, and the answer would not be what was asked for.
func onlyKnown(pattern string, known []string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			problem(w, http.StatusBadRequest, "the query cannot be read: "+err.Error(), nil)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(query)) {
			switch given := len(query[name]); {
			case !slices.Contains(known, name):
				problem(w, http.StatusBadRequest, unknownParameter(pattern, name, known), nil)
				return
			case given > 1 && !strings.HasSuffix(name, "[]"):
				problem(w, http.StatusBadRequest, fmt.Sprintf("the parameter %q is given %d times: give it once", name, given), nil)
				return
			}
		}
		next(w, r)
	}
}

func unknownParameter(pattern, name string, known []string) string {
	switch meant := suggest.Closest(name, known); {
	case len(known) == 0:
		return fmt.Sprintf("there is no parameter %q: %s takes none", name, pattern)
	case meant != "":
		return fmt.Sprintf("there is no parameter %q: did you mean %s?", name, meant)
	default:
		return fmt.Sprintf("there is no parameter %q: %s takes %s", name, pattern, strings.Join(known, ", "))
	}
}
