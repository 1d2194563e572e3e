package receiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each case changes one thing about a good delivery.
func TestHeadersDecide(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	flip := func(s string) string { // one bit of the last digit
		last := strings.IndexByte("0123456789abcdef", s[63]) ^ 1
		return s[:63] + "0123456789abcdef"[last:last+1]
	}
	signed := func(timestamp string) func(http.Header) {
		return func(h http.Header) {
			h.Set(timestampHeader, timestamp)
			h.Set(signatureHeader, Sign(testSecret, timestamp, testBody))
		}
	}
	change := func(name string, to func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(name, to(h.Get(name))) }
	}
	double := func(name string) func(http.Header) {
		return func(h http.Header) { h.Add(name, h.Get(name)) }
	}
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	remove := func(name string) func(http.Header) {
		return func(h http.Header) { h.Del(name) }
	}
	for name, c := range map[string]struct {
		change func(http.Header)
		status int
		reason Reason
	}{
		"nothing changed": {func(http.Header) {}, 200, ""},

		"signature missing": {remove(signatureHeader), 401, MissingSignature},
		"signature empty":   {set(signatureHeader, ""), 401, MissingSignature},
		"signature blank":   {set(signatureHeader, "  "), 401, MissingSignature},
		"signature twice":   {double(signatureHeader), 401, MissingSignature},
		"timestamp missing": {remove(timestampHeader), 401, MissingTimestamp},
		"timestamp empty":   {set(timestampHeader, ""), 401, MissingTimestamp},
		"timestamp twice":   {double(timestampHeader), 401, MissingTimestamp},

		"signature of another secret":  {set(signatureHeader, Sign("x", "1700000000", testBody)), 403, WrongSignature},
		"signature with a bit flipped": {change(signatureHeader, flip), 403, WrongSignature},
		"signature of 63 digits":       {change(signatureHeader, func(s string) string { return s[:63] }), 403, BadSignature},
		"signature of 65 digits":       {change(signatureHeader, func(s string) string { return s + "0" }), 403, BadSignature},
		"signature not hex":            {change(signatureHeader, func(s string) string { return s[:63] + "g" }), 403, BadSignature},
		"signature with a prefix":      {change(signatureHeader, func(s string) string { return "sha256=" + s }), 403, BadSignature},
		"signature of a megabyte less": {set(signatureHeader, strings.Repeat("a", 8000)), 403, BadSignature},
		"signature upper case":         {change(signatureHeader, strings.ToUpper), 200, ""},

		"timestamp other than the signed": {set(timestampHeader, "1700000001"), 403, WrongSignature},
		"timestamp 1:2":                   {signed("1:2"), 403, BadTimestamp},
		"timestamp +1":                    {signed("+1"), 403, BadTimestamp},
		"timestamp with a sign":           {signed("+1700000000"), 403, BadTimestamp},
		"timestamp with a blank first":    {signed(" 1"), 403, BadTimestamp},
		"timestamp of 9 digits":           {signed("170000000"), 403, BadTimestamp},
		"timestamp of 10 digits":          {signed("1700000000"), 200, ""},
		"timestamp of 13 digits":          {signed("1700000000000"), 200, ""},
		"timestamp of 14 digits":          {signed("17000000000000"), 403, BadTimestamp},
		"timestamp of 20 digits":          {signed("17000000000000000000"), 403, BadTimestamp},
		"timestamp with a colon":          {signed("1700000000:1"), 403, BadTimestamp},
		"timestamp in RFC 3339":           {signed("2023-11-14T22:13:20Z"), 200, ""},
		"timestamp with an offset":        {signed("2023-11-15T03:43:20.25+05:30"), 200, ""},
		"timestamp without a zone":        {signed("2023-11-14T22:13:20"), 403, BadTimestamp},
		"timestamp as a date":             {signed("2023-11-14"), 403, BadTimestamp},
		"timestamp in other digits":       {signed("١٧٠٠٠"), 403, BadTimestamp},

		"no media type":               {remove("Content-Type"), 200, ""},
		"media type with charset":     {set("Content-Type", "Application/JSON ; charset=UTF-8"), 200, ""},
		"media type text":             {set("Content-Type", "text/plain"), 415, MediaType},
		"media type of a form":        {set("Content-Type", "application/x-www-form-urlencoded"), 415, MediaType},
		"media type that starts like": {set("Content-Type", "application/json-seq"), 415, MediaType},
		"media type twice":            {double("Content-Type"), 415, MediaType},
		"gzip":                        {set("Content-Encoding", "gzip"), 415, ContentEncoding},
		"identity":                    {set("Content-Encoding", "identity"), 200, ""},
		"media type before signature": {func(h http.Header) { h.Set("Content-Type", "text/plain"); h.Del(signatureHeader) }, 415, MediaType},
	} {
		t.Run(name, func(t *testing.T) {
			r := g.delivery(t, testSecret, testBody)
			c.change(r.Header)
			got := do(t, r)
			requests, refused := g.take()
			if got.Status != c.status {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
			if want := map[int]string{
				200: `{"received": true}`,
				401: `{"error": "Missing signature"}`,
				403: `{"error": "Invalid signature"}`,
			}[c.status]; want != "" && got.Body != want {
				t.Errorf("body %s, want %s", got.Body, want)
			}
			if c.status == 200 {
				if len(requests) != 1 || len(refused) != 0 {
					t.Errorf("handed over %d, refused %v", len(requests), refused)
				}
				return
			}
			if len(requests) != 0 || !cmp.Equal(refused, []Reason{c.reason}) {
				t.Errorf("handed over %d, refused %v", len(requests), refused)
			}
		})
	}
}

func TestHeaderNamesMayBeInAnyCase(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	h := g.delivery(t, testSecret, testBody).Header
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-MT-WEBHOOK-signature: %s\r\nx-mt-webhook-TIMESTAMP: %s\r\nX-mT-eVENT-iD: a\r\nContent-Length: %d\r\n\r\n%s",
		webhookPath, strings.ToUpper(h.Get(signatureHeader)), h.Get(timestampHeader), len(testBody), testBody)
	if got := raw(t, g.addr, request); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if requests, _ := g.take(); len(requests) != 1 || requests[0].ID != "a" {
		t.Errorf("handed over %+v", requests)
	}
}

func TestSameJSONWrittenAnewIsRefused(t *testing.T) {
	g := start(t, fixedKeys(t, testSecret))
	var value any
	if err := json.Unmarshal(testBody, &value); err != nil {
		t.Fatal(err)
	}
	anew, _ := json.Marshal(value)
	r := g.delivery(t, testSecret, testBody)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(anew)), int64(len(anew))
	if got := do(t, r); got.Status != 403 || got.Body != `{"error": "Invalid signature"}` {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

// The id is not signed. Whatever is in it, a signed event is neither lost nor
// refused because of it, and nothing of it reaches the log.
func TestUnusableEventIDCountsAsNone(t *testing.T) {
	for name, c := range map[string]struct {
		ids  []string
		want string
	}{
		"none":             {nil, ""},
		"empty":            {[]string{""}, ""},
		"usual":            {[]string{"evt_1"}, "evt_1"},
		"not ASCII":        {[]string{"évt 1"}, "évt 1"},
		"256 bytes":        {[]string{strings.Repeat("a", 256)}, strings.Repeat("a", 256)},
		"257 bytes":        {[]string{strings.Repeat("a", 257)}, ""},
		"twice":            {[]string{"evt_1", "evt_2"}, ""},
		"a new line":       {[]string{"a\nlevel=ERROR msg=forged"}, ""},
		"an ANSI sequence": {[]string{"\x1b[31mforged"}, ""},
		"a C1 control":     {[]string{"\u009b31mforged"}, ""},
		"a right-to-left":  {[]string{"a\u202eforged"}, ""},
		"broken UTF-8":     {[]string{"a\xffforged"}, ""},
		"a zero byte":      {[]string{"a\x00forged"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, fixedKeys(t, testSecret))
			r := httptest.NewRequest("POST", webhookPath, bytes.NewReader(testBody))
			r.Header = g.delivery(t, testSecret, testBody).Header
			r.Header[eventIDHeader] = c.ids
			for range 2 {
				r.Body = io.NopCloser(bytes.NewReader(testBody))
				w := httptest.NewRecorder()
				g.handler.ServeHTTP(w, r)
				if w.Code != 200 {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
			}
			requests, _ := g.take()
			if len(requests) != 2 || requests[0].ID != c.want {
				t.Errorf("handed over %+v", requests)
			}
			lines := 0
			if len(c.ids) > 0 && c.ids[0] != c.want {
				lines = 1
			}
			logs := g.logs.String()
			if strings.Count(logs, "\n") != lines || strings.Contains(logs, "forged") || strings.Contains(logs, "\x1b") {
				t.Errorf("want %d lines, got:\n%q", lines, logs)
			}
		})
	}
}
