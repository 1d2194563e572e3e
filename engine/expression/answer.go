package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"heed/engine/event"
)

// AnswerScope is the scope of expressions on an answer of an HTTP endpoint,
// which may name its status and body and nothing of the event.
func AnswerScope() *Scope {
	s := &Scope{config: conf.New(types.Map{"status": exprType[event.Number], "body": types.Any}), answers: true}
	for _, f := range ownFunctions {
		s.config.Functions[f.Name] = f
	}
	return s
}

// answer is what the expressions of an AnswerScope see.
type answer struct {
	status int
	body   any
}

// NewAnswerEnv is what expressions of an AnswerScope see: the body as JSON or, if
// it is none, as text.
func NewAnswerEnv(status int, body []byte) *Env {
	env := &Env{answer: answer{status, bodyValue(body)}}
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

// ofAnswer reads the status or the body.
func ofAnswer(name string) (node, bool) {
	switch name {
	case "status":
		return func(f *frame) any { return f.env.answer.status }, true
	case "body":
		none := missingf("body is missing")
		return func(f *frame) any {
			if f.env.answer.body == nil {
				return none
			}
			return f.env.answer.body
		}, true
	default:
		return nil, false
	}
}
