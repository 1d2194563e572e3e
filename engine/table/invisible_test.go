package table

import "testing"

func TestRead_trimsInvisibleCharacters(t *testing.T) {
	got, faults := Read([]byte("userId,\u200bemail\n\ufeffu1\u200b, \u00a0a@example.com\u2060 \n"))
	if len(faults) > 0 || got.Columns[1] != "email" || got.Rows[0].Cells[0] != "u1" || got.Rows[0].Cells[1] != "a@example.com" {
		t.Errorf("%+v %v", got, faults)
	}
}

func TestInvisible(t *testing.T) {
	for text, want := range map[string]string{"u\u200b1": "U+200B", "\ufeffu": "U+FEFF", "a\u00adb": "U+00AD", "u1": "", "Müller, é": "", "a b": "", "می\u200cخواهم": "", "u\u200d1": "U+200D", "x\x01": "U+0001"} {
		if got, found := Invisible(text); got != want || found != (want != "") {
			t.Errorf("%q holds %q, want %q", text, got, want)
		}
	}
}
