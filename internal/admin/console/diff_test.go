package console

import (
	"fmt"
	"strings"
	"testing"
)

func TestDifferences_showsWhatDiffersWithSomeLinesAroundIt(t *testing.T) {
	var before []string
	for i := range 20 {
		before = append(before, fmt.Sprint("line ", i))
	}
	after := append([]string{}, before...)
	after[2], after[15] = "other", "another"
	var got []string
	for _, line := range differences(strings.Join(before, "\n")+"\n", strings.Join(after, "\n")+"\n") {
		got = append(got, line.Sign+line.Text)
	}
	want := " line 0, line 1,-line 2,+other, line 3, line 4, line 5, …, line 12, line 13, line 14,-line 15,+another, line 16, line 17, line 18"
	if strings.Join(got, ",") != want {
		t.Errorf("the differences are\n%q, want\n%q", strings.Join(got, ","), want)
	}
	if same := differences("a\n", "a\n"); len(same) != 0 {
		t.Errorf("equal texts have the differences %q", same)
	}
}
