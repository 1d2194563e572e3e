package console

import (
	"strings"

	"heed/internal/admin"
)

// overviewData says whether anything is wrong, and what to do next.
type overviewData struct {
	admin.Overview
	Problems []string // other than deliveries that were given up
}

func (c *console) overview(q *request) (answer, error) {
	o, err := c.Service.Overview(q.ctx())
	if err != nil {
		return nil, err
	}
	d := overviewData{Overview: o}
	for _, text := range o.Status.Problems {
		if len(o.Dead) == 0 || !strings.Contains(text, "--state dead") { // the groups say more
			d.Problems = append(d.Problems, text)
		}
	}
	return view{
		Title: "Overview", Nav: "Overview", Template: "overview", Data: d,
		Command: "heed status", API: "/api/v1/overview",
	}, nil
}

func (c *console) reload(q *request) (answer, error) {
	if _, err := c.Service.Reload(q.ctx()); err != nil {
		return nil, err
	}
	return done("/ui/rules", "reloaded", 0), nil
}

func (c *console) help(*request) (answer, error) {
	return view{Title: "Help", Template: "help"}, nil
}
