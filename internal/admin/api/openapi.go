package api

import (
	_ "embed"
	"net/http"
)

// description is the API in OpenAPI 3.1. A test holds it to the routes.
//
//go:embed openapi.yaml
var description []byte

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(description)
}
