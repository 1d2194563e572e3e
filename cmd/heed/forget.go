package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"heed/internal/plain"
)

type forgetOptions struct {
	client       clientOptions
	user, output string
	yes          bool
}

func newEventsForget(s streams) *cobra.Command {
	var o forgetOptions
	cmd := &cobra.Command{
		Use:   "forget --user ID",
		Short: "Delete every event of a person, with its deliveries, and all that is known of them",
		Long: `Forget deletes every event whose data.userId is the one given, with its
decisions and its deliveries, also those that were not sent yet, and what is
known of the person and their progress. It cannot be undone: the bytes are
overwritten. Only digests stay, by which an event that comes once more is known.

What was sent is with its receiver, and backups keep what they have. An event
that names the person elsewhere than in data.userId stays.`,
		Example: "  heed events forget --user u-1042",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unexpected argument %q: name the person with --user %s", args[0], args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return forget(cmd.Context(), s, &o) },
	}
	o.client.flags(cmd)
	cmd.Flags().StringVar(&o.user, "user", "", "the person, by the data.userId of the events")
	yesFlag(cmd, &o.yes)
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

func forget(ctx context.Context, s streams, o *forgetOptions) error {
	if strings.TrimSpace(o.user) == "" {
		return usage("name the person with --user, by the data.userId of the events")
	}
	ok, err := confirm(ctx, s, o.yes, fmt.Sprintf("delete all events of %s for good, with their deliveries, and what is known of the person", plain.Line(o.user)))
	if err != nil || !ok {
		return err
	}
	var result struct {
		Events int `json:"events"`
	}
	if err := o.client.send(ctx, s, "/api/v1/forget", map[string]string{"user": o.user}, &result); err != nil {
		return err
	}
	switch {
	case o.output == "json":
		return printJSON(s.out, &result)
	case result.Events == 0:
		fmt.Fprintf(s.out, "there is no event of %s; anything else that was known of them is deleted\n", plain.Line(o.user))
	default:
		fmt.Fprintf(s.out, "%s of %s deleted, with their deliveries\n", plain.Count(result.Events, "event"), plain.Line(o.user))
	}
	return nil
}
