package log

import (
	"heed/actions"
	"heed/engine/schema"
)

// Describe describes what Configure and Step read.
func (Kind) Describe() actions.Description {
	return actions.Description{
		Config: schema.Object("writes lines to heed's own log; there is nothing to configure").OrEmpty(),
		Params: schema.Object("a line",
			schema.Required("text", schema.Text("the line, with {{ templates }}", "Finished by {{ data.userId }}")),
			schema.Optional("table", actions.DescribeTable()),
			schema.Optional("level", schema.Words("how important the line is; "+defaultLevel+" if left out", "debug",
				"info", "warn", "error")),
		),
	}
}
