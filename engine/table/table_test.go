package table

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestTablesAsSpreadsheetsWriteThem(t *testing.T) {
	want := &Table{Columns: []string{"userId", "E-mail", "team"}, Line: 1, Rows: []Row{
		{Line: 2, Cells: []string{"u1", "a@example.com", "north, east"}}, {Line: 4, Cells: []string{"u2", "", "west"}},
	}}
	unix := "userId,E-mail,team\nu1,a@example.com,\"north, east\"\n\nu2,,west\n"
	for name, text := range map[string]string{
		"plain":            unix,
		"windows":          strings.ReplaceAll(unix, "\n", "\r\n"),
		"old macintosh":    strings.ReplaceAll(unix, "\n", "\r"),
		"byte order mark":  "\uFEFF" + unix,
		"no last line end": strings.TrimSuffix(unix, "\n"),
		"semicolons":       "userId;E-mail;team\nu1;a@example.com;north, east\n;;\nu2;;west\n",
		"tabs":             "userId\tE-mail\tteam\nu1\ta@example.com\tnorth, east\n\nu2\t\twest\n",
		"spaces":           "userId , E-mail, team\n u1,a@example.com , \"north, east\"\n\nu2, ,west\n",
		"empty columns":    "userId,E-mail,team,,\nu1,a@example.com,\"north, east\",,\n,,,,\nu2,,west,,\n",
		"UTF-16":           wide(unix, binary.LittleEndian, "\xff\xfe"),
		"UTF-16, swapped":  wide(unix, binary.BigEndian, "\xfe\xff"),
	} {
		got, faults := Read([]byte(text))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %+v", name, got, faults)
		}
	}
	if got, _ := Read([]byte("sep=;\nuserId;a,b,c\nu1;2\n")); got == nil || got.Rows[0].Line != 3 || got.Columns[1] != "a,b,c" {
		t.Errorf("a line that says the separator: %+v", got)
	}
}

func wide(text string, order binary.AppendByteOrder, mark string) string {
	out := []byte(mark)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestFaultsOfTablesNameTheirLine(t *testing.T) {
	for text, want := range map[string]Fault{
		"":                       {Line: 1, Message: "the file is empty"},
		"\n\n,,\n":               {Line: 1, Message: "the file is empty"},
		"a,b\n1,2\n1,2,3\n":      {Line: 3, Message: "the line has 3 cells, the header 2"},
		"a,b\n\"x\ny\",2\n3,4,5": {Line: 4, Message: "the line has 3 cells, the header 2"},
		"a,b\n1,x \"y\" z\n":     {Line: 2, Message: "the quotes do not fit together"},
		"a,b\n1,\"x\n2,y\n":      {Line: 2, Message: "a quote is not closed up to the end of the file"},
		"a,b\n1,\"x\n2\"y,3\n":   {Line: 2, Message: "the quotes do not fit together from here to line 3"},
		"a,,b\n1,2,3\n":          {Line: 1, Message: "column 2 has no name"},
		"a,b,a\n":                {Line: 1, Message: "two columns are called a"},
		"a\n\xe4\n":              {Line: 2, Message: "the file is not in UTF-8"},
		"a\n\x00\n":              {Line: 2, Message: "the file is not in UTF-8"},
		"PK\x03\x04rest":         {Line: 1, Message: "this is a spreadsheet, not a CSV file"},
	} {
		got, faults := Read([]byte(text))
		if len(faults) != 1 || faults[0].Line != want.Line || faults[0].Message != want.Message || faults[0].Hint == "" {
			t.Errorf("%q: %+v %+v", text, got, faults)
		}
	}
}

func TestSoundRowsAreReadBesideFaults(t *testing.T) {
	got, faults := Read([]byte("\na,b\n1,2\n1,2,3\n4,\"5\"6\n7,8\n"))
	want := &Table{Columns: []string{"a", "b"}, Line: 2, Rows: []Row{
		{Line: 3, Cells: []string{"1", "2"}}, {Line: 6, Cells: []string{"7", "8"}},
	}}
	if !reflect.DeepEqual(got, want) || len(faults) != 2 {
		t.Errorf("%+v %+v", got, faults)
	}
}

// Every row has a cell for each column, and no cell is lost.
func TestRandomTablesReadBack(t *testing.T) {
	cell := rapid.StringMatching(`[a-zA-Z0-9 ,;"\n\tä.@-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		separator := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "separator")
		columns := []string{"userId", "b", "c"}
		text := strings.Join(columns, separator) + "\n"
		var want [][]string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := []string{"u", cell.Draw(t, "b"), cell.Draw(t, "c")}
			for i, c := range row {
				text += []string{"", separator}[min(i, 1)] + `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
				row[i] = strings.TrimSpace(c)
			}
			text += "\n"
			want = append(want, row)
		}
		got, faults := Read([]byte(text))
		if got == nil || len(got.Rows) != len(want) {
			t.Fatalf("%q: %+v %+v", text, got, faults)
		}
		for i := range want {
			if !reflect.DeepEqual(got.Rows[i].Cells, want[i]) {
				t.Fatalf("%q: row %d is %q, want %q", text, i, got.Rows[i].Cells, want[i])
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("userId,email\nu1,a@example.com\n"))
	f.Add([]byte("sep=;\na;b\n\"x\n\";\"\"\"\"\n"))
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, faults := Read(text)
		if table == nil && len(faults) == 0 {
			t.Fatalf("%v and %v", table, faults)
		}
		if table == nil {
			return
		}
		for _, row := range table.Rows {
			if len(row.Cells) != len(table.Columns) || row.Line < 1 {
				t.Fatalf("%+v in a table of %q", row, table.Columns)
			}
		}
	})
}
