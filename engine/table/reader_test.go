package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads to the end. A fault is written among the rows, as the line, what
// is wrong and whether it is fatal.
func readAll(t *testing.T, r *Reader) []string {
	t.Helper()
	var got []string
	for {
		row, err := r.Next()
		fault, isFault := errors.AsType[*Fault](err)
		switch {
		case errors.Is(err, io.EOF):
			return got
		case isFault && fault.Fatal:
			if _, again := r.Next(); !errors.Is(again, err) || fault.Hint == "" {
				t.Errorf("after %v: %v", err, again)
			}
			return append(got, fmt.Sprintf("%d! %s", fault.Line, fault.Message))
		case isFault:
			got = append(got, fmt.Sprintf("%d? %s", fault.Line, fault.Message))
		case err != nil:
			t.Fatal(err)
		case row.Raw != nil:
			got = append(got, fmt.Sprintf("%d %s", row.Line, row.Raw))
		default:
			got = append(got, fmt.Sprintf("%d %q", row.Line, row.Cells))
		}
	}
}

func checkRows(t *testing.T, text string, format Format, want ...string) {
	t.Helper()
	got := readAll(t, NewReader(strings.NewReader(text), format))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%.100q gives\n%q, want\n%q", text, got, want)
	}
	if len(text) > 1000 {
		return
	}
	slow := NewReader(iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(text))), format)
	if got := readAll(t, slow); !reflect.DeepEqual(got, want) {
		t.Errorf("byte by byte %q gives\n%q, want\n%q", text, got, want)
	}
}

func TestReader_columns(t *testing.T) {
	for text, want := range map[string][]string{
		"a,b c, d \n1,2,3\n":           {"a", "b c", "d"},
		"\n ; \n\"x\ny\";b;;\n1;2\n":   {"x\ny", "b"},
		"sep=\t\r\na\tb,c\r\n":         {"a", "b,c"},
		"sep=|\na|b\n":                 {"a", "b"},
		"\uFEFFsep=;\na;b\n":           {"a", "b"},
		"\"a,b,c\";\"d\"\n":            {"a,b,c", "d"},
		"a\tb,c\td\n":                  {"a", "b,c", "d"},
		"only one\nx\n":                {"only one"},
		"\u200b\na,b\n":                {"a", "b"},
		"Größe,名\n" + "1,2\n":          {"Größe", "名"},
		"a,b\r1,2\r":                   {"a", "b"},
		"a,b\r\r\n1,2\r\r\n":           {"a", "b"},
		"a,b" + strings.Repeat(",", 9): {"a", "b"},
	} {
		got, err := NewReader(strings.NewReader(text), CSV).Columns()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q has %q %v, want %q", text, got, err, want)
		}
	}
	if got, err := NewReader(strings.NewReader("{}\n"), JSONLines).Columns(); got != nil || err != nil {
		t.Errorf("JSON lines have %q %v", got, err)
	}
}

func TestReader_rows(t *testing.T) {
	for name, text := range map[string]string{
		"unix":        "a,b\n1,\"x\ny\"\n\n,,\n2,3\n",
		"windows":     "a,b\r\n1,\"x\r\ny\"\r\n\r\n,,\r\n2,3\r\n",
		"macintosh":   "a,b\r1,\"x\ry\"\r\r,,\r2,3\r",
		"no last end": "a,b\n1,\"x\ny\"\n\n,,\n2,3",
		"mark":        "\uFEFFa,b\n1,\"x\ny\"\n\n,,\n2,3\n",
	} {
		t.Run(name, func(t *testing.T) {
			want := []string{`2 ["1" "x\ny"]`, `6 ["2" "3"]`}
			checkRows(t, text, CSV, want...)
			text = strings.TrimPrefix(text, byteOrderMark)
			checkRows(t, wide(text, binary.LittleEndian, "\xff\xfe"), CSV, want...)
			checkRows(t, wide(text, binary.BigEndian, "\xfe\xff"), CSV, want...)
		})
	}
}

func TestReader_rowWithFewerCellsIsPadded(t *testing.T) {
	checkRows(t, "a,b,c\n1\n,2\n1,2,3,,\n", CSV, `2 ["1" "" ""]`, `3 ["" "2" ""]`, `4 ["1" "2" "3"]`)
}

func TestReader_rowWithTooManyCellsIsAFault(t *testing.T) {
	checkRows(t, "a,b\n1,2,3\n4,5\n", CSV, "2? the line has 3 cells, the header 2", `3 ["4" "5"]`)
}

func TestReader_quotes(t *testing.T) {
	checkRows(t, "a,b\n\"\",\"\"\"\"\n \"x\" ,1\n \"y\",\n", CSV,
		`2 ["" "\""]`, "3? the quotes do not fit together", `4 ["y" ""]`)
	checkRows(t, "a,b\n1,x \"y\" z\n4,\"5\"6\n7,8\n", CSV,
		"2? the quotes do not fit together", "3? the quotes do not fit together", `4 ["7" "8"]`)
	checkRows(t, "a,b\n1,\"x\ny\"z\n7,8\n", CSV, "2? the quotes do not fit together from here to line 3", `4 ["7" "8"]`)
}

func TestReader_quoteOpenAtTheEndIsAFault(t *testing.T) {
	checkRows(t, "a,b\n1,2\n3,\"x\ny", CSV, `2 ["1" "2"]`, "3? a quote is not closed up to the end of the file")
	checkRows(t, "a,b\n1,2\n3,\"", CSV, `2 ["1" "2"]`, "3? a quote is not closed up to the end of the file")
	r := NewReader(strings.NewReader("a\n\"x"), CSV)
	want := "line 2: a quote is not closed up to the end of the file; the file may be truncated; "
	if _, err := r.Next(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the fault says %v", err)
	}
}

// A quote too many costs its own line, not what follows.
func TestReader_quoteThatNeverClosesIsBounded(t *testing.T) {
	rows := strings.Repeat("0123456789,0123456789\n", 100_000)
	got := readAll(t, NewReader(strings.NewReader("a,b\n1,\"x\n"+rows), CSV))
	want := []string{"2? a quote is not closed within 1 MiB", `3 ["0123456789" "0123456789"]`}
	if len(got) != 100_001 || !reflect.DeepEqual(got[:2], want) {
		t.Errorf("%d rows, first %q", len(got), got[:2])
	}
}

func TestReader_lineThatIsTooLongIsAFault(t *testing.T) {
	long := strings.Repeat("x", maxRow+1)
	fits := long[:maxRow-2]
	checkRows(t, "a,b\n1,"+long+"\n2,3\n", CSV, "2? the line has more than 1 MiB", `3 ["2" "3"]`)
	checkRows(t, "a,b\n1,\""+long+"\"\n2,3", CSV, "2? the line has more than 1 MiB", `3 ["2" "3"]`)
	checkRows(t, "a,b\n2,"+fits+"\n"+strings.Repeat(long, 5), CSV,
		fmt.Sprintf("2 [\"2\" %q]", fits), "3? the line has more than 1 MiB")
	checkRows(t, "{\"a\":\""+long+"\"}\n{}\n", JSONLines, "1? the line has more than 1 MiB", "2 {}")
	checkRows(t, long, CSV, "1! the line has more than 1 MiB")
	checkRows(t, "\n\""+long, CSV, "2! the line has more than 1 MiB")
}

func TestReader_fatalFaults(t *testing.T) {
	many := strings.Builder{}
	for i := range maxColumns + 1 {
		fmt.Fprintf(&many, "c%d,", i)
	}
	for text, want := range map[string]string{
		"":                         "1! the file is empty",
		"\n,,\n \n":                "1! the file is empty",
		"sep=;\n":                  "1! the file is empty",
		"\uFEFF":                   "1! the file is empty",
		"\xff\xfe":                 "1! the file is empty",
		"a,,b\n1,2,3\n":            "1! column 2 has no name",
		"\na,b,a\n1,2,3\n":         "2! two columns are called a",
		"a,x \"y\"\n1,2\n":         "1! the quotes do not fit together",
		"sep=\"\na,b\n":            "1! the quotes do not fit together",
		"a,\"b\n1,2\n":             "1! a quote is not closed up to the end of the file",
		"a,b\xe4\n1,2\n":           "1! the file is not in UTF-8",
		"\xffa,b\n1,2\n":           "1! the file is not in UTF-8",
		"a\x00,\x00b\x00\n\x001\n": "1! the file is not in UTF-8",
		"PK\x03\x04rest":           "1! this is a spreadsheet, not a CSV file",
		"\xd0\xcf\x11\xe0rest":     "1! this is a spreadsheet, not a CSV file",
		many.String():              "1! the header has more than 16384 columns",
	} {
		checkRows(t, text, CSV, want)
		r := NewReader(strings.NewReader(text), CSV)
		if columns, err := r.Columns(); columns != nil || err == nil {
			t.Errorf("%.100q has the columns %q", text, columns)
		}
	}
}

func TestReader_rowsBeforeTheFirstByteThatIsNotUTF8(t *testing.T) {
	checkRows(t, "a,b\n1,2\n3,M\xfcller\n4,5\n", CSV, `2 ["1" "2"]`, "3! the file is not in UTF-8")
	checkRows(t, "a,b\n1,\"2\n\n\x00\"\n4,5\n", CSV, "4! the file is not in UTF-8")
	checkRows(t, "{}\n{\"a\":\"\xfc\"}\n{}\n", JSONLines, "1 {}", "2! the file is not in UTF-8")
}

func TestReader_JSONLines(t *testing.T) {
	checkRows(t, "\uFEFF{\"a\":1}\r\n\r\n \t{\"a\":\n  x, \"y\"", JSONLines, `1 {"a":1}`, `3 {"a":`, `4 x, "y"`)
	checkRows(t, wide("{\"a\":\"😀\"}\n", binary.LittleEndian, "\xff\xfe"), JSONLines, `1 {"a":"😀"}`)
	checkRows(t, "", JSONLines)
	checkRows(t, "\n \n", JSONLines)
}

func TestReader_detectsTheFormat(t *testing.T) {
	checkRows(t, "\uFEFF\r\n \n {\"a\":1}\n", Detect, `3 {"a":1}`)
	checkRows(t, "\n a,b\n1,2\n", Detect, `3 ["1" "2"]`)
	checkRows(t, strings.Repeat(" ", 600)+"{}", Detect, "1 {}")
	checkRows(t, strings.Repeat("\n", 2*maxRow)+"a\n1", Detect, fmt.Sprintf("%d [\"1\"]", 2*maxRow+2))
	checkRows(t, "", Detect, "1! the file is empty")
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{
		"a.csv": CSV, "dir.jsonl/A.CSV": CSV, "a.tsv": CSV, "a.txt": CSV, "a.jsonl": JSONLines, "a.csv.NDJSON": JSONLines,
		"a.json": Detect, "csv": Detect, "": Detect, "-": Detect, "a.csv.gz": Detect,
	} {
		if got := FormatOf(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestReader_errorsOfReadingAreReturnedAgain(t *testing.T) {
	for _, format := range []Format{Detect, CSV, JSONLines} {
		broken := errors.New("the disk is broken")
		r := NewReader(io.MultiReader(strings.NewReader("{a,b\n{1,2\n{3,"), iotest.ErrReader(broken)), format)
		rows := 0
		for {
			_, err := r.Next()
			if err == nil {
				rows++
				continue
			}
			if _, again := r.Next(); !errors.Is(err, broken) || !errors.Is(again, broken) || rows == 0 || rows > 2 {
				t.Errorf("%v: %d rows, then %v, then %v", format, rows, err, again)
			}
			break
		}
	}
	if _, err := NewReader(iotest.ErrReader(io.ErrClosedPipe), CSV).Columns(); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// Half a character is no reason to lose the rest.
func TestReader_brokenUTF16(t *testing.T) {
	checkRows(t, "\xff\xfea\x00\n\x00\x3d\xd8b\x00\n\x00c\x00\xd8", CSV, `2 ["�b"]`, `3 ["c"]`)
	checkRows(t, "\xfe\xff\x00a\x00\n\x00b\xd8\x3d", CSV, `2 ["b�"]`)
}

// repeated is a text without an end in sight.
type repeated struct {
	text string
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n+len(r.text) <= len(p) && r.left > 0 {
		n += copy(p[n:], r.text)
		r.left--
	}
	return n, nil
}

func TestReader_memoryIsBounded(t *testing.T) {
	for name, row := range map[string]string{
		"one line":     strings.Repeat("x", 1000),
		"open quote":   "\"" + strings.Repeat("x\n", 500),
		"commas":       strings.Repeat(",", 1000),
		"blank lines":  strings.Repeat("\n", 1000),
		"open quotes":  "\"\n" + strings.Repeat("\"\"\n", 300),
		"quote quotes": strings.Repeat("\"\"\"\n", 250),
	} {
		var before, after runtime.MemStats
		r := NewReader(io.MultiReader(strings.NewReader("a,b\n"), &repeated{row, 6_000}), CSV)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for err := error(nil); !errors.Is(err, io.EOF); {
			_, err = r.Next()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 32*maxRow || len(r.window.buf) > 2*maxRow {
			t.Errorf("%s: %d bytes are held, %d of them in the window", name, held, len(r.window.buf))
		}
		runtime.KeepAlive(r)
	}
}

// FuzzReader holds that whatever the bytes, reading ends, each row is whole, and
// what was read and is written again reads the same, in pieces of any size.
func FuzzReader(f *testing.F) {
	f.Add([]byte("userId,email\nu1,a@example.com\n"), false)
	f.Add([]byte("sep=;\na;b\n\"x\n\";\"\"\"\"\n1;2;3\n\"y"), false)
	f.Add([]byte("\xff\xfea\x00\n\x00"), false)
	f.Add([]byte("a\tb\r1\t\"\r"), false)
	f.Add([]byte("{\"a\":1}\n\n{"), true)
	f.Fuzz(func(t *testing.T, text []byte, lines bool) {
		format := Detect
		if lines {
			format = JSONLines
		}
		rows := collect(t, NewReader(strings.NewReader(string(text)), format), len(text)+2)
		inPieces := collect(t, NewReader(iotest.HalfReader(strings.NewReader(string(text))), format), len(text)+2)
		if !reflect.DeepEqual(rows, inPieces) {
			t.Fatalf("%q read at once gives %q, in pieces %q", text, rows, inPieces)
		}
		again := collect(t, NewReader(strings.NewReader(write(rows)), CSV), len(rows)+2)
		if len(rows) > 1 && rows[0] != nil && !reflect.DeepEqual(rows, again) {
			t.Fatalf("%q gives %q, and written again %q", text, rows, again)
		}
	})
}

// collect returns the columns and the rows; the columns are nil for JSON lines.
func collect(t *testing.T, r *Reader, most int) [][]string {
	columns, err := r.Columns()
	if err != nil {
		return nil
	}
	rows := [][]string{columns}
	last := 0
	for range most {
		row, err := r.Next()
		fault, isFault := errors.AsType[*Fault](err)
		switch {
		case errors.Is(err, io.EOF) || isFault && fault.Fatal:
			return rows
		case isFault:
			row = Row{Line: fault.Line}
		case err != nil:
			t.Fatal(err)
		case columns == nil:
			rows = append(rows, []string{string(row.Raw)})
		case len(row.Cells) != len(columns):
			t.Fatalf("%q in a table of %q", row.Cells, columns)
		default:
			rows = append(rows, row.Cells)
		}
		if row.Line <= last {
			t.Fatalf("line %d after line %d", row.Line, last)
		}
		last = row.Line
	}
	t.Fatalf("more than %d rows", most)
	return nil
}

// write writes rows with quotes round every cell.
func write(rows [][]string) string {
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			text.WriteString([]string{"", ","}[min(i, 1)] + `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		text.WriteString("\n")
	}
	return text.String()
}
