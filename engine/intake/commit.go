//go:build !ackearly

package intake

import "context"

// store commits batches; the build for the torture has one that does not wait.
func (in *Intake) store(ctx context.Context, batches ...*Batch) error {
	return in.Store.Commit(ctx, batches...)
}
