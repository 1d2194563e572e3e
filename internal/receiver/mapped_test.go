package receiver

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"heed/engine/source"

	"github.com/google/go-cmp/cmp"
)

func TestHandler_mappingSeesHeadersAndQuery(t *testing.T) {
	g := start(t, nil)
	mapped := partner(source.Verification{
		Scheme: source.SchemeHMAC, Secret: source.Secret{Env: "PARTNER_SECRET"},
		HMAC: source.HMAC{SignatureHeader: "X-Signature", IDHeader: "X-Id", Encoding: source.Hex, Signed: "{body}"},
	})
	mapped.Mapping = &source.Mapping{}
	g.activate(mapped)
	g.env.Store("PARTNER_SECRET", partnerSecret)
	signature := hex.EncodeToString(sumOf(partnerSecret, "{}"))
	request := strings.Join([]string{
		"POST /webhooks/partner?type=quiz&type=other&n&bad=%ff HTTP/1.1", "Host: x", "Content-Length: 2",
		"X-Signature: " + signature, "X-ID: evt_1", "X-EVENT-Type: quiz", "x-event-type: other",
		"X-Broken: a\xff", "Authorization: Bearer canary", "Cookie: canary", "Proxy-Authorization: Basic canary",
	}, "\r\n") + "\r\n\r\n{}"
	if got := raw(t, g.addr, request); got.Status != 200 {
		t.Fatalf("got %d %s\n%s", got.Status, got.Body, g.logs)
	}
	requests, _ := g.take()
	wantHeader := map[string]string{
		"content-length": "2", "x-id": "evt_1", "x-event-type": "quiz", "x-broken": "a\ufffd",
	}
	if diff := cmp.Diff(wantHeader, requests[0].Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	wantQuery := map[string]string{"type": "quiz", "n": "", "bad": "\ufffd"}
	if diff := cmp.Diff(wantQuery, requests[0].Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestMappedHeader_hasNothingThatAuthenticates(t *testing.T) {
	h := http.Header{
		"Authorization": {"a"}, "Proxy-Authorization": {"a"}, "Cookie": {"a"}, "X-Signature": {"a"},
		"X-Empty": {}, "X-Other": {"b", "a"},
	}
	if diff := cmp.Diff(map[string]string{"x-other": "b"}, mappedHeader(h, "X-Signature")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
