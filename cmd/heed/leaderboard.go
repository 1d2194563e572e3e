package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"heed/internal/admin"
	"heed/internal/plain"
)

func newLeaderboard(s streams) *cobra.Command {
	var client clientOptions
	var by, team, module, since, output string
	var limit int
	cmd := &cobra.Command{
		Use:   "leaderboard",
		Short: "Who has come furthest, by progress, time, score or completions",
		Long: `Leaderboard lists who has come furthest. The value of a person is a sum over
their modules, courses and quizzes:

  progress     the percentages of modules: 100 is one whole module
  time         the seconds spent in modules
  score        the best scores of courses and quizzes, in points
  completions  how many were completed

Equals share a place. People who were deprovisioned are not listed.`,
		Example: "  heed leaderboard --by score --team emea --since 7d\n  heed leaderboard --module m-12 -o csv",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var board admin.Leaderboard
			query := queryOf("by", by, "team", team, "module", module, "since", since, "limit", strconv.Itoa(limit))
			if err := client.fetch(cmd.Context(), s, "/api/v1/leaderboard", query, &board); err != nil {
				return err
			}
			switch output {
			case "json":
				return printJSON(s.out, &board)
			case "csv":
				return printLeaderboardCSV(s, &board)
			}
			printLeaderboard(s, &board)
			if len(board.Standings) == 0 && module != "" {
				fmt.Fprintln(s.err, "--module takes an id, as heed people show lists it, and not a name")
			}
			if len(board.Standings) == 0 {
				hintTeam(cmd.Context(), s, &client, team)
			}
			return nil
		},
	}
	client.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&by, "by", "progress", "what counts: progress, time, score, completions")
	flags.StringVar(&team, "team", "", "only people of this team")
	flags.StringVar(&module, "module", "", "only the module, course or quiz with this id")
	flags.StringVar(&since, "since", "", "only what brought something new since a time, a date, or so long ago: 7d")
	flags.IntVar(&limit, "limit", 20, "how many to list, at most 500")
	outputFlag(cmd, &output, "table", "json", "csv")
	return cmd
}

func printLeaderboard(s streams, board *admin.Leaderboard) {
	rows := [][]string{{"PLACE", "USER", "E-MAIL", "TEAM", valueNames[board.By]}}
	for _, p := range board.Standings {
		rows = append(rows, dashed(strconv.Itoa(p.Place), plain.Line(p.ID), plain.Line(p.Email), plain.Line(p.Team),
			number(p.Value)))
	}
	printPage(s, rows, "nobody", "")
}

func printLeaderboardCSV(s streams, board *admin.Leaderboard) error {
	rows := [][]string{{"place", "userId", "email", "role", "teamId", board.By}}
	for _, p := range board.Standings {
		rows = append(rows, []string{strconv.Itoa(p.Place), p.ID, p.Email, p.Role, p.Team, number(p.Value)})
	}
	return printCSV(s.out, rows)
}

// valueNames head the column of values.
var valueNames = map[string]string{
	"progress": "PROGRESS", "time": "SECONDS", "score": "SCORE",
	"completions": "COMPLETED",
}
