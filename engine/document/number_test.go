package document

import "testing"

func TestNode_Rewritten(t *testing.T) {
	for text, want := range map[string]string{
		"00420": "420", "1.10": "1.1", "+4915112345": "4915112345", "0x1F": "31", "1e3": "1000", "1.0": "1", "007": "7",
		"420": "", "1.5": "", "-3": "", "1_000": "", `"00420"`: "", "'1.10'": "", "true": "", "null": "", "2026-01-31": "", "1.2.3": "", "12345678901234567890": "",
	} {
		node := Parse("x.yaml", []byte("key: "+text+"\n"), new(Report)).Get("key")
		got, ok := node.Rewritten()
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s becomes %q, want %q", text, got, want)
		}
	}
}
