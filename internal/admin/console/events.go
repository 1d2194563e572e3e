package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/plain"
)

var eventParameters = []string{"type", "user", "rule", "outcome", "status", "source", "since", "until", "cursor"}

// eventsLook is how many events are looked at for a page of those of a rule or an
// outcome, which no index finds.
const eventsLook = 20_000

type eventsData struct {
	admin.EventPage
	Query    url.Values
	Older    older
	Stream   string
	Bulk     string // the address of a replay of all of them; empty without a filter
	Filtered bool
	Newest   int64
	Outcomes []string
}

// older is the link to the next page.
type older struct{ Next, Text string }

func (q *request) eventQuery() (e admin.EventQuery, err error) {
	e = admin.EventQuery{
		Type: q.get("type"), Source: q.get("source"), Status: record.Status(q.get("status")), User: q.get("user"),
		Rule: q.get("rule"), Outcome: q.get("outcome"), Cursor: q.get("cursor"), Limit: admin.DefaultLimit,
		Look: eventsLook,
	}
	if e.Since, err = q.since("since"); err != nil {
		return e, err
	}
	e.Until, err = q.since("until")
	return e, err
}

func (c *console) events(q *request) (answer, error) {
	query, err := q.eventQuery()
	if err != nil {
		return nil, err
	}
	page, err := c.Service.Events(q.ctx(), query)
	if err != nil {
		return nil, err
	}
	d := eventsData{EventPage: page, Query: q.URL.Query(), Outcomes: admin.Outcomes()}
	d.Filtered = strings.Contains(q.with(), "?")
	if page.Next != "" {
		d.Older = older{q.with("cursor", page.Next), "Older events"}
		if len(page.Events) < query.Limit {
			d.Older.Text = "Look further back: of the newest " + count(eventsLook) + " events these are all"
		}
	}
	if d.Filtered {
		d.Bulk = "/ui/events/bulk" + strings.TrimPrefix(q.with(), q.URL.Path)
	}
	if len(page.Events) > 0 {
		d.Newest = page.Events[0].Seq
	}
	if query.Cursor == "" && query.Until.IsZero() {
		d.Stream = apiURL("/api/v1/stream", q, "type", "source", "status", "user", "rule", "outcome")
	}
	return view{
		Title: "Events", Nav: "Events", Template: "events", Data: d, Table: eventTable(page.Events),
		Command: command("heed events list", q, eventParameters[:8]),
		API:     apiURL("/api/v1/events", q, eventParameters...),
	}, nil
}

func eventTable(events []admin.ListedEvent) *table {
	rows := [][]string{{"received_at", "id", "type", "status", "user", "rules"}}
	for i := range events {
		e := &events[i]
		rows = append(rows, []string{
			e.ReceivedAt.UTC().Format("2006-01-02T15:04:05Z"), e.ID, e.Type, string(e.Status), e.User,
			strings.Join(e.Rules, " "),
		})
	}
	return &table{"events", rows}
}

// apiURL returns the address of the API call with the same parameters.
func apiURL(path string, q *request, parameters ...string) string {
	given := url.Values{}
	for _, name := range parameters {
		if value := q.get(name); value != "" {
			given.Set(name, value)
		}
	}
	if len(given) == 0 {
		return path
	}
	return path + "?" + given.Encode()
}

// command returns a shell command with the parameters as flags.
func command(name string, q *request, parameters []string) string {
	for _, parameter := range parameters {
		if value := q.get(parameter); value != "" {
			name += " --" + parameter + " " + quoted(value)
		}
	}
	return name
}

func quotedAll(words []string) (all []string) {
	for _, word := range words {
		all = append(all, quoted(word))
	}
	return all
}

// quoted quotes a word for a shell.
func quoted(word string) string {
	isSafe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("-_.:/@=+,", r)
	}
	if word != "" && !slices.ContainsFunc([]rune(word), func(r rune) bool { return !isSafe(r) }) && word[0] != '-' {
		return word
	}
	return "'" + strings.ReplaceAll(plain.Text(word), "'", `'\''`) + "'"
}

type bulkReplayData struct {
	admin.BulkDryRun
	Action string
	Choice string
}

// bulkReplay says what a replay of all events that were chosen would do.
func (c *console) bulkReplay(q *request) (answer, error) {
	query, err := q.eventQuery()
	if err != nil {
		return nil, err
	}
	query.Look = 0
	run, err := c.Service.DryRunAll(q.ctx(), query)
	if err != nil {
		return nil, err
	}
	return view{
		Title: "Replay " + strconv.Itoa(run.Events) + " events", Nav: "Events", Template: "bulkreplay",
		Data: bulkReplayData{run, q.with(), strings.TrimPrefix(q.with(), q.URL.Path)},
	}, nil
}

// chosenReplay previews a replay of events that were chosen one by one, as bulkReplay
// does for a filter.
func (c *console) chosenReplay(q *request) (answer, error) {
	ids := q.URL.Query()["id"]
	if len(ids) == 0 {
		return nil, invalid("Choose events first: each has a box in front.")
	}
	run, err := c.Service.DryRunEvents(q.ctx(), ids)
	if err != nil {
		return nil, err
	}
	return view{
		Title: "Replay " + strconv.Itoa(run.Events) + " events", Nav: "Events", Template: "bulkreplay",
		Data: bulkReplayData{BulkDryRun: run, Action: q.URL.RequestURI()}, Command: "heed events replay " +
			strings.Join(quotedAll(ids), " "),
	}, nil
}

func (c *console) startChosen(q *request) (answer, error) {
	ids := q.URL.Query()["id"]
	confirm := strings.TrimSpace(q.PostFormValue("confirm"))
	job, err := c.Service.ReplayEvents(q.ctx(), ids, strconv.Itoa(len(ids))+" chosen events", confirm)
	if err != nil {
		return nil, err
	}
	return redirect("/ui/jobs/" + job.ID), nil
}

func (c *console) startReplay(q *request) (answer, error) {
	query, err := q.eventQuery()
	if err != nil {
		return nil, err
	}
	query.Look = 0
	job, err := c.Service.ReplayAll(q.ctx(), query, strings.TrimSpace(q.PostFormValue("confirm")))
	if err != nil {
		return nil, err
	}
	return redirect("/ui/jobs/" + job.ID), nil
}
