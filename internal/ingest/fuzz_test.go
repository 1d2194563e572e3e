package ingest

import (
	"bytes"
	"context"
	"testing"

	"heed/engine/intake"
	"heed/engine/source"
)

// Whatever is in a file: no panic, each row has a line of the file and comes once,
// in order; what cannot be read is told; and reading it again finds the same.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		numbered(3), "id;score\r\n\"a\"\"\n\";1\r\n", "sep=,\nid,score\n1,2,3\n,\n", "id,score\nr1,\"", "id,score\n\xff\n",
		"\xff\xfei\x00d\x00,\x00s\x00c\x00o\x00r\x00e\x00\n\x001\x00", "\xfe\xff\x00i", "{\"id\":1}\n{\"id\":\n[1]\n", "PK\x03\x04", "", "\ufeffid,score\nr\x00,1",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	f.Fuzz(func(t *testing.T, file []byte, table bool) {
		name := map[bool]string{true: "a.csv", false: "a.jsonl"}[table]
		s := &source.Source{Name: "report", Mapping: &source.Mapping{}}
		lines := bytes.Count(file, []byte("\n")) + bytes.Count(file, []byte("\r")) + 1 // old files end lines with \r
		read := func() (Result, []int) {
			var at []int
			result, err := Read(t.Context(), intakeFunc(func(ctx context.Context,
				rows []intake.Row,
			) ([]intake.Answer, error) {
				for _, row := range rows {
					at = append(at, row.Line)
				}
				return allNew(ctx, rows)
			}), s, name, bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			return result, at
		}
		result, at := read()
		if result.Rows != result.New+result.Known+result.Unusable || result.New != len(at) {
			t.Errorf("%d rows were taken: %+v", len(at), result)
		}
		for i, line := range at {
			if line < 1 || line > lines || i > 0 && line <= at[i-1] {
				t.Errorf("rows at the lines %v of %d", at, lines)
			}
		}
		if told := len(result.Problems) > 0; told != (result.Unusable > 0 || result.Broken) {
			t.Errorf("%+v", result)
		}
		for _, p := range result.Problems {
			if p.Line < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("the problem %+v of %d lines", p, lines)
			}
		}
		again, sameAt := read()
		if again.Rows != result.Rows || again.Broken != result.Broken || len(sameAt) != len(at) {
			t.Errorf("%+v, and again %+v", result, again)
		}
	})
}
