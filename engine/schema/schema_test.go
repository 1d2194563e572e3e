package schema_test

import (
	"bytes"
	"testing"

	"heed/engine/schema"
)

func TestWriteKeepsTheOrderAndTheSigns(t *testing.T) {
	v := schema.Object("a <thing>",
		schema.Required("zebra", schema.Text("", "a & b")),
		schema.Optional("ant", schema.Whole("", 1, 9).OrEmpty()),
	).AtMostOne("zebra", "ant")
	v.Draft = schema.Draft
	const want = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "description": "a <thing>",
  "type": "object",
  "properties": {
    "zebra": {
      "type": [
        "string",
        "number"
      ],
      "examples": [
        "a & b"
      ]
    },
    "ant": {
      "type": [
        "integer",
        "null"
      ],
      "minimum": 1,
      "maximum": 9
    }
  },
  "required": [
    "zebra"
  ],
  "additionalProperties": false,
  "dependencies": {
    "ant": {
      "properties": {
        "zebra": false
      }
    },
    "zebra": {
      "properties": {
        "ant": false
      }
    }
  }
}
`
	var got bytes.Buffer
	if err := v.Write(&got); err != nil || got.String() != want {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, &got, want)
	}
}

func TestOneOrListPutsAllAlternativesOnOneLevel(t *testing.T) {
	one := schema.Choice("a colour", schema.Word{Word: "red"}, schema.Word{Word: "blue"})
	v := schema.OneOrList(one, 1)
	if len(v.AnyOf) != 3 || v.AnyOf[2].Items == nil || len(v.AnyOf[2].Items.AnyOf) != 2 || len(one.AnyOf) != 2 {
		t.Errorf("got %+v", v.AnyOf)
	}
}

func TestExplainJoinsWhatSeveralSayOfAKey(t *testing.T) {
	v := &schema.Value{}
	v.Explain("a", schema.Required("key", schema.Text("a text", "x")))
	v.Explain("b", schema.Required("key", schema.List("a list", nil, 1)))
	key := v.Properties.Get("key")
	if key.Description != "a: a text\nb: a list" || len(key.Type) != 3 || len(key.Examples) != 1 || len(v.Required) != 0 || key.MinItems != 0 {
		t.Errorf("got %+v, required %v", key, v.Required)
	}
}
