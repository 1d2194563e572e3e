package console

import (
	"heed/internal/admin"
)

type searchData struct {
	admin.Found
	Text string
	None bool
}

// search goes straight to what is the only thing that was found.
func (c *console) search(q *request) (answer, error) {
	text := q.get("q")
	found, err := c.Service.Search(q.ctx(), text)
	if err != nil {
		return nil, err
	}
	if kind, id := found.Alone(); kind != "" {
		return redirect("/ui/" + kind + "/" + admin.Segment(id)), nil
	}
	d := searchData{Found: found, Text: text}
	d.None = len(found.Events)+len(found.Deliveries)+len(found.Rules)+len(found.People) == 0
	return view{Title: "Search", Template: "search", Data: d, API: apiURL("/api/v1/search", q, "q")}, nil
}
