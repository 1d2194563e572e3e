package people

import (
	"net/mail"
	"strings"
)

// managerIn parses a cell that names a manager, by e-mail address or by ID.
func managerIn(cell string) string {
	if address, ok := addressIn(cell); ok {
		return address
	}
	return cell
}

// addressIn parses the e-mail address in a cell, without the mailto: that spreadsheets
// add when a link is copied. ok is false if the cell holds anything else.
func addressIn(cell string) (address string, ok bool) {
	const link = "mailto:"
	if len(cell) >= len(link) && strings.EqualFold(cell[:len(link)], link) {
		cell, _, _ = strings.Cut(cell[len(link):], "?")
		cell = strings.TrimSpace(cell)
	}
	parsed, err := mail.ParseAddress(cell)
	return cell, err == nil && parsed.Name == "" && parsed.Address == cell
}
