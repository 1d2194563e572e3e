package lint

import (
	"testing"

	"heed/engine/event"
)

func TestProgressArguments_areAUserAndTheIdOfAModule(t *testing.T) {
	own := &event.Type{Name: "deal.won", Fields: []event.Field{{Name: "userId", Kind: event.Text}, {Name: "moduleName", Kind: event.Text}}}
	expectHints(t, scopeOf(event.Standard().Lookup("module.progress")), Value, map[string]string{
		`progress("m-77", data.userId)`:          `write progress(data.userId, "m-77")`,
		`progress(data.moduleId, data.userId)`:   `write progress(data.userId, data.moduleId)`,
		`progress(data.userId, data.moduleName)`: "write data.moduleId",
		`progress(data.userId, data.moduleId)`:   "",
	})
	expectHints(t, scopeOf(own), Value, map[string]string{`progress(data.userId, data.moduleName)`: ""})
}
