package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// ResponseScope is the scope of expressions on an answer of an HTTP endpoint,
// which may name its status and body and nothing of the event.
func ResponseScope() *Scope {
	s := &Scope{config: conf.New(types.Map{"status": exprType[event.Number], "body": types.Any}), responses: true}
	for _, f := range ownFunctions {
		s.config.Functions[f.Name] = f
	}
	return s
}

// response is what the expressions of an ResponseScope see.
type response struct {
	status int
	body   any
}

// NewResponseEnv is what expressions of an ResponseScope see: the body as JSON or, if
// it is none, as text.
func NewResponseEnv(status int, body []byte) *Env {
	env := &Env{response: response{status, bodyValue(body)}}
	env.frame.env = env
	env.begin()
	return env
}

func bodyValue(body []byte) any {
	value, err := event.DecodeJSON(body)
	switch {
	case err == nil:
		return value
	case utf8.Valid(body):
		return string(body)
	default:
		return nil
	}
}

// ofResponse reads the status or the body.
func ofResponse(name string) (node, bool) {
	switch name {
	case "status":
		return func(f *frame) any { return f.env.response.status }, true
	case "body":
		none := missingf("body is missing")
		return func(f *frame) any {
			if f.env.response.body == nil {
				return none
			}
			return f.env.response.body
		}, true
	default:
		return nil, false
	}
}
