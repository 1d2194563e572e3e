package console

import (
	"strconv"

	"heed/engine/people"
)

type progressData struct {
	people.Progress
	Team string
	// Scored is how many scores the histogram counts.
	Scored int
}

func (c *console) progress(q *request) (answer, error) {
	d := progressData{Team: q.get("team")}
	var err error
	if d.Progress, err = c.Service.Progress(q.ctx(), d.Team); err != nil {
		return nil, err
	}
	for _, n := range d.Scores {
		d.Scored += n
	}
	rows := [][]string{{"kind", "id", "name", "team_id", "begun", "completed"}}
	for _, item := range d.Items {
		for _, team := range item.Teams {
			rows = append(rows, []string{
				item.Kind, item.ID, item.Name, team.Team, strconv.Itoa(team.Begun), strconv.Itoa(team.Completed),
			})
		}
	}
	return view{
		Title: "Progress", Nav: "Progress", Template: "progress", Data: d, Table: &table{"progress", rows},
		Command: command("heed people list", q, []string{"team"}), API: apiURL("/api/v1/progress", q, "team"),
	}, nil
}

// ScoreRange names the scores that one count of the histogram has.
func (d progressData) ScoreRange(i int) string {
	if i == len(d.Scores)-1 {
		return "90 and more"
	}
	return strconv.Itoa(10*i) + " to " + strconv.Itoa(10*i+9)
}
