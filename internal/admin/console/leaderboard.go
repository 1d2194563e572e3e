package console

import (
	"strconv"

	"heed/engine/people"
	"heed/internal/admin"
)

type leaderboardData struct {
	admin.Leaderboard
	Team, Module, Since string
	Most                float64
	Measures            []measure
	What                string
}

// measure is something that people are compared by.
type measure struct {
	Name, Text, URL string
	Current         bool
}

var measures = [][2]string{
	{"progress", "Modules finished (in percent)"},
	{"time", "Time spent (in seconds)"},
	{"score", "Best scores (in points)"},
	{"completions", "Things completed"},
}

// maxStandings is how many places are shown.
const maxStandings = 100

func (c *console) leaderboard(q *request) (answer, error) {
	query := people.Query{Team: q.get("team"), Module: q.get("module"), Limit: maxStandings}
	var err error
	if by := q.get("by"); by != "" {
		if query.By, err = people.ParseBy(by); err != nil {
			return nil, invalid("by: %v.", err)
		}
	}
	if query.Since, err = q.since("since"); err != nil {
		return nil, err
	}
	board, err := c.Service.Leaderboard(q.ctx(), query)
	if err != nil {
		return nil, err
	}
	d := leaderboardData{Leaderboard: board, Team: query.Team, Module: query.Module, Since: q.get("since")}
	for _, m := range measures {
		current := m[0] == board.By
		if current {
			d.What = m[1]
		}
		d.Measures = append(d.Measures, measure{m[0], m[1], q.with("by", m[0]), current})
	}
	rows := [][]string{{"place", "user_id", "email", "role", "team_id", board.By, "of"}}
	for _, s := range board.Standings {
		d.Most = max(d.Most, s.Value)
		rows = append(rows, []string{
			strconv.Itoa(s.Place), s.ID, s.Email, s.Role, s.Team, strconv.FormatFloat(s.Value, 'f', -1, 64),
			strconv.Itoa(s.Items),
		})
	}
	return view{
		Title: "Leaderboard", Nav: "Leaderboard", Template: "leaderboard", Data: d, Table: &table{"leaderboard", rows},
		Command: command("heed leaderboard", q, []string{"by", "team", "module", "since"}),
		API:     apiURL("/api/v1/leaderboard", q, "by", "team", "module", "since"),
	}, nil
}
