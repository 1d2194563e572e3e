package console

import (
	"strings"

	"heed/internal/admin"
)

type bulkData struct {
	admin.Preview
	What   string
	Target string
	Action string // of the form
	Back   string
}

func (q *request) bulk() admin.Bulk {
	return admin.Bulk{What: q.get("what"), Selection: q.selection(), Confirm: q.PostFormValue("confirm")}
}

// previewBulk says how many deliveries a change would change, and asks.
func (c *console) previewBulk(q *request) (answer, error) {
	b := q.bulk()
	p, err := c.Service.Preview(q.ctx(), b)
	if err != nil {
		return nil, err
	}
	back := *q.URL
	back.Path = "/ui/deliveries"
	d := bulkData{Preview: p, What: b.What, Target: b.Target(), Action: q.with(), Back: withQuery(&back, "what", "")}
	v := view{Title: strings.ToTitle(b.What[:1]) + b.What[1:] + " many", Nav: "Deliveries", Template: "bulk", Data: d}
	if b.Cause == "" {
		v.Command = command("heed deliveries "+b.What, q, deliveryParameters[:3])
	}
	return v, nil
}

func (c *console) startBulk(q *request) (answer, error) {
	job, err := c.Service.Start(q.ctx(), q.bulk())
	if err != nil {
		return nil, err
	}
	return redirect("/ui/jobs/" + admin.Segment(job.ID)), nil
}

func (c *console) job(q *request) (answer, error) {
	job, err := c.Service.Job(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if q.wantsJSON() {
		return jsonAnswer{body: job}, nil
	}
	return view{Title: "Job " + job.ID, Nav: "Deliveries", Template: "job", Data: job}, nil
}

func (c *console) stopJob(q *request) (answer, error) {
	job, err := c.Service.StopJob(q.ctx(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return done("/ui/jobs/"+admin.Segment(job.ID), "stopped", 0), nil
}
