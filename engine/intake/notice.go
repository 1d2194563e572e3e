package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"heed/engine/event"
	"heed/engine/record"
	"heed/engine/source"
)

// noticePrefix starts the ids of heed's own events.
const noticePrefix = "heed.notice-"

// Notice takes in an event about heed itself, decides it and stores it with its
// deliveries like any other. Where no rule listens to its type nothing is done.
func (in *Intake) Notice(ctx context.Context, eventType string, data map[string]any) error {
	rules := in.Rules()
	if !rules.ListensTo(eventType) {
		return nil
	}
	body, err := json.Marshal(map[string]any{"event": eventType, "companyId": in.Company, "data": data})
	if err != nil {
		return fmt.Errorf("encode an event of heed's own: %w", err)
	}
	e, err := event.Decode(body)
	if err != nil {
		return fmt.Errorf("an event of heed's own is none: %w", err)
	}
	now := in.Now().UTC()
	e.ID = noticePrefix + newID(now)
	signature := sha256.Sum256([]byte(e.ID)) // unique, as that of a request is
	return in.DecideAndCommit(ctx, &record.Event{
		Source: source.Heed, ID: e.ID, Type: e.Type, CompanyID: e.CompanyID, Status: record.Accepted, ReceivedAt: now, SignedAt: now,
		Signature: signature[:], Body: body,
	}, &e)
}

// IsNotice says whether an event's id is that of one of heed's own events:
// what becomes of those must not make another.
func IsNotice(eventID string) bool { return strings.HasPrefix(eventID, noticePrefix) }
