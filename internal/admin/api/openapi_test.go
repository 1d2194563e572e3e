package api

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// operation is a method of a path as OpenAPI describes it.
type operation struct {
	ID         string `yaml:"operationId"`
	Summary    string
	Parameters []struct{ Name, In string }
	Responses  map[string]any
}

// TestOpenAPI_describesTheRoutesThatThereAre holds openapi.yaml to the table of
// routes, both ways, with their parameters.
func TestOpenAPI_describesTheRoutesThatThereAre(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(text, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%q, %v", doc.OpenAPI, err)
	}
	described, named := map[string][]string{}, map[string]bool{}
	for path, methods := range doc.Paths {
		for method, node := range methods {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil || op.Summary == "" || op.Responses["200"] == nil {
				t.Errorf("%s %s: %+v, %v", method, path, op, err)
			}
			if op.ID == "" || named[op.ID] { // by which generated clients call it
				t.Errorf("%s %s: %q is no operationId of its own", method, path, op.ID)
			}
			named[op.ID] = true
			query := []string{}
			for _, p := range op.Parameters {
				if p.In == "query" {
					query = append(query, p.Name)
				}
			}
			slices.Sort(query)
			described[strings.ToUpper(method)+" "+path] = query
		}
	}
	want := map[string][]string{
		"GET /metrics": {"name[]"}, "GET /-/healthy": {}, "GET /-/ready": {}, "GET /api/v1/openapi.yaml": {},
	}
	for _, r := range new(api).routes() {
		want[r.pattern] = append([]string{}, r.query...)
		slices.Sort(want[r.pattern])
	}
	if diff := cmp.Diff(want, described); diff != "" {
		t.Errorf("openapi.yaml describes other routes than there are (-routes +described):\n%s", diff)
	}
	w := httptest.NewRecorder()
	openAPI(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.yaml", nil))
	if !bytes.Equal(w.Body.Bytes(), text) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Error("the API answers with another description")
	}
}
