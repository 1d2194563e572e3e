//go:build !splitfire

package intake

import "context"

// storeFirings commits firings; the build for the torture has one that may lose
// or double them.
func (in *Intake) storeFirings(ctx context.Context, batches ...*Batch) error {
	return in.Store.Commit(ctx, batches...)
}
