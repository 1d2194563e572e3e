package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"heed/engine/source"
)

// maxDryRun bounds a request for a dry run, and maxDryRunEvents its events.
const (
	maxDryRun       = 8 << 20
	maxDryRunEvents = 1000
)

// DryRun decides events by the rules of a text, or by the active ones if it is
// empty, and sends nothing. The results have the shape of heed dry-run -o json,
// one for each event. The error says what cannot be used; the problems are then
// those of the text, if it is the text.
type DryRun func(ctx context.Context, rules string, events [][]byte) (results []any, problems []source.Problem, err error)

// dryRun takes {"rules": "…", "events": [{…}]}.
func (a *api) dryRun(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		Rules  string            `json:"rules"`
		Events []json.RawMessage `json:"events"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxDryRun))
	decoder.DisallowUnknownFields()
	var tooLarge *http.MaxBytesError
	switch err := decoder.Decode(&wish); {
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, "a dry run takes at most 8 MiB; send the events in parts", nil)
		return
	case err != nil:
		problem(w, http.StatusBadRequest, `send {"rules": "the text of a rule file", "events": [{"event": …, "companyId": …, "data": {…}}]}: `+err.Error(), nil)
		return
	case len(wish.Events) == 0 || len(wish.Events) > maxDryRunEvents:
		problem(w, http.StatusBadRequest, "events is a list of 1 to 1000 events in the webhook's own format", nil)
		return
	}
	bodies := make([][]byte, len(wish.Events))
	for i, e := range wish.Events {
		bodies[i] = e
	}
	results, problems, err := a.Options.DryRun(r.Context(), wish.Rules, bodies)
	if problems == nil {
		problems = []source.Problem{}
	}
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error(), map[string]any{"problems": problems})
		return
	}
	write(w, http.StatusOK, map[string]any{"results": results, "problems": problems})
}
