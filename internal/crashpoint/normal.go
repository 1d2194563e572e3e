//go:build !torture

// Package crashpoint names the places at which a crash would hurt most, for
// the torture to crash there. In a normal build Reach is empty and costs
// nothing.
package crashpoint

// Reach says that the work has come to a point.
func Reach(string) {}
