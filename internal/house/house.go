// Package house holds the rules of the house as tests: which package may know
// which. It has no code.
package house
