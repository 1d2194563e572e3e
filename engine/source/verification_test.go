package source

import (
	"strings"
	"testing"
)

func TestHMAC_Validate(t *testing.T) {
	for _, h := range []HMAC{MindtickleHMAC, StandardWebhooksHMAC, GitHubHMAC} {
		if err := h.Validate(); err != nil {
			t.Errorf("%s: %v", h.SignatureHeader, err)
		}
	}
	for want, change := range map[string]func(*HMAC){
		"header is named for the signature": func(h *HMAC) { h.SignatureHeader = "" },
		`unknown encoding ""`:               func(h *HMAC) { h.Encoding = "" },
		`unknown encoding "base32"`:         func(h *HMAC) { h.Encoding = "base32" },
		"must contain {body}":               func(h *HMAC) { h.Signed = "{id}.{timestamp}" },
		"{timestamp} is signed, but":        func(h *HMAC) { h.TimestampHeader = "" },
		"{id} is signed, but":               func(h *HMAC) { h.IDHeader = "" },
	} {
		h := StandardWebhooksHMAC
		change(&h)
		if err := h.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
