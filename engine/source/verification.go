package source

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// A Verification says how the requests of a source are verified. It holds no secret, only
// the location of one.
type Verification struct {
	Scheme Scheme
	// HMAC is the formula of schemes that sign.
	HMAC HMAC
	// User is the user name for the scheme basic.
	User string
	// Secret locates the secrets, tokens or passwords, any of which verifies a request.
	// The zero Secret is the one heed is started with, for the published contract.
	Secret Secret
}

// A Scheme is a way of verifying requests.
type Scheme string

// The schemes. All except bearer and basic sign the body.
const (
	SchemeMindtickle       Scheme = "mindtickle"
	SchemeHMAC             Scheme = "hmac"
	SchemeStandardWebhooks Scheme = "standard_webhooks"
	SchemeGitHub           Scheme = "github"
	SchemeBearer           Scheme = "bearer"
	SchemeBasic            Scheme = "basic"
)

// Schemes lists all schemes, in the order in which messages name them.
var Schemes = []Scheme{
	SchemeMindtickle, SchemeHMAC, SchemeStandardWebhooks, SchemeGitHub, SchemeBearer, SchemeBasic,
}

// A Secret is the location of a secret: the name of an environment variable, or the path
// of a file. Either may hold several secrets, separated by white space or one per line.
type Secret struct{ Env, File string }

// An Encoding is how a signature is written.
type Encoding string

// The encodings. Hex digits may be in either case.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// An HMAC says how an HMAC-SHA256 signature is made and where it is found. Header names
// are in the canonical form of net/http; an empty header counts as missing.
type HMAC struct {
	SignatureHeader, TimestampHeader, IDHeader string
	// Prefix precedes the signature, such as "sha256=".
	Prefix string
	// List means that the header may hold several signatures, separated by spaces. One of
	// them must be right.
	List     bool
	Encoding Encoding
	// Signed is the text that is signed. It contains {body} and, if their headers are
	// named, {timestamp} and {id}.
	Signed string
	// KeyPrefix, if not empty, means that secrets are in base64 and may have this prefix:
	// "whsec_".
	KeyPrefix string
	// MaxAge and MaxAhead are the window around the signed time. Zero means heed's
	// default.
	MaxAge, MaxAhead time.Duration
}

// The parts of HMAC.Signed.
const (
	TimestampPart = "{timestamp}"
	IDPart        = "{id}"
	BodyPart      = "{body}"
)

// Signs reports whether a part is among what is signed.
func (h HMAC) Signs(part string) bool { return strings.Contains(h.Signed, part) }

// Validate returns an error if the formula could verify nothing, or not safely.
func (h HMAC) Validate() error {
	switch {
	case h.SignatureHeader == "":
		return errors.New("no header is named for the signature")
	case h.Encoding != Hex && h.Encoding != Base64:
		return fmt.Errorf("unknown encoding %q: write %s or %s", h.Encoding, Hex, Base64)
	case !h.Signs(BodyPart):
		return errors.New("what is signed must contain {body}")
	case h.Signs(TimestampPart) && h.TimestampHeader == "":
		return errors.New("{timestamp} is signed, but no header is named for it")
	case h.Signs(IDPart) && h.IDHeader == "":
		return errors.New("{id} is signed, but no header is named for it")
	default:
		return nil
	}
}

// The formulas of the published schemes. The published contract is in the
// project's documentation; the others are at
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// and https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries.
var (
	MindtickleHMAC = HMAC{
		SignatureHeader: "X-Mt-Webhook-Signature", TimestampHeader: "X-Mt-Webhook-Timestamp", IDHeader: "X-Mt-Event-Id",
		Encoding: Hex, Signed: "{timestamp}:{body}",
	}
	StandardWebhooksHMAC = HMAC{
		SignatureHeader: "Webhook-Signature", TimestampHeader: "Webhook-Timestamp", IDHeader: "Webhook-Id",
		Prefix: "v1,", List: true, Encoding: Base64, Signed: "{id}.{timestamp}.{body}", KeyPrefix: "whsec_",
		MaxAge: 5 * time.Minute, MaxAhead: 5 * time.Minute,
	}
	GitHubHMAC = HMAC{
		SignatureHeader: "X-Hub-Signature-256", IDHeader: "X-Github-Delivery",
		Prefix: "sha256=", Encoding: Hex, Signed: "{body}",
	}
)

// PublishedPath is the path of the published contract.
const PublishedPath = "/webhooks/mindtickle"

// IsPlainPath reports whether a path can receive requests: it is absolute, without query,
// escapes or trailing slash.
func IsPlainPath(text string) bool {
	return strings.HasPrefix(text, "/") && path.Clean(text) == text && !strings.ContainsAny(text, "?#% ")
}

// ServedPaths are the paths of the receiver that heed itself answers.
var ServedPaths = []string{"/-/healthy", "/-/ready"}

// MindtickleSource returns the source of the published contract.
func MindtickleSource() *Source {
	return &Source{
		Name: Mindtickle, Path: PublishedPath, IDs: Mindtickle,
		Verify: &Verification{Scheme: SchemeMindtickle, HMAC: MindtickleHMAC},
	}
}
