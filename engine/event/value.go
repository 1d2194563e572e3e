package event

// DecodeJSON reads one JSON value as a body is read: numbers are exact, and it is
// strict about what JSON is. The error is a *DecodeError.
func DecodeJSON(text []byte) (any, error) { return decodeJSON(text) }
