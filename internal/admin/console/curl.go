package console

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// curl returns the request of a delivery as a curl command. Stored requests hold no
// secrets, so the command names a variable for each secret of the action's settings.
func curl(kind, action string, request json.RawMessage) string {
	var r struct {
		Method, URL string
		Headers     map[string]string
		Body        json.RawMessage
		Encoding    string
	}
	if kind != "http" || json.Unmarshal(request, &r) != nil || r.URL == "" {
		return ""
	}
	parts := []string{"curl -X " + quoted(r.Method) + " " + quoted(r.URL)}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		value := r.Headers[name]
		if strings.Contains(value, "***") {
			parts = append(parts, `-H "`+strings.ReplaceAll(name, `"`, "")+`: $`+variable(action, name)+`"`)
			continue
		}
		parts = append(parts, "-H "+quoted(name+": "+value))
	}
	if len(r.Body) > 0 {
		body := string(r.Body)
		var text string
		if r.Encoding != "json" && json.Unmarshal(r.Body, &text) == nil {
			body = text
		}
		parts = append(parts, "--data-raw "+quoted(body))
	}
	return strings.Join(parts, " \\\n  ")
}

// variable returns the name of the variable for a secret, such as LMS_AUTHORIZATION.
func variable(words ...string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) && r < unicode.MaxASCII || unicode.IsDigit(r) && r < unicode.MaxASCII {
			return unicode.ToUpper(r)
		}
		return '_'
	}, strings.Join(words, "_"))
}
