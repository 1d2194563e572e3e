package console

import (
	"net/http"
	"net/url"
	"strings"

	"heed/engine/record"
	"heed/internal/admin"
)

var deliveryParameters = []string{"state", "action", "rule", "cause", "cursor"}

// deliveriesLook is how many deliveries are looked at for a page of those of a rule or
// an action, which no index finds.
const deliveriesLook = 50_000

type deliveriesData struct {
	admin.DeliveryPage
	Query    url.Values
	States   []record.State
	Older    older
	Filtered bool
	// Retry and Discard are the addresses of the bulk changes of what is shown.
	Retry, Discard string
	Cause          string
}

func (q *request) selection() admin.Selection {
	return admin.Selection{
		State: record.State(q.get("state")), Action: q.get("action"), Rule: q.get("rule"),
		Cause: q.get("cause"),
	}
}

func (c *console) deliveries(q *request) (answer, error) {
	chosen := q.selection()
	chosen.Look = deliveriesLook
	page, err := c.Service.Deliveries(q.ctx(), chosen, q.get("cursor"), admin.DefaultLimit)
	if err != nil {
		return nil, err
	}
	d := deliveriesData{DeliveryPage: page, Query: q.URL.Query(), States: record.States, Cause: q.get("cause")}
	d.Filtered = strings.Contains(q.with(), "?")
	bulk := *q.URL
	bulk.Path = "/ui/deliveries/bulk"
	d.Retry, d.Discard = withQuery(&bulk, "what", "retry"), withQuery(&bulk, "what", "discard")
	if page.Next != "" {
		d.Older = older{q.with("cursor", page.Next), "Older deliveries"}
		if len(page.Deliveries) < admin.DefaultLimit {
			d.Older.Text = "Look further back"
		}
	}
	v := view{
		Title: "Deliveries", Nav: "Deliveries", Template: "deliveries", Data: d, Table: deliveryTable(page.Deliveries),
		Command: command("heed deliveries list", q, deliveryParameters[:3]),
	}
	if d.Cause == "" {
		v.API = apiURL("/api/v1/deliveries", q, "state", "action", "rule", "cursor")
	}
	return v, nil
}

func deliveryTable(deliveries []record.Delivery) *table {
	rows := [][]string{{"id", "state", "action", "rule", "event_id", "created_at", "attempts", "last_error"}}
	for i := range deliveries {
		d := &deliveries[i]
		rows = append(rows, []string{
			d.ID, string(d.State), d.Action, d.Rule, d.EventID, d.CreatedAt.UTC().Format("2006-01-02T15:04:05Z"),
			number(d.Attempts), d.LastError,
		})
	}
	return &table{"deliveries", rows}
}

type deliveryData struct {
	admin.Delivery
	MayRetry, MayDiscard bool
	// Curl is the request as a command; empty for what is no HTTP.
	Curl string
}

func (c *console) delivery(q *request) (answer, error) {
	d, err := c.Service.Delivery(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	shown := deliveryData{Delivery: d, Curl: curl(d.Kind, d.Action, d.Request)}
	shown.MayRetry = d.State != record.Pending && len(d.Request) > 0
	shown.MayDiscard = d.State != record.Done && d.State != record.Discarded
	return view{
		Title: "Delivery " + d.ID, Nav: "Deliveries", Template: "delivery", Data: shown,
		Command: "heed deliveries show " + quoted(d.ID), API: "/api/v1/deliveries/" + admin.Segment(d.ID),
	}, nil
}

func (c *console) changeDelivery(q *request) (answer, error) {
	change, notice := c.Service.Retry, "retried"
	switch q.PathValue("change") {
	case "retry":
	case "discard":
		change, notice = c.Service.Discard, "discarded"
	default:
		return nil, &pageError{http.StatusNotFound, "A delivery can be retried or discarded."}
	}
	d, err := change(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return done("/ui/deliveries/"+admin.Segment(d.ID), notice, 1), nil
}
