package people

import (
	"strings"
	"testing"
)

func TestReadSheet_cleansAddresses(t *testing.T) {
	for cell, want := range map[string]string{
		"mailto:ada@example.com": "ada@example.com", "MAILTO:ada@example.com?subject=Hi": "ada@example.com", "\u200bada@example.com\ufeff": "ada@example.com",
		"ada@example.com": "ada@example.com", "o'hara+x@example.com": "o'hara+x@example.com", "jane@bücher.example": "jane@bücher.example",
	} {
		s := sheetOf(t, "userId,email\nu1,"+cell+"\n")
		if len(s.Problems) > 0 || s.Records[0].Email != want {
			t.Errorf("%q: %+v", cell, s)
		}
	}
	for _, cell := range []string{"ada\u200b@example.com", "<ada@example.com>", "Ada <ada@example.com>", "ada@example.com;bob@example.com", "ada@", "@example.com", "mailto:", "ada@@example.com"} {
		if s := sheetOf(t, "userId,email\nu0,\nu1,\""+cell+"\"\n"); len(s.Problems) != 1 || s.Problems[0].Line != 3 {
			t.Errorf("%q: %+v", cell, s)
		}
	}
}

func TestReadSheet_refusesInvisibleCharacters(t *testing.T) {
	for column, line := range map[string]string{"userId": "u\u200b1,", "teamId": "u1,em\u00adea", "role": "u1,re\ufeffp", "email": "u1,a\u2060@example.com"} {
		s := sheetOf(t, "userId,"+strings.Replace(column, "userId", "role", 1)+"\n\n"+line+"\n")
		if len(s.Problems) != 1 || s.Problems[0].Line != 3 || !strings.Contains(s.Problems[0].Message, "its "+column+" holds the invisible character U+") {
			t.Errorf("%s: %+v", column, s.Problems)
		}
	}
	if s := sheetOf(t, "\ufeffuserId,role\n\ufeffu1,\u200brep\u200b\n"); len(s.Problems) > 0 || s.Records[0].ID != "u1" || s.Records[0].Role != "rep" {
		t.Errorf("%+v", s)
	}
}
