package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

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
	now := in.Now().UTC()
	stored, err := ownEvent(noticePrefix+newID(now), eventType, in.Company, data, now)
	if err != nil {
		return err
	}
	stored.Status = record.Accepted
	e, err := event.Decode(stored.Body)
	if err != nil {
		return fmt.Errorf("an event of heed's own is none: %w", err)
	}
	return in.DecideAndCommit(ctx, stored, &e)
}

// ownEvent makes an event of heed's own, without a status.
func ownEvent(id, eventType, company string, data map[string]any, now time.Time) (*record.Event, error) {
	body, err := json.Marshal(map[string]any{"event": eventType, "companyId": company, "data": data})
	if err != nil {
		return nil, fmt.Errorf("encode an event of heed's own: %w", err)
	}
	signature := sha256.Sum256([]byte(id)) // unique, as that of a request is
	return &record.Event{
		Source: source.Heed, ID: id, Type: eventType, CompanyID: company, ReceivedAt: now, SignedAt: now,
		Signature: signature[:], Body: body,
	}, nil
}

// IsNotice says whether an event's id is that of one of heed's own events:
// what becomes of those must not make another.
func IsNotice(eventID string) bool { return strings.HasPrefix(eventID, noticePrefix) }
