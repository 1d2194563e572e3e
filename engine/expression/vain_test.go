package expression

import (
	"testing"

	"heed/engine/event"
)

func TestQuestionsThatNobodyCanAnswerAreFound(t *testing.T) {
	module := event.Standard().Lookup("module.progress")
	own := &event.Type{Name: "deal.won", Fields: []event.Field{{Name: "userId", Kind: event.Text}, {Name: "moduleName", Kind: event.Text}}}
	for _, c := range []struct {
		of         *event.Type
		text, hint string
	}{
		{module, `progress("m-77", data.userId) > 5`, `write progress(data.userId, "m-77")`},
		{module, `progress(data.moduleId, data.userId) > 5`, `write progress(data.userId, data.moduleId)`},
		{module, `progress(data.userId, data.moduleId) > 5`, ""},
		{module, `progress(data.userId, data.moduleName) > 5`, "write data.moduleId"},
		{own, `progress(data.userId, data.moduleName) > 5`, ""},
		{module, `lookup("managers", "userId").email != nil`, "write data.userId, without quotes"},
		{module, `lookup("managers", "email").email != nil`, ""},
		{module, `lookup("managers", data.userId).email == ""`, `write lookup("managers", data.userId).email == nil`},
		{module, `"" == user.email`, "write user.email == nil"},
		{module, `user.email != ""`, ""},
		{module, `(user.email ?? "") == ""`, ""},
		{module, `data.moduleName == ""`, ""},
		{module, `user.email == user.role`, ""},
	} {
		s := NewScope([]*event.Type{c.of})
		s.SetTables(Tables{"managers": {Columns: []string{"userId", "email"}, Key: "userId"}})
		for _, read := range []func(string) (bool, []Problem){
			func(text string) (bool, []Problem) { v, faults := s.Condition(text); return v != nil, faults },
			func(text string) (bool, []Problem) { v, faults := s.Value(text); return v != nil, faults },
			func(text string) (bool, []Problem) {
				v, faults := s.Template("{{ " + text + " }}")
				return v != nil, faults
			},
		} {
			ok, faults := read(c.text)
			if !ok || len(faults) > 1 || (c.hint != "") != (len(faults) == 1) || c.hint != "" && (faults[0].Hint != c.hint || !faults[0].Warning) {
				t.Errorf("%s: %+v, want the hint %q", c.text, faults, c.hint)
			}
		}
	}
}

func TestWhatIsNeverAnAddressIsFound(t *testing.T) {
	hired := event.Standard().Lookup("user.provisioned")
	own := &event.Type{Name: "deal.won", Fields: []event.Field{{Name: "userId", Kind: event.Text}}}
	for _, c := range []struct {
		of         *event.Type
		text, hint string
	}{
		{hired, `data.userId`, "write data.email"},
		{wide, `data.userId`, "write user.email"},
		{wide, `user.role`, "write user.email"},
		{wide, `user.teamId`, "write user.email"},
		{wide, `"Nora"`, `write one, such as "nora@example.com"`},
		{own, `data.userId`, ""},
		{hired, `data.email`, ""},
		{wide, `user.email`, ""},
		{wide, `data.free`, ""},
		{wide, `"nora@example.com"`, ""},
		{wide, `data.userId + "@example.com"`, ""},
		{wide, `user.email ?? data.userId`, ""},
	} {
		s := NewScope([]*event.Type{c.of})
		_, mention := s.MentionTemplate("hi {{ mention(" + c.text + ") }}")
		_, address := s.AddressTemplate(" {{ " + c.text + " }}")
		for _, faults := range [][]Problem{mention, address} {
			if (c.hint != "") != (len(faults) == 1) || c.hint != "" && (faults[0].Hint != c.hint || !faults[0].Warning || faults[0].To-faults[0].From != len(c.text)) {
				t.Errorf("%s: %+v, want the hint %q", c.text, faults, c.hint)
			}
		}
		if _, faults := s.AddressTemplate("{{ " + c.text + " }}@example.com"); len(faults) > 0 {
			t.Errorf("%s and a domain: %+v", c.text, faults)
		}
	}
}
