//go:build !ackearly

package intake

import "context"

// store commits a batch; the build for the torture has one that does not wait.
func (in *Intake) store(ctx context.Context, b *Batch) error { return in.Store.Commit(ctx, b) }
