package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"sync"

	"heed/engine"
	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/people"
	"heed/engine/record"
	"heed/engine/ruletest"
	"heed/engine/state"
	"heed/internal/admin/access"
)

// pseudonyms knows whom pseudonyms stand for, so that somebody who sees only pseudonyms
// can still follow a link.
type pseudonyms struct {
	mu  sync.Mutex
	key []byte
	ids map[string]string
}

// maxPseudonyms bounds how many are known; beyond it, all are forgotten.
const maxPseudonyms = 200_000

func (p *pseudonyms) secret() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		p.key = []byte(rand.Text())
	}
	return p.key
}

func (p *pseudonyms) remember(pseudonym, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids == nil || len(p.ids) >= maxPseudonyms {
		p.ids = map[string]string{}
	}
	p.ids[pseudonym] = id
}

func (p *pseudonyms) of(pseudonym string) (id string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok = p.ids[pseudonym]
	return id, ok
}

// masker masks one answer; nil masks nothing.
type masker struct {
	*ruletest.Masker
	known *pseudonyms
}

// masker returns the masker for the caller of a request.
func (s *Service) masker(ctx context.Context) *masker {
	if !access.Of(ctx).Masked {
		return nil
	}
	return &masker{ruletest.NewMasker(event.Standard(), s.pseudonyms.secret()), &s.pseudonyms}
}

// user returns the id that a user id in a request stands for: a pseudonym stands for a
// person.
func (s *Service) user(ctx context.Context, id string) string {
	if access.Of(ctx).Masked {
		if real, ok := s.pseudonyms.of(id); ok {
			return real
		}
	}
	return id
}

func (m *masker) id(user string) string {
	if m == nil || user == "" {
		return user
	}
	pseudonym := m.Value(user, "userId")
	m.known.remember(pseudonym, user)
	return pseudonym
}

func (m *masker) address(text string) string {
	if m == nil {
		return text
	}
	return m.Value(text, "email")
}

func (m *masker) text(text string) string {
	if m == nil {
		return text
	}
	return m.Text(text)
}

// target masks the target of an entry of the audit log: a filter or a page may name a
// person.
func (m *masker) target(text string) string {
	if m == nil {
		return text
	}
	for _, name := range []string{"user=", "/ui/people/"} {
		if before, after, found := strings.Cut(text, name); found {
			user, rest := after, ""
			if end := strings.IndexAny(after, "&?/"); end >= 0 {
				user, rest = after[:end], after[end:]
			}
			if _, known := m.known.of(user); !known { // else it is a pseudonym
				user = m.id(user)
			}
			text = before + name + user + rest
		}
	}
	return m.text(text)
}

func (m *masker) json(raw json.RawMessage) json.RawMessage {
	if m == nil || len(raw) == 0 {
		return raw
	}
	return m.JSON(raw)
}

// learn learns who an event is about before it is masked, or what follows from it.
func (m *masker) learn(e *record.Event) {
	if m == nil {
		return
	}
	m.Learn(e.Body)
	if decoded, err := event.Decode(e.Body); err == nil {
		m.id(decoded.User())
	}
}

func (m *masker) event(e *Event) {
	if m == nil {
		return
	}
	m.learn(&e.Event)
	e.Body, e.Facts, e.Detail = m.Body(e.Event.Body), m.json(e.Facts), m.text(e.Detail)
	m.shown(e.Decisions)
	for i := range e.Deliveries {
		m.delivery(&e.Deliveries[i])
	}
	for i := range e.Also {
		e.Also[i].Detail = m.text(e.Also[i].Detail)
	}
	e.Answer.Text = m.text(e.Answer.Text)
	for i, reason := range e.Answer.Reasons {
		e.Answer.Reasons[i] = m.text(reason)
	}
}

func (m *masker) shown(decisions []engine.Shown) {
	if m == nil {
		return
	}
	for i := range decisions {
		d := &decisions[i]
		d.Reason, d.Explain = m.text(d.Reason), m.clause(d.Explain)
		d.Effects = m.effects(d.Effects)
	}
}

func (m *masker) replay(of *record.Event, r *Replay) {
	if m == nil {
		return
	}
	m.learn(of)
	for i := range r.Decisions {
		d := &r.Decisions[i]
		one := []engine.Shown{d.Shown}
		m.shown(one)
		d.Shown = one[0]
		for k := range d.Actions {
			d.Actions[k].Request, d.Actions[k].Problem = m.json(d.Actions[k].Request), m.text(d.Actions[k].Problem)
		}
	}
}

func (m *masker) effects(effects []record.Effect) []record.Effect {
	masked := make([]record.Effect, len(effects))
	for i, e := range effects {
		e.Key, e.Limit, e.Reason = m.key(e.Key), m.text(e.Limit), m.text(e.Reason)
		masked[i] = e
	}
	return masked
}

// key masks a key of a rule, whose parts are often users.
func (m *masker) key(key string) string {
	var parts []string
	if m == nil || json.Unmarshal([]byte(key), &parts) != nil {
		return m.text(key)
	}
	for i := range parts {
		parts[i] = m.text(parts[i])
	}
	masked, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	return string(masked)
}

func (m *masker) clause(c *expression.Clause) *expression.Clause {
	if c == nil {
		return nil
	}
	masked := *c
	masked.Reason, masked.Values = m.text(c.Reason), nil
	for name, value := range c.Values {
		if masked.Values == nil {
			masked.Values = map[string]any{}
		}
		masked.Values[name] = m.Any(value)
	}
	masked.Clauses = nil
	for _, child := range c.Clauses {
		masked.Clauses = append(masked.Clauses, m.clause(child))
	}
	return &masked
}

func (m *masker) delivery(d *Delivery) {
	if m == nil {
		return
	}
	m.recorded(&d.Delivery)
	for i := range d.History {
		d.History[i].Error, d.History[i].Response = m.text(d.History[i].Error), m.text(d.History[i].Response)
	}
}

// recordedIfMasked masks a delivery in a list. Its request is left out, since its event
// is not read there.
func (m *masker) recordedIfMasked(d *record.Delivery) {
	if m != nil {
		d.Request = nil
		m.recorded(d)
	}
}

func (m *masker) recorded(d *record.Delivery) {
	d.Request, d.LastError, d.OrderKey = m.json(d.Request), m.text(d.LastError), m.key(d.OrderKey)
	d.Destination = m.text(d.Destination)
	for i := range d.Recipients {
		d.Recipients[i].Address, d.Recipients[i].Error = m.address(d.Recipients[i].Address), m.text(d.Recipients[i].Error)
	}
}

func (m *masker) person(p *Person) { p.ID, p.Email = m.id(p.ID), m.address(p.Email) }

func (m *masker) standings(list []people.Standing) []people.Standing {
	for i := range list {
		list[i].ID, list[i].Email = m.id(list[i].ID), m.address(list[i].Email)
	}
	return list
}

func (m *masker) mutes(list []state.Mute) []state.Mute {
	if m != nil {
		for i := range list {
			list[i].Key, list[i].Reason = "", m.text(list[i].Reason)
		}
	}
	return list
}
