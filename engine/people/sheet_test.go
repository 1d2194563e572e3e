package people

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sheetOf(t testing.TB, text string) *Sheet {
	t.Helper()
	s, err := ReadSheet(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSheetsOfAnySpreadsheetAreRead(t *testing.T) {
	want := []Record{
		{ID: "u-1", Email: "a@example.com", Role: "Rep, senior", Team: "EMEA", Active: true, KnowsActive: true},
		{ID: "0042", Email: "b@example.com", Team: "Müller; Söhne", KnowsActive: true},
	}
	for name, text := range map[string]string{
		"commas":       "userId,email,role,teamId,active\nu-1,a@example.com,\"Rep, senior\",EMEA,true\n0042,b@example.com,,Müller; Söhne,false\n",
		"semicolons":   "\uFEFFUser ID;E-mail;Role;Team;Active\r\nu-1;a@example.com;Rep, senior;EMEA;yes\r\n0042;b@example.com;;\"Müller; Söhne\";no\r\n",
		"tabs":         "USER_ID\tE-MAIL\tROLE\tTEAM ID\tIS ACTIVE\r\nu-1\ta@example.com\tRep, senior\tEMEA\tyes\r\n0042\tb@example.com\t\tMüller; Söhne\t0",
		"blank lines":  "\n\nuserid,mail,role,team,status\n\n,,,,\nu-1, a@example.com ,\"Rep, senior\",EMEA,Active\n\n0042,b@example.com,,Müller; Söhne,INACTIVE\n\n",
		"a hint":       "sep=;\r\nuserId;email;role;teamId;active\r\nu-1;a@example.com;\"Rep, senior\";EMEA;y\r\n0042;b@example.com;;\"Müller; Söhne\";n\r\n",
		"other order":  "active,teamId,x,email,role,user\n1,EMEA,?,a@example.com,\"Rep, senior\",u-1\n0,Müller; Söhne,,b@example.com,,0042,,\n",
		"quoted names": "\"userId\";\"email\";\"role\";\"teamId\";\"active\"\n\"u-1\";\"a@example.com\";\"Rep, senior\";\"EMEA\";\"TRUE\"\n\"0042\";\"b@example.com\";\"\";\"Müller; Söhne\";\"FALSE\"\n",
		"defused":      "userId,email,role,teamId,active\n'u-1,a@example.com,\"Rep, senior\",EMEA,true\n0042,b@example.com,,Müller; Söhne,false\n",
	} {
		s := sheetOf(t, text)
		for i := range s.Records {
			s.Records[i].Line = 0
		}
		records := want
		if name == "defused" {
			records = append([]Record{want[0]}, want[1])
			records[0].ID = "'u-1" // no formula
		}
		if diff := cmp.Diff(records, s.Records); diff != "" || len(s.Problems) > 0 {
			t.Errorf("%s: %v\n%s", name, s.Problems, diff)
		}
	}
	if s := sheetOf(t, "userId,Manager,E-mail,Region\nu-1,x,,y\n"); fmt.Sprint(s.Ignored) != "[Region]" {
		t.Errorf("ignored %v", s.Ignored)
	}
	if s := sheetOf(t, "userId,role\n'-1,'=x\n"); s.Records[0].ID != "-1" || s.Records[0].Role != "=x" {
		t.Errorf("%+v", s.Records)
	}
}

func TestEveryMistakeInASheetHasItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "line 1: the file is empty; the first line names the columns, such as userId,email",
		"name,role\nx,y\n":      "line 1: no column is named userId or email; the first line names the columns: userId or email, and any of name, role, teamId, manager, active",
		"userId,email,E-Mail\n": `line 1: the column "E-Mail" says once more what email is; leave one of them out`,
		"User ID;Rolle;Region;Aktiv\nu1;rep;x;ja\n":                    `line 1: the column "Rolle" means nothing here; if it says what role is, call it so, else rename it or leave it out; line 1: the column "Aktiv" means nothing here; if it says what active is, call it so, else rename it or leave it out`,
		"userId,email,role\n\nu1,a@x,\n,,rep\nu2,c@x,\n,B@x,\n,b@x,\n": "line 4: it has no userId and no e-mail address; line 7: b@x has line 6 already; leave one of the two out",
		"userId,email\nu1,nobody\nu2,a b@x\n":                          `line 2: "nobody" is not an e-mail address; correct it or leave it empty; line 3: "a b@x" is not an e-mail address; correct it or leave it empty`,
		"userId,email\nu1,a@x,b@x\n":                                   "line 2: the line has 3 cells, the header 2; put quotes round a text that holds the separator",
		"userId,active\nu1,perhaps\n":                                  `line 2: active is "perhaps"; write true or false, or leave it empty`,
		"userId\n1.04E+08\n":                                           "line 2: the spreadsheet has rounded the userId to 1.04E+08; format the column as text and enter the ids again",
		"userId\nu1\nu2\n\nu1\nu1\n":                                   "line 5: u1 has line 2 already; leave one of the two out; line 6: u1 has line 2 already; leave one of the two out",
		"userId,role\nu1,\"a\nb\"\nu2,\"c\nu3,d\n":                     "line 4: a quote is not closed up to the end of the file; the file may be truncated; if it is not, write a quote inside a text twice, and quotes round the whole text: \"the \"\"best\"\" rep\"",
		"userId\nu1\nM\xfcller\n":                                      "line 3: the file is not in UTF-8; export it as CSV UTF-8",
		"userId,email\nu1,nobody\nu2,a@x,b\n":                          `line 2: "nobody" is not an e-mail address; correct it or leave it empty; line 3: the line has 3 cells, the header 2; put quotes round a text that holds the separator`,
		"userId\n" + strings.Repeat("x", 300) + "\n":                   "line 2: its userId has 300 bytes; at most 256 are kept",
	} {
		var got []string
		for _, p := range sheetOf(t, text).Problems {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%.40q: %s", text, diff)
		}
	}
}

func TestReadSheet_boundsItsProblems(t *testing.T) {
	s := sheetOf(t, "userId,email\n"+strings.Repeat("x,y\n", 5000))
	last := s.Problems[len(s.Problems)-1].Message
	if len(s.Problems) != maxSheetProblems+1 || last != "there are 4000 more mistakes; correct these first" {
		t.Errorf("%d problems, the last %q", len(s.Problems), last)
	}
	if len(s.Records) > 0 {
		t.Errorf("%d wrong lines are records", len(s.Records))
	}
}

// FuzzReadSheet: whatever a file holds, it is read, and what is imported is
// usable.
func FuzzReadSheet(f *testing.F) {
	f.Add("userId;email\r\nu1;a@x\r\n")
	f.Add("\uFEFFuserId\temail\n\"u\n1\"\ta@x\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := sheetOf(t, text)
		for i, r := range s.Records {
			if r.ID == "" || len(r.ID) > MaxID || r.Line < 2 || i > 0 && r.Line <= s.Records[i-1].Line {
				t.Errorf("%+v", r)
			}
		}
	})
}
