package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"heed/engine/record"
	"heed/internal/admin/access"
)

// AuditPage is what people did, the newest first.
type AuditPage struct {
	Entries []record.Audit `json:"entries"`
	// Next is the cursor of the next page; empty on the last.
	Next string `json:"next_cursor"`
}

// Audit lists what people did, after the page that gave the cursor.
func (s *Service) Audit(ctx context.Context, cursor string, limit int) (page AuditPage, err error) {
	if err := checkLimit(limit); err != nil {
		return page, err
	}
	after, err := before(cursor)
	if err != nil {
		return page, err
	}
	list, err := s.o.Store.Audit(ctx, after, limit+1)
	if len(list) > limit {
		list = list[:limit]
		page.Next = strconv.FormatInt(list[limit-1].ID, 10)
	}
	page.Entries = orEmpty(list)
	m := s.masker(ctx)
	for i := range page.Entries {
		page.Entries[i].Target = m.target(page.Entries[i].Target)
	}
	return page, err
}

// note keeps in the audit log what somebody did, and what came of it. What heed
// itself does is not noted.
func (s *Service) note(ctx context.Context, what, target string, n int, err error) {
	who := access.Of(ctx)
	entry := record.Audit{
		At: s.o.Now().UTC(), Who: who.Name, Role: who.Role.String(), What: what, Target: target, N: n, Result: "ok",
	}
	if err != nil {
		entry.Result = "failed"
		if refusal, ok := errors.AsType[*Error](err); ok {
			entry.Result = refusal.Text
		}
	}
	// Whoever asked may be gone: what was done is noted all the same.
	if err := s.o.Store.AddAudit(context.WithoutCancel(ctx), entry); err != nil {
		s.o.Log.Error("the audit log is incomplete", "what", what, "target", target, "who", who.Name, "error", err)
	}
}

// NoteLogin keeps in the audit log that somebody logged in.
func (s *Service) NoteLogin(ctx context.Context) { s.note(ctx, "login", "", 0, nil) }

// NoteReveal keeps in the audit log that somebody had personal values shown.
func (s *Service) NoteReveal(ctx context.Context, page string) { s.note(ctx, "reveal", page, 0, nil) }

// Target returns the selection as the audit log shows it.
func (c Selection) Target() string {
	var parts []string
	for _, part := range [][2]string{
		{"action", c.Action}, {"cause", c.Cause}, {"rule", c.Rule}, {"state", string(c.State)},
	} {
		if part[1] != "" {
			parts = append(parts, part[0]+"="+part[1])
		}
	}
	return strings.Join(parts, "&")
}
