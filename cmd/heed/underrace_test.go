//go:build race

package main

// underRace says that the race detector is on. It slows a test down twentyfold.
const underRace = true
