//go:build nosync

package store

// A build for the torture, which must notice that a power cut now takes
// what was acknowledged.
func init() { writePragmas = append(writePragmas, "_pragma=synchronous(OFF)") }
