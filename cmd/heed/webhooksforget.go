package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"heed/internal/mindtickle"
	"heed/internal/plain"
)

func newWebhooksForget(s streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "forget ID…",
		Short: "Remember webhooks no longer that were deleted at MindTickle",
		Long: `Forget makes heed forget webhooks that were deleted at MindTickle. It changes
nothing there: a webhook that is still there goes on sending, and heed webhooks
register would register its event types once more.`,
		Example: "  heed webhooks forget wh_1",
		Args:    needs("webhooks by their ids"),
		RunE:    func(_ *cobra.Command, ids []string) error { return forgetWebhooks(s, data, ids) },
	}
	cmd.Flags().StringVar(&data, "data", "./heed-data", "the store's directory, where what was registered is remembered")
	return cmd
}

func forgetWebhooks(s streams, data string, ids []string) error {
	memory, err := mindtickle.Remember(data)
	if err != nil {
		return failure(err)
	}
	code := exitOK
	for _, id := range ids {
		if memory.Find(id) == nil {
			printProblem(s, fmt.Errorf("no webhook %s is remembered in %s", plain.Line(id), data))
			code = exitProblems
			continue
		}
		memory.Forget(id)
		if err := memory.Save(data); err != nil {
			return failure(err)
		}
		fmt.Fprintf(s.out, "%s is forgotten\n", plain.Line(id))
	}
	return quiet(code)
}
