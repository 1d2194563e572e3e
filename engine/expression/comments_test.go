package expression

import (
	"slices"
	"testing"
)

func TestComments_areOutsideOfTexts(t *testing.T) {
	for text, want := range map[string][]Comment{
		`data.score < 70 // low`:                  {{16, 22}},
		"data.score < 70 // it's low \nand true":  {{16, 27}},
		`data.url == "https://x" and data.a == 1`: nil,
		"`//` == data.a // \"x":                   {{15, 20}},
		`data.a /* // */ == 1`:                    nil,
		`data.a /* it's */ == 1 // x`:             {{23, 27}},
		`data.a / 2 / 3 == 1`:                     nil,
	} {
		if got := Comments(text); !slices.Equal(got, want) {
			t.Errorf("%s has the comments %v, want %v", text, got, want)
		}
	}
	if got, want := TemplateComments("https://x {{ data.a // b\n }}"), []Comment{{20, 24}}; !slices.Equal(got, want) {
		t.Errorf("a template has the comments %v, want %v", got, want)
	}
}

func TestComments_inStarsLeaveTheRestOfTheCondition(t *testing.T) {
	c, problems := NewScope(nil).Condition("data.score < 70 /* low */ and data.passed")
	if c == nil || len(c.root.children) != 2 {
		t.Fatalf("%+v, %v", c, problems)
	}
	_, problems = NewScope(nil).Condition("data.score < 70 /* low and data.passed")
	if len(problems) != 1 || problems[0].From != 16 || problems[0].Hint != "close it with */" {
		t.Errorf("%+v", problems)
	}
}
