package httpcall

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"heed/actions"
	"heed/engine/schema"
)

// The headers of Standard Webhooks, in the spelling of net/http.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	idHeader        = "Webhook-Id"
	timestampHeader = "Webhook-Timestamp"
	signatureHeader = "Webhook-Signature"
)

// signer signs calls as Standard Webhooks describes, so that the other side knows who
// sent them, and that nobody changed them or sends them again.
type signer struct {
	secret actions.Secret
	header string // of the signature
}

// readSign takes sign. Its headers stand among those that are configured, so that
// people see that they are there, and no rule can replace them.
func (a *action) readSign(c *actions.Config) {
	node := c.Take("sign")
	if node == nil {
		return
	}
	fields := c.Within("sign", node)
	defer fields.Done()
	a.sign = &signer{header: signatureHeader}
	if name, ok := fields.Text("hmac"); ok && name != "sha256" {
		c.Report().Errorf(fields.Take("hmac").Place(), "wrong-type", "hmac of %s cannot be %s", fields.What(), name).
			Suggest("write hmac: sha256, as Standard Webhooks has it")
	}
	if secret := fields.Require("secret", "write secret: {env: NAME} or {file: PATH}"); secret != nil {
		a.sign.secret = fields.SecretOf("secret", secret, true)
		if value, err := a.sign.secret.Value(); err == nil {
			if _, err := signingKey(value); err != nil {
				c.Report().Errorf(secret.Place(), "wrong-type", "secret of %s %v", fields.What(), err).
					Suggest("write it in base64, with or without whsec_ in front; 32 random bytes are usual")
			}
		}
	}
	if name, ok := fields.Text("header"); ok {
		name = headerName(name)
		if checkHeaderName(c.Report(), fields.Take("header"), name) {
			a.sign.header = name
		}
	}
	for _, name := range []string{idHeader, timestampHeader, a.sign.header} {
		if _, twice := a.header(name); twice {
			reportTwice(c.Report(), node, name)
			continue
		}
		a.headers = append(a.headers, header{name: name, plain: actions.Masked})
	}
}

// signingKey returns the key that a secret stands for.
func signingKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, errors.New("is not base64, as secrets of Standard Webhooks are")
	}
	return key, nil
}

// sign signs a request. The id is the delivery's, the same for every attempt; the
// time is that of the attempt.
func (s *signer) sign(request *http.Request, id string, body []byte, now time.Time) (secrets []string, err error) {
	secret, err := s.secret.Value()
	if err != nil {
		return nil, err
	}
	key, err := signingKey(secret)
	if err != nil {
		return nil, errors.New("the secret " + err.Error())
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	request.Header.Set(idHeader, id)
	request.Header.Set(timestampHeader, timestamp)
	request.Header[s.header] = []string{"v1," + signature}
	return []string{secret, strings.TrimPrefix(secret, "whsec_"), string(key), signature}, nil
}

func describeSign() *schema.Value {
	return schema.Object("signs each call as Standard Webhooks has it, over its id, its time and its body",
		schema.Optional("hmac", schema.Choice("how; sha256 if left out",
			schema.Word{Word: "sha256", Meaning: "HMAC-SHA256"})),
		schema.Required("secret",
			actions.DescribeSecret("what both sides know, in base64, with or without whsec_ in front")),
		schema.Optional("header",
			schema.Text("the header of the signature; "+signatureHeader+" if left out", "X-Signature")),
	)
}
