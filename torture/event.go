package main

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// kind is an event's type.
type kind string

const (
	quiz     kind = "quiz.submitted"
	progress kind = "module.progress"
	lapse    kind = "certification.expired"
	arrival  kind = "user.provisioned" // no rule listens to it
)

// event is one that the generator sends. Everything about it follows from its
// id, so that nothing but the id need be written down.
type event struct {
	id    string
	kind  kind
	value int // from 0 to 100
	size  int // of the body, about
	// data is that of an event for rules with time, without its braces.
	data string
}

func eventOf(id string) event {
	if m, ok := momentOf(id); ok {
		return m.event()
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	n := h.Sum64() ^ h.Sum64()>>31
	e := event{id: id, kind: quiz, value: int(n / 100_000 % 101)}
	switch share := n % 10; {
	case share < 6:
	case share < 8:
		// A tenth of them is finished, as in a world of ten steps.
		e.kind, e.value = progress, e.value/10*10
	case share < 9:
		e.kind = arrival
	default:
		e.kind = lapse
	}
	switch size := n / 10 % 5000; {
	case isRow(id): // what is large is the file
	case size == 0:
		e.size = 1 << 20 // the most that heed takes
	case size < 20:
		e.size = 100 << 10
	}
	return e
}

func (e event) body() []byte {
	if e.data != "" {
		return fmt.Appendf(nil, `{"event":%q,"companyId":"acme","data":{%s}}`, e.kind, e.data)
	}
	var data string
	user := strconv.Quote("u-" + e.id)
	switch e.kind {
	case quiz:
		data = fmt.Sprintf(`"userId":%s,"quizName":"Discovery calls","quizType":"graded","score":%d,"maxScore":100`, user,
			e.value)
	case progress:
		data = fmt.Sprintf(`"userId":%s,"moduleName":"Basics","progressPct":%d`, user, e.value)
	case lapse:
		name := "New"
		if e.value < 50 {
			name = "Old"
		}
		data = fmt.Sprintf(`"userId":%s,"certName":%q`, user, name)
	default: // of few people, since heed keeps each for good
		data = fmt.Sprintf(`"userId":"rep-%d","role":"rep","request":%q`, e.value, e.id)
	}
	head := fmt.Sprintf(`{"event":%q,"companyId":"acme","data":{%s,"filler":"`, e.kind, data)
	const tail = `"}}`
	return []byte(head + strings.Repeat("x", max(0, e.size-len(head)-len(tail))) + tail)
}
