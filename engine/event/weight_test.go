package event

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// hostile are bodies of about a size whose values take as much memory as they
// can.
func hostile(size int) map[string]string {
	in := func(element string) string {
		return `{"event":"x","data":{"a":[` + strings.Repeat(element+",", size/(len(element)+1)) + `0]}}`
	}
	var keys strings.Builder
	keys.WriteString(`{"event":"x","data":{`)
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, `"%x":0,`, i)
	}
	keys.WriteString(`"":0}}`)
	return map[string]string{
		"objects":     in("{}"),
		"entries":     in(`{"":0}`),
		"lists":       in("[]"),
		"nested":      in("[[[[[[0]]]]]]"),
		"numbers":     in("1234567"),
		"fractions":   in("0.5"),
		"bad numbers": in("99999999999999999999"),
		"texts":       in(`"a"`),
		"escapes":     in(`"\u00e9"`),
		"keys":        keys.String(),
		"one text":    in(`"` + strings.Repeat("a", size) + `"`),
		"a top list":  "[" + strings.Repeat("{},", size/3) + "{}]",
	}
}

func TestWeight_isNotLessThanWhatDecodeKeeps(t *testing.T) {
	for name, body := range hostile(1 << 18) {
		t.Run(name, func(t *testing.T) {
			before := live()
			e, _ := Decode([]byte(body)) // a list is not an event, and keeps nothing
			kept := live() - before
			if weight := Weight([]byte(body)); kept > weight {
				t.Errorf("a body of %d bytes keeps %d, more than its weight of %d", len(body), kept, weight)
			}
			runtime.KeepAlive(e)
		})
	}
}

// What is not an event is read to its end, so that the fault is the same as ever,
// but none of it is kept.
func TestDecode_aListIsNotKept(t *testing.T) {
	body := []byte("[" + strings.Repeat("{},", 1<<17) + "{}]")
	before := live()
	value, err := decodeBody(body)
	if kept := live() - before; err != nil || kept > 64<<10 {
		t.Errorf("%d bytes are kept, error %v", kept, err)
	}
	runtime.KeepAlive(value)
	for text, fault := range map[string]Fault{
		`[1]`: FaultNoEvent, `[1,`: FaultNotJSON, `[{"a":1,"a":2}]`: FaultDuplicateKey,
		strings.Repeat("[", 65): FaultTooDeep, `["a"]x`: FaultNotJSON,
	} {
		_, err := Decode([]byte(text))
		if e, ok := err.(*DecodeError); !ok || e.Fault != fault {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
