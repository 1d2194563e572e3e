package source

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine/event"
)

// checkMade checks what holds for whatever a mapping makes.
func checkMade(t *testing.T, made Made) {
	t.Helper()
	if made.ID == "" || len(made.ID) > maxID || !printable(made.ID) {
		t.Errorf("the id is %q", made.ID)
	}
	if (made.Reason == "") != (made.Detail == "") {
		t.Errorf("the reason is %q, the detail %q", made.Reason, made.Detail)
	}
	if made.Reason != "" {
		if made.Event.Type != "" || made.Event.Data != nil {
			t.Errorf("what cannot be used is an event: %+v", made.Event)
		}
		return
	}
	again, err := event.Decode(made.Body)
	if err != nil {
		t.Fatalf("the body of an event is none: %v\n%s", err, made.Body)
	}
	again.ID = made.ID
	if diff := cmp.Diff(made.Event, again); diff != "" {
		t.Errorf("the body tells another event (-decided +body)\n%s", diff)
	}
	if made.Event.Type == "" || len(made.Body) > maxBody || made.At.Year() > 9999 {
		t.Errorf("an event of the type %q with %d bytes at %s", made.Event.Type, len(made.Body), made.At)
	}
}

// Whatever the body: no panic, and what is decided now is what a replay decides.
func FuzzMapping(f *testing.F) {
	for _, body := range []string{
		`{"events":[{"type":"x","id":"a","at":1767225600,"n":1,"data":{"a":[1,1e400]}},{"id":7}]}`,
		`{"type":"x","id":0.1,"at":"2026-03-01","text":"a","data":{}}`, `{"events":{}}`, `[]`, `{"a":1,"a":2}`, "\xff", ``,
		`{"type":"heed.x","id":"heed.notice-1","n":123456789012345678901234567890,"data":{"\u2028":"\ud800"}}`,
	} {
		f.Add([]byte(body), "h", "q")
	}
	mappings := []*Mapping{
		mapping(f, false, map[string]string{
			"each": "body.events", "event": "item.type", "id": "item.id",
			"at": "item.at", "data": "item.data",
		}),
		mapping(f, false, map[string]string{"each": "body.events", "event": `"x"`, "data": "item"}),
		mapping(f, false, map[string]string{
			"event": "body.type", "id": "body.id", "at": "body.at", "company": "body.company",
			"data.n": "float(body.n)", "data.sum": "body.n + 1", "data.half": "body.n / body.m", "data.all": "body",
			"data.text": "upper(body.text)", "data.h": "headers.h", "data.q": "query.q",
		}),
		mapping(f, false, map[string]string{"event": "headers.h", "id": `query.q + string(body.id)`, "data": "body"}),
	}
	f.Fuzz(func(t *testing.T, body []byte, header, query string) {
		for i, m := range mappings {
			made := m.Request(body, map[string]string{"h": header}, map[string]string{"q": query})
			again := m.Request(body, map[string]string{"h": header}, map[string]string{"q": query})
			if m.Each == nil && len(made) != 1 {
				t.Fatalf("mapping %d makes %d events of one body", i, len(made))
			}
			if diff := cmp.Diff(made, again); diff != "" {
				t.Fatalf("mapping %d makes another event the second time\n%s", i, diff)
			}
			for _, one := range made {
				checkMade(t, one)
			}
		}
	})
}

// Whatever the cells, and whatever a line of JSON holds.
func FuzzRow(f *testing.F) {
	f.Add("r1", "61.5", "2026-03-01 10:00", `{"id":1}`)
	f.Add("heed.timed-x", "NaN", "1767225600", `{"at":-1e99}`)
	f.Add("", "Inf", "\xff", `[1]`)
	f.Add("a\x00", "0x1p-2", "9999-12-31 23:59", `"x"`)
	mappings := []*Mapping{
		mapping(f, true, map[string]string{
			"event": `"x"`, "id": "row.id", "at": `date(row.at, "2006-01-02 15:04", "Asia/Kolkata")`,
			"data.score": "float(row.score)", "data.ratio": "float(row.score) / 3", "data.id": "row.id",
		}),
		mapping(f, true, map[string]string{"event": "row.id", "at": "row.at", "data": "row"}),
	}
	f.Fuzz(func(t *testing.T, id, score, at, line string) {
		rows := []any{Row{[]string{"id", "score", "at"}, []string{id, score, at}}, Row{
			[]string{"id", "score", "at"},
			[]string{id},
		}}
		if value, err := event.DecodeJSON([]byte(line)); err == nil && json.Valid([]byte(line)) {
			rows = append(rows, value)
		}
		for _, m := range mappings {
			for _, row := range rows {
				made := m.Row(row)
				checkMade(t, made)
				known := m.RowID(row)
				if known != "" && known != made.ID || known == "" && made.Reason == "" {
					t.Errorf("RowID is %q, Row's %q: %s", known, made.ID, made.Detail)
				}
			}
		}
	})
}
