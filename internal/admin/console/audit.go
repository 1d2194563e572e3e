package console

import (
	"strconv"

	"heed/internal/admin"
)

type auditData struct {
	admin.AuditPage
	Older older
}

func (c *console) audit(q *request) (answer, error) {
	page, err := c.Service.Audit(q.ctx(), q.get("cursor"), admin.DefaultLimit)
	if err != nil {
		return nil, err
	}
	d := auditData{AuditPage: page}
	if page.Next != "" {
		d.Older = older{q.with("cursor", page.Next), "Older entries"}
	}
	rows := [][]string{{"at", "who", "role", "what", "target", "n", "result"}}
	for _, e := range page.Entries {
		rows = append(rows, []string{
			e.At.UTC().Format("2006-01-02T15:04:05Z"), e.Who, e.Role, e.What, e.Target, strconv.Itoa(e.N), e.Result,
		})
	}
	return view{
		Title: "Audit", Nav: "Audit", Template: "audit", Data: d, Table: &table{"audit", rows},
		API: apiURL("/api/v1/audit", q, "cursor"), Command: "curl -s http://127.0.0.1:8081/api/v1/audit",
	}, nil
}
