package expression

import "github.com/google/uuid"

// namespace is the namespace of the ids that uuid(text) returns. It must never change,
// since other systems know their records by these ids.
var namespace = uuid.MustParse("5d5f3f0e-8a51-5c52-9a3e-6f1f6c7d9b42")

// uuidOf is uuid(text): it returns a version 5 id (RFC 9562), the same for the same text.
func uuidOf(args ...any) (any, error) {
	text, ok := args[0].(string)
	if !ok || text == "" {
		return badf("uuid takes a text that is not empty"), nil
	}
	return uuid.NewSHA1(namespace, []byte(text)).String(), nil
}
