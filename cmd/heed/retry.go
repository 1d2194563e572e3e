package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"heed/engine/record"
	"heed/internal/admin"
	"heed/internal/admin/api"
	"heed/internal/plain"
)

// change is what a person can do to deliveries.
type change struct{ verb, done string }

var (
	retrying   = change{"retry", "due now"}
	discarding = change{"discard", "discarded"}
)

type changeOptions struct {
	client clientOptions
	chosen api.ChangeAll
	output string
	yes    bool
}

func newDeliveriesRetry(s streams) *cobra.Command {
	cmd := newDeliveriesChange(s, retrying)
	cmd.Short = "Send deliveries again"
	cmd.Long = `Retry makes deliveries due now: those named by their ids, or all that the flags
choose. One that was dead, held, discarded or done starts over, with all the
attempts that its action allows, and the other side sees another Idempotency-Key
or Message-ID. One that waits for its next attempt need not wait longer.

What is sent is what was rendered then. To decide by the current rules, replay
the event: heed events replay ID.

Exit code 0: all were changed, or none matches.  1: one could not be changed.`
	cmd.Example = "  heed deliveries retry --state dead --action coaching\n  heed deliveries retry " +
		"ai2xbmvq4kdc7bqh5w3ey6rz"
	return cmd
}

func newDeliveriesDiscard(s streams) *cobra.Command {
	cmd := newDeliveriesChange(s, discarding)
	cmd.Short = "Take deliveries out, so that they are never sent"
	cmd.Long = `Discard takes deliveries out: those named by their ids, or all that the flags
choose. They are kept and shown, and not sent any more; retry brings them back.
An attempt in flight goes on and is the last.

Exit code 0: all were changed, or none matches.  1: one could not be changed.`
	cmd.Example = "  heed deliveries discard --state retrying --rule low-quiz-score\n  heed deliveries discard " +
		"ai2xbmvq4kdc7bqh5w3ey6rz"
	return cmd
}

func newDeliveriesChange(s streams, c change) *cobra.Command {
	var o changeOptions
	cmd := &cobra.Command{
		Use: c.verb + " ID…",
		RunE: func(cmd *cobra.Command, ids []string) error {
			byFlags := o.chosen != api.ChangeAll{}
			switch {
			case byFlags && len(ids) > 0:
				return usage("choose deliveries by their ids or by --state, --action and --rule, not by both")
			case byFlags:
				return changeChosen(cmd.Context(), s, c, &o)
			case len(ids) > 0:
				return changeNamed(cmd.Context(), s, c, &o, ids)
			default:
				return usage("name deliveries by their ids, or choose them by --state, --action or --rule")
			}
		},
	}
	o.client.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar((*string)(&o.chosen.State), "state", "", c.verb+" all deliveries in this state")
	flags.StringVar(&o.chosen.Action, "action", "", c.verb+" all deliveries of this action")
	flags.StringVar(&o.chosen.Rule, "rule", "", c.verb+" all deliveries of this rule")
	yesFlag(cmd, &o.yes)
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

// changeNamed changes deliveries one by one and shows each as it is then. One
// that cannot be changed keeps no other from it.
func changeNamed(ctx context.Context, s streams, c change, o *changeOptions, ids []string) error {
	client, err := o.client.open(ctx, s)
	if err != nil {
		return err
	}
	defer client.close()
	code := exitOK
	for _, id := range ids {
		var d record.Delivery
		err := client.post(ctx, "/api/v1/deliveries/"+admin.Segment(id)+"/"+c.verb, nil, &d)
		switch {
		case isProblem(err):
			printProblem(s, err)
			code = exitProblems
		case err != nil:
			return err
		case o.output == "json":
			if err := printJSON(s.out, &d); err != nil {
				return failure(err)
			}
		default:
			fmt.Fprintf(s.out, "%s  %s: %s → %s\n", d.ID, c.done, plain.Line(d.Rule), plain.Line(d.Action))
		}
	}
	return quiet(code)
}

// changeChosen changes all deliveries that the flags choose, after it said how
// many these are.
func changeChosen(ctx context.Context, s streams, c change, o *changeOptions) error {
	path := "/api/v1/deliveries/" + c.verb
	counting := o.chosen
	counting.CountOnly = true
	var found struct{ Matching int }
	if err := o.client.send(ctx, s, path, counting, &found); err != nil {
		return err
	}
	var result struct {
		Changed int `json:"changed"`
	}
	if found.Matching > 0 {
		ok, err := confirm(ctx, s, o.yes, fmt.Sprintf("%s %s", c.verb, plain.Count(found.Matching, "delivery")))
		if err != nil || !ok {
			return err
		}
		if err := o.client.send(ctx, s, path, o.chosen, &result); err != nil {
			return err
		}
	}
	switch {
	case o.output == "json":
		return printJSON(s.out, &result)
	case found.Matching == 0:
		fmt.Fprintf(s.out, "there is no delivery to %s\n", c.verb)
	default:
		fmt.Fprintf(s.out, "%s %s\n", plain.Count(result.Changed, "delivery"), c.done)
	}
	return nil
}

// isProblem says whether the API answered that one thing cannot be done, after
// which the next one may.
func isProblem(err error) bool {
	var coded *codedError
	return errors.As(err, &coded) && coded.code == exitProblems
}
