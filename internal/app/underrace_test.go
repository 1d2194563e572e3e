//go:build race

package app

// underRace says that the race detector is on. It slows a test down twentyfold.
const underRace = true
