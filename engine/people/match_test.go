package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestImport_findsPeopleByTheirAddress(t *testing.T) {
	d := New()
	at := time.Unix(1_700_000_000, 0)
	d.Import(sheetOf(t, "userId,email\nu1,ada@example.com\nu2,same@example.com\nu3,same@example.com\n").Records, at)
	s := sheetOf(t, "E-mail,First Name,Last Name,Manager Email,Team\n"+
		"Ada@Example.com,Ada,Lovelace,mailto:nora@example.com,emea\nsame@example.com,x,,,\nnobody@example.com,y,,,\n")
	if len(s.Problems) > 0 {
		t.Fatal(s.Problems)
	}
	plan := d.Plan(s.Records)
	want := []SheetProblem{
		{3, "2 people have the address same@example.com; add the userId of the one who is meant"},
		{4, "nobody with the address nobody@example.com is known; add a userId, or import it again once they are provisioned"},
	}
	if diff := cmp.Diff(want, plan.Unmatched); diff != "" || plan.Changed != 1 || plan.New != 0 {
		t.Errorf("%+v: %s", plan, diff)
	}
	d.Import(s.Records, at.Add(time.Hour))
	p, _ := d.Person("u1")
	if got := fmt.Sprint(p.Name, "|", p.Manager, "|", p.Team, "|", p.Email, "|", p.Active); got != "Ada Lovelace|nora@example.com|emea|Ada@Example.com|true" {
		t.Error(got)
	}
	if d.Len() != 3 {
		t.Errorf("%d people are known", d.Len())
	}
	if plan := d.Plan(s.Records); plan.Same != 1 || plan.Changed != 0 {
		t.Errorf("a second import would do %+v", plan)
	}
}
