package expression

import (
	"testing"

	"github.com/google/uuid"
)

func TestUUID_isStableAndOfVersion5(t *testing.T) {
	const want = "d9e0e624-3e6f-566e-936d-dc50ffa2dce6"
	for text, truth := range map[string]Truth{
		`uuid("e1") == uuid("e1")`:                True,
		`uuid("e1") != uuid("e2")`:                True,
		`uuid(data.id + "/" + data.rule) != nil`:  True,
		`uuid("e1") == "` + want + `"`:            True,
		`len(uuid("e1")) == 36`:                   True,
		`uuid("") == "x"`:                         Undecided,
		`uuid(data.missing) == "x"`:               Undecided,
		`uuid(data.number) == "x"`:                Undecided,
		`uuid(string(data.number)) != uuid("17")`: True,
	} {
		if got, reason := decide(t, text, map[string]any{"id": "e1", "rule": "r", "number": 7}); got != truth {
			t.Errorf("%s is %s (%s), want %s", text, got, reason, truth)
		}
	}
	if id := uuid.MustParse(want); id.Version() != 5 || id.Variant() != uuid.RFC4122 {
		t.Errorf("version %d, variant %s", id.Version(), id.Variant())
	}
}
