package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
)

// serveBare serves the reference: it checks the signature, decodes the JSON, and
// forgets everything.
func serveBare(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(r.Header.Get("x-mt-webhook-timestamp") + ":"))
		mac.Write(body)
		given, err := hex.DecodeString(r.Header.Get("x-mt-webhook-signature"))
		if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			http.Error(w, "Invalid signature", http.StatusForbidden)
			return
		}
		var event struct {
			Event     string         `json:"event"`
			CompanyID string         `json:"companyId"`
			Data      map[string]any `json:"data"`
		}
		if err := json.Unmarshal(body, &event); err != nil || event.Event == "" {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"received": true}`)
	}))
}
