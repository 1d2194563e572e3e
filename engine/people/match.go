package people

import (
	"fmt"
	"strings"
)

// match gives records without an ID the ID of the person with the same e-mail address. It
// leaves out records whose address belongs to nobody or to several people.
func (d *Directory) match(records []Record) (matched []Record, unmatched []SheetProblem) {
	wanted := map[string][]string{} // the IDs of the people with an address
	for i := range records {
		if records[i].ID == "" {
			wanted[mailbox(records[i].Email)] = nil
		}
	}
	if len(wanted) == 0 {
		return records, nil
	}
	d.each(func(p *person) {
		address := mailbox(p.profile.email.text)
		if ids, ok := wanted[address]; ok {
			wanted[address] = append(ids, p.id)
		}
	})
	for _, r := range records {
		if r.ID == "" {
			ids := wanted[mailbox(r.Email)]
			if len(ids) != 1 {
				unmatched = append(unmatched, SheetProblem{r.Line, unmatchedText(r.Email, len(ids))})
				continue
			}
			r.ID = ids[0]
		}
		matched = append(matched, r)
	}
	return matched, unmatched
}

func unmatchedText(address string, people int) string {
	if people == 0 {
		return "nobody with the address " + cut(address) + " is known; add a userId, or import it again once they " +
			"are provisioned"
	}
	return fmt.Sprintf("%d people have the address %s; add the userId of the one who is meant", people, cut(address))
}

// mailbox normalizes an address for comparison. Case is insignificant in every system in
// use.
func mailbox(address string) string { return strings.ToLower(address) }
