package ruletest

import (
	"fmt"
	"time"

	"heed/engine/event"
	"heed/engine/expression"
	"heed/engine/rulefile"
	"heed/engine/source"
)

// runSourceTest runs a test of a source.
func runSourceTest(test *rulefile.SourceTest) Report {
	report := Report{Source: test}
	var got []any
	for _, made := range madeFrom(test) {
		got = append(got, flattenMade(&made))
	}
	want := make([]any, len(test.Events))
	for i, expected := range test.Events {
		want[i] = expected
	}
	if len(want) != len(got) {
		report.Failures = []Failure{{"events", fmt.Sprint(len(want)), fmt.Sprintf("%d: %s", len(got), text(got))}}
		return report
	}
	for i := range want {
		report.Failures = append(report.Failures, differences(fmt.Sprintf("events[%d]", i), want[i], got[i], false)...)
	}
	return report
}

// madeFrom returns the events that the source of a test makes of the given input.
func madeFrom(test *rulefile.SourceTest) []source.Made {
	m := test.Source.Mapping
	switch {
	case m == nil:
		return []source.Made{published(test.Body)}
	case !test.Source.Rows():
		return m.Request(test.Body, test.Headers, test.Query)
	}
	made := make([]source.Made, len(test.Rows))
	for i, row := range test.Rows {
		made[i] = m.Row(row)
	}
	return made
}

// published returns what a source without a mapping makes of a body.
func published(body []byte) source.Made {
	e, err := event.Decode(body)
	made := source.Made{Event: e, Body: body}
	if fault, ok := err.(*event.DecodeError); ok {
		made.Reason, made.Detail = string(fault.Fault), fault.Detail
	}
	return made
}

// flattenMade returns an event as tests of sources describe it.
func flattenMade(made *source.Made) map[string]any {
	flat := map[string]any{}
	if made.ID != "" {
		flat["id"] = made.ID
	}
	if made.Reason != "" {
		flat["quarantined"], flat["detail"] = made.Reason, made.Detail
		return flat
	}
	flat["event"], flat["data"] = made.Event.Type, expression.JSON(made.Event.Data)
	if made.Event.CompanyID != "" {
		flat["company"] = made.Event.CompanyID
	}
	if !made.At.IsZero() {
		flat["at"] = made.At.Format(time.RFC3339Nano)
	}
	return flat
}
