package receiver

import (
	"fmt"
	"strings"

	"heed/engine/source"
)

// holes fills the holes in the causes of warnings for a source.
func holes(s *source.Source) *strings.Replacer {
	verify := s.Verify
	if verify == nil {
		verify = &source.Verification{}
	}
	h := &verify.HMAC
	return strings.NewReplacer(
		"{sender}", sender(s), "{path}", s.Path, "{secret}", secretPlace(verify.Secret),
		"{signature_header}", h.SignatureHeader, "{timestamp_header}", h.TimestampHeader, "{id_header}", h.IDHeader,
		"{signature}", signatureForm(h),
	)
}

func sender(s *source.Source) string {
	if s.Name == source.Mindtickle {
		return "MindTickle"
	}
	return "the sender of " + s.Name
}

func secretPlace(s source.Secret) string {
	switch {
	case s.Env != "":
		return "the environment variable " + s.Env + " and start heed again"
	case s.File != "":
		return s.File
	default:
		return "the secret file"
	}
}

func signatureForm(h *source.HMAC) string {
	form := "64 hex digits"
	if h.Encoding == source.Base64 {
		form = "44 characters of base64"
	}
	if h.Prefix != "" {
		form = fmt.Sprintf("%q and %s", h.Prefix, form)
	}
	if h.List {
		form = "a list of " + form
	}
	return form
}
