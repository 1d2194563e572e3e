package admin

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"sync"
	"time"

	"heed/engine/record"
)

// Problems are what needs a person's attention, by cause.
type Problems struct {
	// Dead are the deliveries that were given up, grouped by cause, the largest group
	// first.
	Dead []Cause `json:"dead"`
	// Partial says that only the newest of them were looked at.
	Partial bool `json:"partial,omitempty"`
	// Quarantined are events that were set aside, by their reason.
	Quarantined []Aside `json:"quarantined"`
	// Rejected is the last attempt to load the rules, if it failed.
	Rejected *LastReload `json:"rejected,omitempty"`
}

// Cause is a group of deliveries that were given up for one reason.
type Cause struct {
	// Action and Cause choose the group; see Selection. Cause is the error without
	// ids and numbers.
	Action string `json:"action"`
	Cause  string `json:"cause"`
	N      int    `json:"n"`
	// Example is the error of the newest of them, as it is.
	Example string `json:"example"`
	// Rules are those whose messages they are.
	Rules       []string  `json:"rules"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	LastEventID string    `json:"last_event_id"`
	// Remedy says what to do before they are sent again.
	Remedy string `json:"remedy"`
	// Retryable counts those that can be sent again.
	Retryable int `json:"retryable"`
}

// Aside is a group of events that were set aside for one reason.
type Aside struct {
	Reason string    `json:"reason"`
	N      int       `json:"n"`
	Last   time.Time `json:"last"`
	LastID string    `json:"last_id"`
	Remedy string    `json:"remedy"`
}

// MostCounted bounds how many things are looked at to count them: beyond it a
// count says "10,000+".
const MostCounted = 10_001

// Problems says what needs a person's attention.
func (s *Service) Problems(ctx context.Context) (p Problems, err error) {
	if p.Dead, p.Partial, err = s.causes(ctx); err != nil {
		return p, err
	}
	m := s.masker(ctx)
	for i := range p.Dead {
		p.Dead[i].Example, p.Dead[i].Cause = m.text(p.Dead[i].Example), m.text(p.Dead[i].Cause)
	}
	if p.Quarantined, err = s.quarantined(ctx); err != nil {
		return p, err
	}
	if s.o.LastReload != nil {
		if last := s.o.LastReload(); last != nil && !last.OK {
			p.Rejected = last
		}
	}
	return p, nil
}

// lastCauses are the groups that were made last, and what tells that they are
// right still.
type lastCauses struct {
	sync.Mutex
	at      time.Time
	newest  string
	n       int
	causes  []Cause
	partial bool
}

// causesAge is how long groups are kept at most.
const causesAge = time.Minute

// causes groups what was given up. To read thousands of rows takes a while, so
// groups are kept as long as there are as many, and the newest is the same.
func (s *Service) causes(ctx context.Context) (list []Cause, partial bool, err error) {
	newest, _, err := s.o.Store.DeadDeliveries(ctx, "", "", 1)
	if err != nil || len(newest) == 0 {
		return []Cause{}, false, err
	}
	n, err := s.o.Store.CountDeliveries(ctx, record.Dead)
	if err != nil {
		return nil, false, err
	}
	last, now := &s.lastCauses, s.o.Now()
	last.Lock()
	defer last.Unlock()
	if last.n != n || last.newest != newest[0].ID || now.Sub(last.at) > causesAge {
		dead, next, err := s.o.Store.DeadDeliveries(ctx, "", "", MostCounted)
		if err != nil {
			return nil, false, err
		}
		last.at, last.newest, last.n, last.causes, last.partial = now, newest[0].ID, n, causes(dead), next != ""
	}
	return slices.Clone(last.causes), last.partial, nil
}

// causes groups dead deliveries, which come newest first.
func causes(dead []record.DeadDelivery) []Cause {
	groups := map[[2]string]*Cause{}
	for i := range dead {
		d := &dead[i]
		key := [2]string{d.Action, causeOf(d.LastError)}
		c := groups[key]
		if c == nil {
			c = &Cause{
				Action: d.Action, Cause: key[1], Example: d.LastError, Last: d.CreatedAt, LastEventID: d.EventID,
				Remedy: remedy(d.LastError, d.Renderable),
			}
			groups[key] = c
		}
		c.N++
		c.First = d.CreatedAt
		if d.Renderable {
			c.Retryable++
		}
		if !slices.Contains(c.Rules, d.Rule) && len(c.Rules) < 5 {
			c.Rules = append(c.Rules, d.Rule)
		}
	}
	list := make([]Cause, 0, len(groups))
	for _, c := range groups {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Cause, b.Cause))
	})
	return list
}

// remedies say what to do about an error, by what is in it. The first that fits
// counts.
var remedies = []struct {
	in     *regexp.Regexp
	remedy string
}{
	{
		regexp.MustCompile(`\b401\b|\b403\b|invalid_auth|not_authed|token_|credential`),
		"The other side refuses heed's credentials: renew the token or secret of the action, reload, then retry.",
	},
	{
		regexp.MustCompile(`channel_not_found|not_in_channel|is_archived`),
		"The channel is missing, archived or heed's app is not in it: invite the app or fix the channel, then retry.",
	},
	{
		regexp.MustCompile(`\b404\b|\b410\b|no such|not_found`),
		"What the message is for does not exist on the other side: create it there or fix the path in the rule, " +
			"then retry; else discard.",
	},
	{
		regexp.MustCompile(`\b409\b`),
		"The other side has it already or in another state: look at one, then discard the group.",
	},
	{
		regexp.MustCompile(`\b4[0-9]{2}\b`),
		"The other side refuses the request as it is: fix the rule, then replay the events. " +
			"A retry sends the same request again.",
	},
	{
		regexp.MustCompile(`\b5[0-9]{2}\b|timeout|deadline|refused|reset|EOF|no route|unreachable`),
		"The other side was down for longer than heed tries: retry once it works again.",
	},
	{
		regexp.MustCompile(`certificate|x509|tls`),
		"The certificate of the other side is not accepted: fix it there, or name its authority in the action, then " +
			"retry.",
	},
	{
		regexp.MustCompile(`private address|not allowed`),
		"heed refuses private addresses unless the action allows them: see allow_private.",
	},
}

func remedy(err string, renderable bool) string {
	if !renderable {
		return "The message could not be made, so there is nothing to send again: fix the rule, then replay the events."
	}
	for _, r := range remedies {
		if r.in.MatchString(err) {
			return r.remedy
		}
	}
	return "Look at one of them, fix what is wrong, then retry the group."
}

// asideRemedies say what to do about events that were set aside.
var asideRemedies = map[string]string{
	"other_company":    "They are another company's: see --company.",
	"outside_window":   "A clock is wrong, or they were delayed: see --max-age and --max-ahead.",
	"reserved_type":    "Somebody sends events in heed's own name. No rule saw them; find out who.",
	"signature_reused": "Somebody sends a captured request again under other ids. Nothing is lost; find out who.",
	"id_reused":        "The sender gives one id to different events: tell whoever runs it.",
	"not_json":         "The sender sends what is no JSON: tell whoever runs it.",
	"invalid_utf8":     "The sender sends what is no UTF-8: tell whoever runs it.",
	"unmapped":         "The mapping of the source could not make an event of it: look at one, then fix the mapping.",
}

const maxAside = 1000

// quarantined groups the newest events that were set aside.
func (s *Service) quarantined(ctx context.Context) ([]Aside, error) {
	events, err := s.o.Store.Events(ctx, record.EventFilter{Status: record.Quarantined, Limit: maxAside})
	if err != nil {
		return nil, err
	}
	groups := []Aside{}
	for i := range events {
		e := &events[i]
		at := slices.IndexFunc(groups, func(a Aside) bool { return a.Reason == e.Reason })
		if at < 0 {
			at = len(groups)
			groups = append(groups, Aside{
				Reason: e.Reason, Last: e.ReceivedAt, LastID: e.ID,
				Remedy: cmp.Or(asideRemedies[e.Reason], "Look at one of them: its page says what is wrong."),
			})
		}
		groups[at].N++
	}
	return groups, nil
}

// hasCauseOf says whether a dead delivery has the cause and the rule that the
// selection names.
func (c Selection) hasCauseOf(d *record.DeadDelivery) bool {
	return causeOf(d.LastError) == c.Cause && (c.Rule == "" || c.Rule == d.Rule)
}

func deadDelivery(d *record.DeadDelivery) record.Delivery {
	return record.Delivery{
		ID: d.ID, EventID: d.EventID, Rule: d.Rule, Action: d.Action, Kind: d.Kind, State: record.Dead,
		CreatedAt: d.CreatedAt, LastError: d.LastError,
	}
}

// deadByCause returns a page of dead deliveries with one cause. It looks at a limited
// number of deliveries, since only a few of many may have that cause.
func (s *Service) deadByCause(
	ctx context.Context, c Selection, cursor string, limit int,
) (page DeliveryPage, err error) {
	page.Deliveries = []record.Delivery{}
	m := s.masker(ctx)
	for looked := 0; looked < MostCounted; looked += maxLimit {
		dead, next, err := s.o.Store.DeadDeliveries(ctx, c.Action, cursor, maxLimit)
		if err != nil {
			return page, err
		}
		cursor = next
		for i := range dead {
			d := &dead[i]
			if !c.hasCauseOf(d) {
				continue
			}
			shown := deadDelivery(d)
			m.recordedIfMasked(&shown)
			page.Deliveries = append(page.Deliveries, shown)
		}
		if cursor == "" || len(page.Deliveries) >= limit {
			break
		}
	}
	page.Next = cursor
	return page, nil
}
