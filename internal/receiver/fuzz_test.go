package receiver

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"

	"heed/engine/source"
)

// Whatever the headers and the body: no panic, an answer from the table, and
// nothing handed over but what another reading of the rules would accept.
func FuzzRequest(f *testing.F) {
	good := Sign(testSecret, "1700000000", testBody)
	f.Add("1700000000", good, "evt_1", "application/json", "", testBody, false)
	f.Add("1700000000", strings.ToUpper(good), "evt\n1", "", "", testBody, true)
	f.Add("1700000000", good+"0", "\x1b[31m", "application/json;charset=utf-8", "", testBody, false)
	f.Add("1:2", good, "", "text/plain", "gzip", []byte{}, true)
	f.Add("", "", strings.Repeat("a", 300), "application/json; =", "identity", []byte("\xff"), false)
	keys, err := NewKeyring("other", testSecret)
	if err != nil {
		f.Fatal(err)
	}
	g := newRig(f, keys)
	f.Fuzz(func(t *testing.T, timestamp, signature, id, contentType, encoding string, body []byte, sign bool) {
		if sign {
			signature = Sign(testSecret, timestamp, body)
		}
		r := httptest.NewRequest("POST", webhookPath, bytes.NewReader(body))
		set := func(name, value string) {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		set(timestampHeader, timestamp)
		set(signatureHeader, signature)
		set(eventIDHeader, id)
		set("Content-Type", contentType)
		set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		g.handler.ServeHTTP(w, r)

		requests, refused := g.take()
		switch w.Code {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
			if len(requests) != 0 || len(refused) != 1 {
				t.Fatalf("%d, handed over %d, refused %v", w.Code, len(requests), refused)
			}
			return
		case http.StatusOK:
		default:
			t.Fatalf("answered %d %s\n%s", w.Code, w.Body, g.logs)
		}
		mac := hmac.New(sha256.New, []byte(testSecret))
		mac.Write([]byte(timestamp + ":"))
		mac.Write(body)
		if !strings.EqualFold(signature, hex.EncodeToString(mac.Sum(nil))) || encoding != "" || len(requests) != 1 {
			t.Fatalf("took timestamp %q, signature %q, encoding %q", timestamp, signature, encoding)
		}
		if !bytes.Equal(requests[0].Body, body) || !hmac.Equal(requests[0].Signature, mac.Sum(nil)) {
			t.Fatalf("handed over another body or signature")
		}
		if got := requests[0].ID; got != "" && (got != id || len(got) > maxID || strings.ContainsFunc(got, unicode.IsControl)) {
			t.Fatalf("handed over the id %q", got)
		}
	})
}

// FuzzHMACVerifier gives the headers of all formulas whatever values, and compares
// with a reading that is as plain as it can be.
func FuzzHMACVerifier(f *testing.F) {
	good := base64.StdEncoding.EncodeToString(sumOf(partnerSecret, "evt_1.1700000000.{}"))
	f.Add("v1,"+good, "1700000000", "evt_1", []byte("{}"))
	f.Add("v2,x v1,"+good+" v1,"+good, "1700000000", "evt_1", []byte("{}"))
	f.Add("sha256="+strings.Repeat("0f", 32), "", "\x00", []byte{})
	f.Add("sha256="+hex.EncodeToString(sumOf(partnerSecret, "{}")), "", "", []byte("{}"))
	f.Add("v1,"+good[:43]+"\n", "1", "a.b", []byte("1700000000."))
	keys, err := NewKeyring("other", partnerSecret)
	if err != nil {
		f.Fatal(err)
	}
	standard, github := source.StandardWebhooksHMAC, source.GitHubHMAC
	f.Fuzz(func(t *testing.T, signature, timestamp, id string, body []byte) {
		want := sumOf(partnerSecret, id+"."+timestamp+"."+string(body))
		_, timely := parseTimestamp(timestamp)
		listed := slices.Contains(strings.Fields(signature), "v1,"+base64.StdEncoding.EncodeToString(want))
		compareVerifier(t, newHMACVerifier(standard, publishedKeys(keys)), http.Header{
			"Webhook-Signature": {signature}, "Webhook-Timestamp": {timestamp}, "Webhook-Id": {id},
		}, body, want, listed && timely && id != "")

		want = sumOf(partnerSecret, string(body))
		prefix, digits, _ := strings.Cut(signature, "=")
		right := prefix == "sha256" && strings.EqualFold(digits, hex.EncodeToString(want))
		compareVerifier(t, newHMACVerifier(github, publishedKeys(keys)), http.Header{
			"X-Hub-Signature-256": {signature},
		}, body, want, right)
	})
}

func compareVerifier(t *testing.T, v *hmacVerifier, header http.Header, body, want []byte, right bool) {
	claim, why, _ := v.inspect(&http.Request{Header: header})
	var mac []byte
	if why == nil {
		mac, why = v.verify(claim, body)
	}
	if right != (why == nil) {
		t.Fatalf("%q: right %t, refused %v", header, right, why)
	}
	if right && !bytes.Equal(mac, want) {
		t.Fatalf("%q: MAC %x, want %x", header, mac, want)
	}
}
