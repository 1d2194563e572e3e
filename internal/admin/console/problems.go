package console

import "strconv"

func (c *console) problems(q *request) (answer, error) {
	p, err := c.Service.Problems(q.ctx())
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"action", "cause", "count", "retryable", "first", "last", "example", "remedy"}}
	for i := range p.Dead {
		d := &p.Dead[i]
		rows = append(rows, []string{
			d.Action, d.Cause, strconv.Itoa(d.N), strconv.Itoa(d.Retryable),
			d.First.UTC().Format("2006-01-02T15:04:05Z"),
			d.Last.UTC().Format("2006-01-02T15:04:05Z"), d.Example, d.Remedy,
		})
	}
	return view{
		Title: "Problems", Nav: "Problems", Template: "problems", Data: p, Table: &table{"problems", rows},
		Command: "heed deliveries list --state dead", API: "/api/v1/problems",
	}, nil
}
