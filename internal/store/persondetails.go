package store

import (
	"context"

	"heed/engine/people"
)

var insertDetails = replaceInto("person_details", "id", "name, name_at, manager, manager_at")

// loadDetails gives row what imports alone told of people.
func (db *DB) loadDetails(ctx context.Context, row func(people.PersonRow)) error {
	const columns = "SELECT id, name, name_at, manager, manager_at FROM person_details"
	return db.scan(ctx, columns, func(scan func(...any) error) error {
		var r people.PersonRow
		err := scan(&r.ID, &r.Name, &r.NameAt, &r.Manager, &r.ManagerAt)
		r.Imported = people.ImportedDetails
		row(r)
		return err
	})
}

func saveDetails(c conn, rows []people.PersonRow) error {
	var values [][]value
	for i := range rows {
		if r := &rows[i]; r.NameAt != 0 || r.ManagerAt != 0 {
			values = append(values, []value{r.ID, r.Name, r.NameAt, r.Manager, r.ManagerAt})
		}
	}
	return insertDetails.insert(c, values)
}
