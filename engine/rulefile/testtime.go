package rulefile

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine"
	"heed/engine/document"
	"heed/engine/event"
	"heed/engine/record"
	"heed/engine/state"
	"heed/engine/suggest"
)

// readGivenTime reads when an entry of a test happens. timed is false if the entry has no
// time.
func (b *build) readGivenTime(fields *document.Fields, rule *engine.Rule) (given Given, timed bool) {
	if at := fields.Take("at"); at != nil {
		timed = true
		if offset, relative := strings.CutPrefix(at.Text(), "+"); relative {
			given.After = b.offset(at, offset)
		} else {
			given.At = b.testTime(at)
		}
	}
	if arrives := fields.Take("arrives"); arrives != nil {
		timed = true
		given.Arrives = b.offset(arrives, strings.TrimPrefix(arrives.Text(), "+"))
	}
	if down := fields.Take("down"); down != nil {
		timed = true
		given.Down, _ = fields.Duration("down")
	}
	if mute := fields.Take("mute"); mute != nil {
		timed = true
		given.MuteRule = rule.Name
		b.readTestMute(mute, &given)
	}
	return given, timed
}

// readTestMute reads mute: 2h, or mute: {for: 2h, key: [u1, q1]}.
func (b *build) readTestMute(node *document.Node, given *Given) {
	if node.IsScalar() {
		given.Mute = b.offset(node, node.Text())
		return
	}
	fields, ok := b.block(node, "mute")
	if !ok {
		return
	}
	if fields.Require("for", "write for: 2h") != nil {
		given.Mute, _ = fields.Duration("for")
	}
	if key := fields.Take("key"); key != nil {
		var parts []string
		for _, item := range key.Each() {
			parts = append(parts, item.Text())
		}
		given.MuteKey = state.JoinKey(parts...)
	}
	fields.Done()
}

func (b *build) offset(node *document.Node, text string) time.Duration {
	d, err := model.ParseDuration(text)
	if !node.IsScalar() || err != nil {
		b.report.Errorf(node.Place(), "wrong-type", "%s is not a duration", node.Describe()).
			Suggest("write 30m, 47h or 3d, with its unit")
	}
	return time.Duration(d)
}

// testTime reads a time in a test. A time without an offset is in the time zone of the
// rules.
func (b *build) testTime(node *document.Node) time.Time {
	if t, ok := event.ParseTime(node.Text()); ok && strings.Contains(node.Text(), "T") {
		return t
	}
	if t, err := time.Parse("2006-01-02T15:04Z07:00", node.Text()); err == nil {
		return t
	}
	zone := b.zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, node.Text(), zone); err == nil {
			return t
		}
	}
	problem := b.report.Errorf(node.Place(), "wrong-type", "%s is not a time", node.Describe())
	problem.Suggest("write at: \"2026-03-02T10:00+05:30\", or at: +3d for a time after the entry before")
	if d, err := model.ParseDuration(node.Text()); err == nil && d > 0 {
		problem.Suggest("write at: +%s for a time after the entry before", node.Text())
	}
	return time.Time{}
}

// readExpectedTime reads the alerts and the effects that a test expects.
func (b *build) readExpectedTime(fields *document.Fields, test *Test) {
	if alerts := fields.Take("alerts"); alerts != nil {
		test.Alerts, test.Timed = []map[string]any{}, true
		if !alerts.IsList() {
			b.report.Errorf(alerts.Place(), "wrong-type", "alerts of expect must be a list, not %s", alerts.Describe()).
				Suggest("write alerts: [{at: \"2026-03-04T10:00Z\", action: coaching}], or alerts: [] for none")
		}
		for _, item := range alerts.Items() {
			if alert, ok := b.readExpected(item, test); ok {
				if at := item.Get("at"); at != nil {
					alert["at"] = b.testTime(at)
				}
				test.Alerts = append(test.Alerts, alert)
			}
		}
	}
	if effects := fields.Take("effects"); effects != nil {
		test.Effects, test.Timed = []string{}, true
		for _, item := range effects.Each() {
			if !slices.Contains(record.Effects, item.Text()) {
				b.report.Errorf(item.Place(), "test-effect", "there is no effect %s", item.Text()).
					Suggest("%s", suggest.DidYouMean(item.Text(), record.Effects))
			}
			test.Effects = append(test.Effects, item.Text())
		}
	}
}
