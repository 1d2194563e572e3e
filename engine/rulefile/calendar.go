package rulefile

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/document"
	"heed/engine/expression"
	"heed/engine/state"
	"heed/engine/suggest"
)

// readTimezone reads the time zone, which all rule files share.
func (b *build) readTimezone(node *document.Node) {
	if node == nil {
		return
	}
	zone := b.zoneOf(node)
	if zone == nil {
		b.zoneBroken = true
		return
	}
	if b.zone != nil && b.zone.String() != zone.String() {
		b.report.Errorf(node.Place(), "two-timezones", "the time zone is %s here, but %s in %s:%d", zone, b.zone,
			b.zoneNode.Place().File.Name, b.zoneNode.Place().Line).
			Suggest("write timezone: at the top of one file only; a rule may have its own")
		return
	}
	b.zone, b.zoneNode = zone, node
}

// zoneOf parses the name of a time zone. It returns nil after reporting a mistake.
func (b *build) zoneOf(node *document.Node) *time.Location {
	zone, hint := expression.Zone(node.Text())
	if !node.IsScalar() || zone == nil {
		b.report.Errorf(node.Place(), "unknown-timezone", "there is no time zone %s", node.Text()).Suggest("%s", hint)
		return nil
	}
	return zone
}

func (r *timing) readZone() {
	if node := r.fields.Take("timezone"); node != nil {
		if zone := r.zoneOf(node); zone != nil {
			r.zone = zone
		}
	}
}

// needZone records a key that needs a time zone.
func (r *timing) needZone(node *document.Node) {
	if r.calendar == nil {
		r.calendar = node
	}
}

func (r *timing) checkZone() {
	if r.calendar != nil && r.zone == nil && !r.zoneBroken {
		r.report.Errorf(r.calendar.Place(), "no-timezone", "this depends on the time zone, and none is given").
			Suggest("write timezone: Asia/Kolkata, or your own, at the top of the file")
	}
}

// Periods that digests and throttles accept.
var (
	dayNames        = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	throttlePeriods = []string{"hour", "day", "week", "month"}
	digestPeriods   = slices.Concat([]string{"hour", "day", "weekday", "week", "month"}, dayNames)
)

// period reads the value of every.
func (r *timing) period(node *document.Node, known []string) state.Period {
	word := strings.ToLower(node.Text())
	if day, ok := dayOf(word); ok && slices.Contains(known, "Monday") {
		return state.Period(strings.ToLower(day.String()))
	}
	if !node.IsScalar() || !slices.Contains(known, word) {
		r.report.Errorf(node.Place(), "wrong-type", "every must be %s, not %s", oneOf(known), node.Describe()).
			Suggest("%s", periodHint(word, known))
	}
	return state.Period(word)
}

// periodHint returns the period that word probably stands for.
func periodHint(word string, known []string) string {
	switch meant := otherPeriods[word]; {
	case slices.Contains(known, meant):
		return "write every: " + meant
	case slices.Contains(known, "Monday"): // of a digest
		return suggest.DidYouMean(word, known)
	default:
		if d, err := model.ParseDuration(word); err == nil && d > 0 {
			return "write within: " + word + " for a rolling window"
		}
		return suggest.DidYouMean(word, known)
	}
}

// otherPeriods maps other common words to the periods they stand for.
var otherPeriods = map[string]string{
	"1h": "hour", "hourly": "hour", "1d": "day", "24h": "day", "daily": "day", "weekdays": "weekday",
	"workday": "weekday", "1w": "week", "7d": "week", "weekly": "week", "1mo": "month", "30d": "month", "monthly": "month",
}

// dayOf parses the name of a weekday, in its short or long form.
func dayOf(name string) (time.Weekday, bool) {
	name = strings.ToLower(name)
	for day := time.Sunday; day <= time.Saturday; day++ {
		long := strings.ToLower(day.String())
		if name == long || len(name) == 3 && name == long[:3] {
			return day, true
		}
	}
	return 0, false
}

func oneOf(words []string) string {
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

var clockPattern = regexp.MustCompile(`^([01]?[0-9]|2[0-4]):([0-5][0-9])$`)

// clockTime parses a time of day such as 09:00.
func (b *build) clockTime(node *document.Node) state.ClockTime {
	m := clockPattern.FindStringSubmatch(node.Text())
	if m == nil || m[1] == "24" && m[2] != "00" {
		problem := b.report.Errorf(node.Place(), "wrong-type", "a time of day is written \"09:00\", not %s",
			node.Describe())
		hour, minute, isClock := strings.Cut(strings.ToLower(node.Text()), ":")
		minute, pm := strings.CutSuffix(strings.TrimSpace(minute), "pm")
		if h, err := strconv.Atoi(hour); isClock && pm && err == nil && h < 12 {
			problem.Suggest("write \"%02d:%s\"", h+12, strings.TrimSpace(minute))
		}
		if minutes, ok := node.Scalar().(int); ok && minutes > 24 { // YAML 1.1 reads 9:30 as a base-60 number
			problem.Suggest("put quotes round it: \"%02d:%02d\"", minutes/60, minutes%60)
		} else if ok {
			problem.Suggest("write \"%02d:00\"", minutes)
		}
		return state.ClockTime{}
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	return state.ClockTime{Hour: hour % 24, Minute: minute}
}

// checkGap warns of a time of day that is skipped on days when the clocks go forward.
func (r *timing) checkGap(node *document.Node, at state.ClockTime) {
	zone := r.zone
	if node == nil || zone == nil {
		return
	}
	if date, skipped := at.Skipped(someMonday, zone); skipped {
		r.report.Warnf(node.Place(), "at-in-gap",
			"on %[2]s, when the clocks go forward, there is no %[1]s in %[3]s: it is then sent when they have gone "+
				"forward",
			node.Text(), date.Format("2 January"), zone).
			Suggest("write a time outside the hour that is left out")
	}
}

// readQuietHours reads the named quiet hours, which all rule files share.
func (b *build) readQuietHours(node *document.Node) {
	if node == nil {
		return
	}
	for _, pair := range node.Fields(b.report, "quiet_hours").Pairs() {
		name := pair.Key.Text()
		if _, twice := b.quiet[name]; twice {
			b.report.Errorf(pair.Key.Place(), "duplicate-key", "the quiet hours %s are written twice", name).
				Suggest("rename one of the two: all files of the directory share them")
			continue
		}
		b.quiet[name] = b.readSpans(pair.Value)
		b.quietNames = append(b.quietNames, name)
	}
}

// readSpans reads one span or a list of them.
func (b *build) readSpans(node *document.Node) (spans []state.Span) {
	items := node.Each()
	if len(items) == 0 {
		b.report.Errorf(node.Place(), "missing-key",
			"these quiet hours have no hours").
			Suggest("write [{from: \"20:00\", to: \"08:00\"}]")
	}
	for _, item := range items {
		fields := item.Fields(b.report, "the quiet hours")
		var span state.Span
		from, to := fields.Take("from"), fields.Take("to")
		if from != nil {
			span.From = b.clockTime(from)
		}
		if to != nil {
			span.To = b.clockTime(to)
		}
		days, dates := fields.Take("days"), fields.Take("dates")
		if days != nil {
			span.Days = b.readDays(days)
		}
		if dates != nil {
			span.Dates = b.readDates(dates)
		}
		fields.Done()
		switch hours := from != nil || to != nil; {
		case hours || len(span.Days) > 0 || len(span.Dates) > 0:
		case holdsItems(days) || holdsItems(dates):
			continue // already reported
		default:
			b.report.Errorf(item.Place(), "missing-key", "quiet hours need from and to, days, or dates").
				Suggest("write {from: \"20:00\", to: \"08:00\"} or {days: [Sat, Sun]}")
			continue
		}
		spans = append(spans, span)
	}
	return spans
}

func holdsItems(node *document.Node) bool { return node != nil && len(node.Each()) > 0 }

func (b *build) readDays(node *document.Node) (days []time.Weekday) {
	for _, item := range node.Each() {
		day, ok := dayOf(item.Text())
		if !ok {
			b.report.Errorf(item.Place(), "wrong-type", "%s is not a day of the week", item.Text()).
				Suggest("write days: [Sat, Sun]")
			continue
		}
		days = append(days, day)
	}
	return days
}

func (b *build) readDates(node *document.Node) (dates []state.Date) {
	for _, item := range node.Each() {
		date, err := time.Parse(time.DateOnly, item.Text())
		if err != nil {
			b.report.Errorf(item.Place(), "wrong-type", "%s is not a date", item.Text()).
				Suggest("write dates: [2026-12-25]")
			continue
		}
		dates = append(dates, state.Date{Year: date.Year(), Month: date.Month(), Day: date.Day()})
	}
	return dates
}

// readQuiet reads the quiet hours of a rule: {use: office, during: hold}.
func (r *timing) readQuiet(node *document.Node) {
	q := &state.Quiet{}
	if node.IsList() || node.Get("from") != nil || node.Get("days") != nil || node.Get("dates") != nil {
		r.report.Errorf(node.Place(), "wrong-type",
			"quiet hours are written at the top of the file, under a name, and a rule names them").
			Suggest("write quiet_hours: {office: [{from: \"20:00\", to: \"08:00\"}]} at the top, and quiet_hours: " +
				"{use: office} here")
		return
	}
	fields, ok := r.block(node, "quiet_hours")
	if !ok {
		return
	}
	use := fields.Require("use", "write use: and the name of quiet hours at the top of the file")
	during := fields.Take("during")
	fields.Done()
	if use == nil {
		return
	}
	if len(use.Each()) == 0 {
		r.report.Errorf(use.Place(), "missing-key", "use names no quiet hours").
			Suggest("write use: %s",
				cmp.Or(strings.Join(r.quietNames, ", "), "office"))
	}
	for _, name := range use.Each() {
		spans, known := r.quiet[name.Text()]
		if !known {
			r.report.Errorf(name.Place(), "unknown-quiet-hours", "there are no quiet hours called %s", name.Text()).
				Suggest("%s", quietHint(name.Text(), r.quietNames))
			continue
		}
		q.Spans = append(q.Spans, spans...)
	}
	if during != nil {
		switch during.Text() {
		case "hold":
		case "drop":
			q.Drop = true
		default:
			r.report.Errorf(during.Place(), "wrong-type", "during of quiet_hours must be hold or drop, not %s",
				during.Describe()).
				Suggest("write during: hold to send the alerts when the quiet hours end, or during: drop to leave " +
					"them out")
		}
	}
	r.needZone(use)
	if end, quiet := q.Until(someMonday, time.UTC); len(q.Spans) > 0 && quiet && end.IsZero() {
		r.report.Errorf(use.Place(), "always-quiet", "the quiet hours %s never end, so nothing would ever be sent",
			use.Text()).
			Suggest("leave some hours out, or set mode: shadow on the rule")
	}
	r.t.Quiet = q
}

// someMonday is an arbitrary time at which to try quiet hours.
var someMonday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func quietHint(name string, known []string) string {
	if len(known) == 0 {
		return "write quiet_hours: {" + name + ": [{from: \"20:00\", to: \"08:00\"}]} at the top of the file"
	}
	return suggest.DidYouMean(name, known)
}

// checkDigestHours checks whether a digest falls into the rule's quiet hours.
func (r *timing) checkDigestHours(node *document.Node) {
	if node == nil || r.t.Digest == nil || r.t.Quiet == nil || r.report.Failed() {
		return
	}
	zone := r.zone
	if zone == nil {
		return
	}
	at := r.t.Digest.Next(someMonday, zone)
	for range 60 {
		if _, quiet := r.t.Quiet.Until(at, zone); !quiet {
			return
		}
		at = r.t.Digest.Next(at, zone)
	}
	if r.t.Quiet.Drop {
		r.report.Errorf(node.Place(), "digest-dropped", "each digest is due in quiet hours, which drop it").
			Suggest("write another at:, or during: hold")
		return
	}
	r.report.Warnf(node.Place(), "digest-held", "each digest is due in quiet hours, and is sent when they end").
		Suggest("write an at: outside of them")
}
