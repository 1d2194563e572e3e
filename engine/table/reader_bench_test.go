package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// A row is as one of a report of quiz results.
const benchRows = 100_000

func BenchmarkReader(b *testing.B) {
	header := "User ID,Quiz ID,Attempt,Submitted,Quiz,Score\n"
	plain := header + benchText(`u%d,quiz-%d,1,2026-11-27 10:30,Negotiation basics,%d`)
	quoted := header + benchText(`"u%d","quiz-%d",1,2026-11-27 10:30,"Negotiation, ""basics""",%d`)
	lines := benchText(`{"user":"u%d","quiz":"quiz-%d","attempt":1,"submitted":"2026-11-27 10:30","score":%d}`)
	for _, c := range []struct {
		name, text string
		format     Format
	}{
		{"plain", plain, CSV},
		{"quoted", quoted, CSV},
		{"UTF-16", wide(plain, binary.LittleEndian, "\xff\xfe"), CSV},
		{"JSON lines", lines, JSONLines},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(strings.NewReader(c.text), c.format)
				for {
					if _, err := r.Next(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(benchRows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func benchText(row string) string {
	var text strings.Builder
	for i := range benchRows {
		fmt.Fprintf(&text, row+"\n", i, i%50, i%100)
	}
	return text.String()
}
