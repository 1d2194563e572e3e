package source

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// Verification says how the requests of a source are verified. It holds no
// secret, only where one is.
type Verification struct {
	Scheme Scheme
	// HMAC is the formula of the schemes that sign.
	HMAC HMAC
	// User is the user of the scheme basic.
	User string
	// Secret is where the secrets, tokens or passwords are; any of them verifies a
	// request. The zero Secret is the one that heed is started with, for the
	// published contract.
	Secret Secret
}

// Scheme is a way of verifying requests.
type Scheme string

// The schemes. All but bearer and basic sign the body.
const (
	SchemeMindtickle       Scheme = "mindtickle"
	SchemeHMAC             Scheme = "hmac"
	SchemeStandardWebhooks Scheme = "standard_webhooks"
	SchemeGitHub           Scheme = "github"
	SchemeBearer           Scheme = "bearer"
	SchemeBasic            Scheme = "basic"
)

// Schemes are all schemes, in the order in which messages name them.
var Schemes = []Scheme{
	SchemeMindtickle, SchemeHMAC, SchemeStandardWebhooks, SchemeGitHub, SchemeBearer, SchemeBasic,
}

// Secret is where a secret is: the name of an environment variable, or the path of
// a file. Each may hold several, separated by white space or one a line.
type Secret struct{ Env, File string }

// Encoding is how a signature is written.
type Encoding string

// The encodings. Hex digits may be of either case.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// HMAC is how an HMAC-SHA256 signature is made and where it stands. The names of
// headers are in the spelling of net/http; an empty one counts as missing.
type HMAC struct {
	SignatureHeader, TimestampHeader, IDHeader string
	// Prefix stands before the signature, such as "sha256=".
	Prefix string
	// List says that the header may hold several signatures, separated by spaces; one
	// of them must be right.
	List     bool
	Encoding Encoding
	// Signed is what is signed: a text with the part {body} and, if their headers
	// are named, {timestamp} and {id}.
	Signed string
	// KeyPrefix, if not empty, says that secrets are written in base64, and may
	// begin so: "whsec_".
	KeyPrefix string
	// MaxAge and MaxAhead are the window round the signed time; zero is heed's
	// own.
	MaxAge, MaxAhead time.Duration
}

// The parts of HMAC.Signed.
const (
	TimestampPart = "{timestamp}"
	IDPart        = "{id}"
	BodyPart      = "{body}"
)

// Signs says whether a part is among what is signed.
func (h HMAC) Signs(part string) bool { return strings.Contains(h.Signed, part) }

// Validate returns why nothing could be verified by the formula, or not safely.
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

// IsPlainPath says whether requests can come in at a path: an absolute one without
// query, escapes and a slash at the end.
func IsPlainPath(text string) bool {
	return strings.HasPrefix(text, "/") && path.Clean(text) == text && !strings.ContainsAny(text, "?#% ")
}

// ServedPaths are the paths of the receiver that heed answers itself.
var ServedPaths = []string{"/-/healthy", "/-/ready"}

// MindtickleSource is the source of the published contract.
func MindtickleSource() *Source {
	return &Source{
		Name: Mindtickle, Path: PublishedPath, IDs: Mindtickle,
		Verify: &Verification{Scheme: SchemeMindtickle, HMAC: MindtickleHMAC},
	}
}
