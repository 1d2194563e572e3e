// Package wording says in words what happened: why a condition held, what a rule's
// state made of an event, what a request says. The command line and the console
// show the same words. It decides nothing.
package wording
