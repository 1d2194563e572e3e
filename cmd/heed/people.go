package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"heed/engine/people"
	"heed/engine/suggest"
	"heed/internal/admin"
	"heed/internal/plain"
)

func newPeople(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Who the people in the events are: list, show, import from a CSV file",
		Long: `People shows what heed knows of the people in the events: e-mail address, role,
team and whether they are active, from user.provisioned, user.deprovisioned and
imports; and their progress, from module.progress, course.completed and
quiz.submitted.

To delete what is known of a person: heed events forget --user ID`,
	}
	cmd.AddCommand(newPeopleList(s), newPeopleShow(s), newPeopleImport(s))
	return cmd
}

func newPeopleList(s streams) *cobra.Command {
	var client clientOptions
	var team, role, cursor, output string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List people by their ids",
		Long: `List lists people by their ids. With -o csv it lists all of them, unless
--limit is given, in a form that heed people import reads.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := output == "csv" && !cmd.Flags().Changed("limit")
			if all {
				limit = 500
			}
			page, err := fetchPeople(cmd.Context(), s, &client,
				queryOf("limit", strconv.Itoa(limit), "team", team, "role", role, "cursor", cursor), all)
			if err != nil {
				return err
			}
			switch output {
			case "json":
				return printJSON(s.out, page)
			case "csv":
				return printPeopleCSV(s, page.People)
			}
			rows := [][]string{{"USER", "E-MAIL", "ROLE", "TEAM", "ACTIVE", "CHANGED"}}
			for i := range page.People {
				p := &page.People[i]
				rows = append(rows, dashed(plain.Line(p.ID), plain.Line(p.Email), plain.Line(p.Role),
					plain.Line(p.Team), activity(p.Active), shortTime(p.ChangedAt)))
			}
			printPage(s, rows, "nobody", page.Next)
			if len(page.People) == 0 {
				hintTeam(cmd.Context(), s, &client, team)
			}
			return nil
		},
	}
	client.flags(cmd)
	cmd.Flags().StringVar(&team, "team", "", "only people of this team")
	cmd.Flags().StringVar(&role, "role", "", "only people with this role")
	listFlags(cmd, &limit, &cursor)
	outputFlag(cmd, &output, "text", "json", "csv")
	return cmd
}

// hintTeam says which team was probably meant by one in which nobody is, if one
// of the first people is in it.
func hintTeam(ctx context.Context, s streams, client *clientOptions, team string) {
	if team == "" {
		return
	}
	page, err := fetchPeople(ctx, s, client, queryOf("limit", "500"), false)
	if err != nil {
		return // it is only a hint
	}
	var teams []string
	for i := range page.People {
		teams = append(teams, page.People[i].Team)
	}
	if meant := suggest.Closest(team, teams); meant != "" && !slices.Contains(teams, team) {
		fmt.Fprintf(s.err, "there is nobody in the team %q; did you mean %s?\n", plain.Line(team), plain.Line(meant))
	}
}

// fetchPeople gets a page or, page by page, all.
func fetchPeople(
	ctx context.Context, s streams, client *clientOptions, query url.Values, all bool,
) (admin.PeoplePage, error) {
	c, err := client.open(ctx, s)
	if err != nil {
		return admin.PeoplePage{}, err
	}
	defer c.close()
	got := admin.PeoplePage{People: []admin.Person{}}
	for {
		var page admin.PeoplePage
		if err := c.get(ctx, "/api/v1/people", query, &page); err != nil {
			return got, err
		}
		got.People, got.Next = append(got.People, page.People...), page.Next
		if !all || page.Next == "" {
			return got, nil
		}
		query.Set("cursor", page.Next)
	}
}

func printPeopleCSV(s streams, list []admin.Person) error {
	rows := [][]string{{"userId", "email", "name", "role", "teamId", "manager", "active"}}
	for i := range list {
		p := &list[i]
		active := ""
		if p.Active != nil {
			active = strconv.FormatBool(*p.Active)
		}
		rows = append(rows, []string{p.ID, p.Email, p.Name, p.Role, p.Team, p.Manager, active})
	}
	return printCSV(s.out, rows)
}

func activity(active *bool) string {
	switch {
	case active == nil:
		return ""
	case *active:
		return "yes"
	default:
		return "no"
	}
}

func newPeopleShow(s streams) *cobra.Command {
	var client clientOptions
	var output string
	cmd := &cobra.Command{
		Use:   "show USER",
		Short: "Show a person and their progress",
		Args:  one("person by the userId of the events"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), s, &client, "/api/v1/people/"+admin.Segment(args[0]), nil, output, printPerson)
		},
	}
	client.flags(cmd)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func printPerson(s streams, p *admin.Person) {
	rows := [][]string{{"user", plain.Line(p.ID)}}
	for _, pair := range [][]string{
		{"e-mail", plain.Line(p.Email)},
		{"name", plain.Line(p.Name)},
		{"role", plain.Line(p.Role)},
		{"team", plain.Line(p.Team)},
		{"manager", plain.Line(p.Manager)},
		{"active", activity(p.Active)},
	} {
		if pair[1] == "" {
			pair[1] = "not known"
		}
		rows = append(rows, pair)
	}
	if !p.ChangedAt.IsZero() {
		rows = append(rows, []string{"changed", p.ChangedAt.Format(time.RFC3339)})
	}
	table(s.out, rows)
	if len(p.Items) == 0 {
		return
	}
	fmt.Fprintln(s.out)
	rows = [][]string{{"KIND", "ID", "NAME", "PROGRESS", "SECONDS", "BEST", "LAST", "COMPLETED", "LAST EVENT"}}
	for i := range p.Items {
		rows = append(rows, itemRow(&p.Items[i]))
	}
	table(s.out, rows)
}

func itemRow(i *people.Item) []string {
	shown := func(v *float64, unit string) string {
		if v == nil {
			return ""
		}
		return number(*v) + unit
	}
	return dashed(
		i.Kind, plain.Line(i.ID), plain.Cut(plain.Line(i.Name), 40), shown(i.Progress, " %"), shown(i.Seconds, ""),
		shown(i.Best, ""), shown(i.Last, ""), shortTime(i.CompletedAt), shortTime(i.LastAt),
	)
}

// dashed returns a row of a table with a dash for each unknown value.
func dashed(cells ...string) []string {
	for i, cell := range cells {
		if cell == "" {
			cells[i] = "-"
		}
	}
	return cells
}

// number formats a number as briefly as possible.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
