package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// The webhook as MindTickle sends it, written down here and not taken from heed.
const (
	webhookPath     = "/webhooks/mindtickle"
	eventIDHeader   = "x-mt-event-id"
	timestampHeader = "x-mt-webhook-timestamp"
	signatureHeader = "x-mt-webhook-signature"
	maxBody         = 1 << 20
)

// sign is the hex HMAC-SHA256 of the timestamp header, a colon and the body.
func sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + ":"))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
