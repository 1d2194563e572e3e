package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeKeepsWhatWasSent(t *testing.T) {
	got, err := Decode([]byte(` {"event":"quiz.submitted","companyId":"c1","Event":"other","data":{"s":"a\u00e9\ud83d\ude00","i":9007199254740993,"f":0.5,
		"big":1e400,"long":123456789012345678901234567890,"neg":-0.5,"exp":1e2,"b":true,"n":null,"l":[1,[]],"o":{"k":{}}}} `))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{Type: "quiz.submitted", CompanyID: "c1", Data: map[string]any{
		"s": "aé😀", "i": 9007199254740993, "f": 0.5, "big": BadNumber("1e400"), "long": BadNumber("123456789012345678901234567890"),
		"neg": -0.5, "exp": 100.0, "b": true, "n": nil, "l": []any{1, []any{}}, "o": map[string]any{"k": map[string]any{}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefusesWithAReason(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	for body, want := range map[string]Fault{
		``:                                 FaultNotJSON,
		`{"event":`:                        FaultNotJSON,
		`{"event":"x"} x`:                  FaultNotJSON,
		`{"event":"x"}{}`:                  FaultNotJSON,
		`{"event":"x",}`:                   FaultNotJSON,
		`{"event":"x" "a":1}`:              FaultNotJSON,
		`{event:"x"}`:                      FaultNotJSON,
		`{"event":"x","a":01}`:             FaultNotJSON,
		`{"event":"x","a":"` + "\n" + `"}`: FaultNotJSON,
		`nul`:                              FaultNotJSON,
		"{\"event\":\"\xff\"}":             FaultNotUTF8,
		`{"event":"x","event":"y"}`:        FaultDuplicateKey,
		`{"event":"x","data":{"a":1,"\u0061":2}}`:    FaultDuplicateKey,
		`{"event":"x","data":{"a":[{"b":1,"b":1}]}}`: FaultDuplicateKey,
		`{"event":"x","data":` + deep(64) + `}`:      FaultTooDeep,
		`[]`:                                         FaultNoEvent,
		`"quiz.submitted"`:                           FaultNoEvent,
		`{}`:                                         FaultNoEvent,
		`{"event":""}`:                               FaultNoEvent,
		`{"event":7}`:                                FaultNoEvent,
		`{"EVENT":"x"}`:                              FaultNoEvent,
		`{"event":"x","data":[]}`:                    FaultBadData,
		`{"event":"x","data":"no"}`:                  FaultBadData,
	} {
		_, err := Decode([]byte(body))
		var fault *DecodeError
		if !errors.As(err, &fault) || fault.Fault != want || fault.Detail == "" {
			t.Errorf("%.60s: %v, want %s", body, err, want)
		}
	}
	if _, err := Decode([]byte(`{"event":"x","data":{"a":` + deep(62) + `}}`)); err != nil {
		t.Errorf("64 levels: %v", err)
	}
}

func TestAMissingDataIsEmpty(t *testing.T) {
	for _, body := range []string{`{"event":"x"}`, `{"event":"x","data":null}`} {
		if e, err := Decode([]byte(body)); err != nil || e.Data == nil || len(e.Data) != 0 {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
	}
}

// FuzzDecode holds the decoder to encoding/json: what one takes the other
// takes, but for what heed refuses on purpose, and the values are the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"event":"x","data":{"a":[1,2.5,-3e7,"\u00e9\ud800",true,null,{}]}}`, `{"event":"x","data":{"a":1e999}}`, `[[[[`, `{"a":{"a":{"a":1}}}`, `"\uD83D\uDE00"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Decode(body)
		var fault *DecodeError
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("an error without a fault: %v", err)
		}
		valid := json.Valid(body)
		if !valid && err == nil {
			t.Fatalf("took %q, which is not JSON", body)
		}
		if valid && err != nil && fault.Fault == FaultNotJSON {
			t.Fatalf("%q is JSON: %v", body, err)
		}
		if err != nil {
			return
		}
		var want struct{ Data map[string]any }
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		// encoding/json folds the case of keys, so only an unmistakable body is
		// compared.
		plain := strings.Count(string(body), `"data"`) == 1 && strings.Count(strings.ToLower(string(body)), `"data"`) == 1
		if plain && len(want.Data) > 0 && !strings.Contains(string(body), `\u`) {
			if diff := cmp.Diff(fmt.Sprint(numbers(want.Data)), fmt.Sprint(e.Data)); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		return parseNumber(v.String(), !strings.ContainsAny(v.String(), ".eE"))
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return value
}

func TestTheCatalogueCanBeWidenedButNotContradicted(t *testing.T) {
	wide, err := Standard().With(Type{Name: "quiz.submitted", Fields: []Field{{Name: "region", Kind: Text}, {Name: "score", Kind: Number}}})
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := wide.Lookup("quiz.submitted").Field("region"); !ok || f.Kind != Text {
		t.Errorf("region is %v, %v", f, ok)
	}
	if _, ok := Standard().Lookup("quiz.submitted").Field("region"); ok {
		t.Error("the standard catalogue was changed")
	}
	if _, err := wide.With(Type{Name: "quiz.submitted", Fields: []Field{{Name: "score", Kind: Text}}}); err == nil {
		t.Error("score was made a text")
	}
	wider, err := wide.With(Type{Name: "deal.won"})
	if err != nil || wider.Lookup("deal.won") == nil || len(wider.Types()) != 14 {
		t.Errorf("deal.won: %v, %v", err, wider.Names())
	}
}

func TestWhatTheCatalogueCallsPersonal(t *testing.T) {
	personal := map[string]bool{}
	for _, typ := range Standard().Types() {
		for _, f := range typ.Fields {
			if f.Personal {
				personal[f.Name] = true
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"userId": true, "email": true, "provisionedBy": true}, personal); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u-1042","quizName":"Discovery calls","quizId":"q17","quizType":"graded","score":61,"maxScore":100,"passed":false}}`)
	b.Run("heed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e struct {
				Event, CompanyID string
				Data             map[string]any
			}
			if err := json.Unmarshal(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
