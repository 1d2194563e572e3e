package rulefile

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"heed/engine/document"
	"heed/engine/source"
	"heed/engine/suggest"
)

// verifyHint says what to write where verify is missing.
const verifyHint = "write verify: {bearer: {env: NAME}}, or one of mindtickle, hmac, standard_webhooks, github, " +
	"basic; without it anybody could send events"

// readVerify reads how the requests of a source are verified.
func (r *sourceReader) readVerify(node *document.Node) {
	published := r.source.Name == source.Mindtickle
	switch {
	case node == nil && published:
		r.source.Verify = source.MindtickleSource().Verify
		return
	case node == nil && r.source.Path == "":
		return
	case node == nil:
		r.report.Errorf(r.name.Place(), "missing-key", "%s has a path and no verify", r.fields.What()).
			Suggest(verifyHint)
		return
	case r.source.Path == "":
		r.report.Errorf(node.Place(), "misplaced", "%s has verify and no path: files are not verified",
			r.fields.What()).
			Suggest("add path: /webhooks/%s, or remove verify", r.source.Name)
		return
	}
	scheme, value := r.scheme(node)
	if scheme == "" {
		return
	}
	v := &source.Verification{Scheme: scheme}
	r.source.Verify = v
	if value.IsScalar() && !value.IsNull() { // as in {bearer: 3f9a1c}
		r.readSecret(secretKeys[scheme], value)
		return
	}
	fields := value.Fields(r.report, "verify."+string(scheme)+" of "+r.fields.What())
	switch scheme {
	case source.SchemeMindtickle:
		v.HMAC = source.MindtickleHMAC
		r.readFormula(fields, v)
		if fields.Node().Get("secret") != nil {
			v.Secret = r.readSecret("secret", fields.Take("secret"))
		}
		fields.Take("secret")
	case source.SchemeHMAC:
		v.HMAC = source.HMAC{Encoding: source.Hex, Signed: "{body}"}
		r.readFormula(fields, v)
		r.requireSecret(fields, v, "secret")
	case source.SchemeStandardWebhooks:
		v.HMAC = source.StandardWebhooksHMAC
		r.readWindow(fields, v)
		r.requireSecret(fields, v, "secret")
	case source.SchemeGitHub:
		v.HMAC = source.GitHubHMAC
		r.requireSecret(fields, v, "secret")
	case source.SchemeBearer:
		r.requireSecret(fields, v, "token")
	case source.SchemeBasic:
		if user := fields.Require("user", "write user: and the name that requests come with"); user != nil {
			v.User, _ = fields.Text("user")
		}
		r.requireSecret(fields, v, "password")
	}
	fields.Done()
}

// secretKeys maps each scheme to the key of its secret.
var secretKeys = map[source.Scheme]string{
	source.SchemeMindtickle: "secret", source.SchemeHMAC: "secret", source.SchemeStandardWebhooks: "secret",
	source.SchemeGitHub: "secret", source.SchemeBearer: "token", source.SchemeBasic: "password",
}

// scheme reads the scheme: a word, or an object of the word and its settings.
func (r *sourceReader) scheme(node *document.Node) (source.Scheme, *document.Node) {
	word, value := node, node
	switch pairs := node.Pairs(); {
	case node.IsText():
		value = node.Empty()
	case len(pairs) == 1:
		word, value = pairs[0].Key, pairs[0].Value
	default:
		r.report.Errorf(node.Place(), "wrong-type", "verify of %s must name exactly one way of verifying",
			r.fields.What()).
			Suggest(verifyHint)
		return "", nil
	}
	if !slices.Contains(source.Schemes, source.Scheme(word.Text())) {
		known := make([]string, len(source.Schemes))
		for i, s := range source.Schemes {
			known[i] = string(s)
		}
		r.report.Errorf(word.Place(), "unknown-scheme", "there is no way of verifying called %s", word.Text()).
			Suggest("%s", suggest.DidYouMean(word.Text(), known))
		return "", nil
	}
	return source.Scheme(word.Text()), value
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]+$`)

// readFormula reads how a signature is computed and where it is found.
func (r *sourceReader) readFormula(fields *document.Fields, v *source.Verification) {
	h := &v.HMAC
	signature := "header"
	if v.Scheme == source.SchemeMindtickle {
		signature = "signature_header"
	}
	for key, name := range map[string]*string{
		signature: &h.SignatureHeader, "timestamp_header": &h.TimestampHeader, "id_header": &h.IDHeader,
	} {
		node := fields.Take(key)
		if node == nil {
			continue
		}
		if !node.IsText() || !headerName.MatchString(node.Text()) {
			r.report.Errorf(node.Place(), "wrong-type", "%s of %s must be the name of a header, not %s", key,
				fields.What(), node.Describe()).
				Suggest("write %s: X-Signature", key)
			continue
		}
		*name = http.CanonicalHeaderKey(node.Text())
	}
	if h.SignatureHeader == "" && fields.Node().Get("header") == nil {
		fields.Require("header", "write header: and the name of the header that has the signature, such as X-Signature")
	}
	if prefix, ok := fields.Text("prefix"); ok {
		h.Prefix = prefix
	}
	if node := fields.Take("encoding"); node != nil {
		h.Encoding = source.Encoding(node.Text())
		if h.Encoding != source.Hex && h.Encoding != source.Base64 {
			r.report.Errorf(node.Place(), "wrong-type", "encoding of %s must be hex or base64, not %s", fields.What(),
				node.Describe()).
				Suggest("write encoding: hex")
			h.Encoding = source.Hex
		}
	}
	r.readSigned(fields, h)
	r.readWindow(fields, v)
}

// hole matches a placeholder in the formula of what is signed.
var hole = regexp.MustCompile(`\{[^}]*\}`)

func (r *sourceReader) readSigned(fields *document.Fields, h *source.HMAC) {
	node := fields.Take("signed")
	if node != nil {
		h.Signed = node.Text()
	}
	if !h.Signs(source.TimestampPart) {
		if at := fields.Node().Get("timestamp_header"); at != nil {
			r.report.Errorf(at.Place(), "bad-formula", "timestamp_header of %s names a time that is not signed",
				fields.What()).
				Suggest("%s",
					"write what is signed, such as signed: '{timestamp}.{body}', or leave timestamp_header out")
		}
		h.TimestampHeader = "" // the default is the published contract's header, which is then not signed
	}
	if node == nil {
		return
	}
	known := []string{source.BodyPart, source.TimestampPart, source.IDPart}
	for _, part := range hole.FindAllString(h.Signed, -1) {
		if !slices.Contains(known, part) {
			r.report.Errorf(node.Place(), "bad-formula", "signed of %s holds %s", fields.What(), part).
				Suggest("%s", "it is made of {body}, {timestamp} and {id}: {timestamp}.{body}")
			return
		}
	}
	needs := func(part, header, key string) {
		if strings.Contains(h.Signed, part) && header == "" {
			r.report.Errorf(node.Place(), "bad-formula", "signed of %s holds %s, and no header has it", fields.What(),
				part).
				Suggest("write %s: and the name of the header", key)
		}
	}
	needs(source.TimestampPart, h.TimestampHeader, "timestamp_header")
	needs(source.IDPart, h.IDHeader, "id_header")
	if strings.Count(h.Signed, source.BodyPart) != 1 {
		r.report.Errorf(node.Place(), "bad-formula", "signed of %s must hold {body} once", fields.What()).
			Suggest("%s", "write signed: '{timestamp}.{body}', or leave it out if the body alone is signed")
	}
}

func (r *sourceReader) readWindow(fields *document.Fields, v *source.Verification) {
	if d, ok := fields.Duration("max_age"); ok {
		v.HMAC.MaxAge = d
		if v.HMAC.TimestampHeader == "" {
			r.report.Errorf(fields.Take("max_age").Place(), "bad-formula", "max_age of %s needs a signed time",
				fields.What()).
				Suggest("%s", "write timestamp_header:, and {timestamp} in signed:")
		}
	}
	if d, ok := fields.Duration("max_ahead"); ok {
		v.HMAC.MaxAhead = d
	}
}

// requireSecret reads the secret, which may also be written directly below the name of
// the scheme: bearer: {env: NAME}.
func (r *sourceReader) requireSecret(fields *document.Fields, v *source.Verification, key string) {
	if node := fields.Node(); node.Get("env") != nil || node.Get("file") != nil {
		fields.Take("env")
		fields.Take("file")
		v.Secret = r.readSecret(string(v.Scheme), node)
		return
	}
	if node := fields.Require(key, "write "+key+": {env: NAME} or {file: PATH}"); node != nil {
		v.Secret = r.readSecret(key, node)
	}
}

func (r *sourceReader) readSecret(key string, node *document.Node) source.Secret {
	if node.IsScalar() && !node.IsNull() {
		r.report.Errorf(node.Place(), "plain-secret", "%s of %s stands in the rule file as plain text", key,
			r.fields.What()).
			Suggest("write %s: {env: NAME} or {file: PATH}", key)
		return source.Secret{}
	}
	var secret source.Secret
	if !r.compiler.Actions.CheckSecret(r.fields, key, node) {
		return secret
	}
	if env := node.Get("env"); env != nil {
		secret.Env = env.Text()
	}
	if file := node.Get("file"); file != nil {
		secret.File = file.Text()
	}
	return secret
}
