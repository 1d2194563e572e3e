package intake

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"heed/engine/event"
	"heed/engine/record"
	"heed/engine/source"
	"heed/engine/state"
)

// arrival is one event on its way in, before any rule saw it: what is stored of
// it, and the event itself if it can be used.
type arrival struct {
	stored *record.Event
	event  event.Event
}

// published takes a body that is an event in the form of the published contract.
func (in *Intake) published(r *Request, now time.Time) arrival {
	stored := in.newEvent(r.Source, now, r.SignedAt)
	a := arrival{stored: stored}
	stored.ID, stored.Body, stored.Signature = r.ID, r.Body, r.Signature
	if stored.ID == "" || isOwn(stored.ID) {
		sum := sha256.Sum256(r.Body)
		stored.ID = hex.EncodeToString(sum[:])
	}
	switch {
	case r.Signature == nil:
		stored.Signature = signatureOf(r.Source.IDs, stored.ID)
	case stored.IDs != "": // another source may have the same secret
		stored.Signature = signatureOf(r.Source.IDs, string(r.Signature))
	}
	var err error
	a.event, err = event.Decode(r.Body)
	stored.Type, stored.CompanyID = a.event.Type, a.event.CompanyID
	stored.Good = in.inWindow(r.Source, r.SignedAt, now)
	if stored.Reason, stored.Detail = in.quarantine(r.Source, &a, err, r.SignedAt, now); stored.Reason != "" {
		stored.Status = record.Quarantined
	}
	return a
}

// isOwn says whether an id is one of heed's own events, which come from no source.
func isOwn(id string) bool { return IsNotice(id) || state.IsFiring(id) }

// mapped takes the events that the source's mapping makes of a request.
func (in *Intake) mapped(r *Request, now time.Time) []arrival {
	m := r.Source.Mapping
	made := m.Request(r.Body, r.Header, r.Query)
	if m.ID == nil && m.Each == nil && r.ID != "" && !isOwn(r.ID) && made[0].Reason == "" {
		made[0].ID = r.ID
	}
	arrivals := make([]arrival, len(made))
	for i := range made {
		a := in.made(r.Source, &made[i], r.SignedAt, now)
		// An id that the signature does not cover may differ each time, so the event is
		// identified by the signature instead. The reason for quarantine is added, so
		// that the same request is accepted once what was wrong is fixed.
		if r.Signature != nil && (m.Unsigned || m.ID == nil && r.ID != "" && !r.Source.Verify.HMAC.Signs(source.IDPart)) {
			a.stored.Signature = signatureOf(r.Source.IDs, string(r.Signature),
				string(binary.AppendVarint(nil, int64(i))), a.stored.Reason, a.stored.Detail)
		}
		a.stored.Good = in.inWindow(r.Source, r.SignedAt, now)
		arrivals[i] = a
	}
	return arrivals
}

// made makes an arrival of what a mapping made. signedAt is zero if nothing is signed.
func (in *Intake) made(s *source.Source, m *source.Made, signedAt, now time.Time) arrival {
	at := m.At
	switch {
	case at.IsZero():
		at = signedAt
	case at.After(now): // a mistake; later events must not seem older than this one
		at = now
	}
	stored := in.newEvent(s, now, at)
	stored.ID, stored.Body, stored.IDAlone = m.ID, m.Body, true
	stored.Signature = signatureOf(s.IDs, m.ID)
	a := arrival{stored: stored, event: m.Event}
	if stored.Type = m.Event.Type; s.Mapping.Company == nil {
		a.event.CompanyID = in.Company
	}
	stored.CompanyID = a.event.CompanyID
	if stored.Reason, stored.Detail = m.Reason, m.Detail; m.Reason == "" {
		stored.Reason, stored.Detail = in.quarantine(s, &a, nil, signedAt, now)
	}
	if stored.Reason != "" { // the same input is accepted once what was wrong is fixed
		stored.Status = record.Quarantined
		stored.Signature = signatureOf(s.IDs, m.ID, stored.Reason, stored.Detail, string(m.Body))
	}
	return a
}

// newEvent is what is stored of an event of a source. Its own time is at, or now
// if that is zero.
func (in *Intake) newEvent(s *source.Source, now, at time.Time) *record.Event {
	if at.IsZero() {
		at = now
	}
	e := &record.Event{Source: s.Name, IDs: SpaceOf(s.IDs), ReceivedAt: now, SignedAt: at, Status: record.Accepted}
	e.Inert = !s.Act.Allows(at, now)
	return e
}

// SpaceOf is record.Event.IDs for the name of a source.
func SpaceOf(name string) string {
	if name == source.Mindtickle {
		return ""
	}
	return name
}

// signatureOf stands for the signature of an event that was not signed.
func signatureOf(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// quarantine says why an event cannot be used, in a word and, if there is more to
// say, in a sentence; empty if it can. A redelivery of the same request would have the
// same reason.
func (in *Intake) quarantine(
	s *source.Source, a *arrival, decodeErr error, signedAt, now time.Time,
) (reason, detail string) {
	var fault *event.DecodeError
	switch {
	case errors.As(decodeErr, &fault):
		return string(fault.Fault), fault.Detail
	case utf8.RuneCountInString(a.event.Type) > maxType:
		whole := a.event.Type
		a.stored.Type = string([]rune(whole)[:maxType-1]) + "…"
		return LongType, fmt.Sprintf("the type has %d bytes", len(whole))
	case in.Company != "" && a.event.CompanyID != in.Company:
		return OtherCompany, ""
	case event.Reserved(a.event.Type):
		return ReservedType, ""
	case !in.inWindow(s, signedAt, now):
		return OutsideWindow, ""
	default:
		return "", ""
	}
}

// inWindow reports whether a signed time is near enough to now. It is always true for
// a source that does not sign a time.
func (in *Intake) inWindow(s *source.Source, signedAt, now time.Time) bool {
	if s.Verify == nil || s.Verify.HMAC.TimestampHeader == "" {
		return true
	}
	maxAge, maxAhead := cmp.Or(s.Verify.HMAC.MaxAge, in.MaxAge), cmp.Or(s.Verify.HMAC.MaxAhead, in.MaxAhead)
	return now.Sub(signedAt) <= maxAge && signedAt.Sub(now) <= maxAhead
}
