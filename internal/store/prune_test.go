package store

import (
	"testing"

	"heed/internal/store/storetest"
)

// A person may ask for a dead delivery to be sent again after its event was
// chosen to be deleted.
func TestEventWithSomethingToSendIsNeverDeleted(t *testing.T) {
	db := openTemp(t)
	for _, id := range []string{"e1", "e2"} {
		if _, err := storetest.Commit(t.Context(), db, event(id), pending("of "+id)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := storetest.Commit(t.Context(), db, event("e3"), nil); err != nil {
		t.Fatal(err)
	}
	if n, err := db.deleteEvents(t.Context(), []int64{1, 2, 3}); n != 1 || err != nil {
		t.Errorf("deleted %d, error %v", n, err)
	}
	for _, id := range []string{"of e1", "of e2"} {
		if _, _, found, err := db.Delivery(t.Context(), id); !found || err != nil {
			t.Errorf("delivery %s: found %v, error %v", id, found, err)
		}
	}
}
