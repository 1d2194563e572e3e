package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"heed/engine/record"
)

// Events of a person are found by filters: for each block of events there is a
// small Bloom filter of the persons they are about. A block without a filter, or
// with an event of which nobody told the person, may hold anybody's. An index of
// persons would find the same, but each event would change a page of its own of
// it; a filter costs one row for a whole block.

// blockBits is how many bits of a number are within its block: 512 events.
const blockBits = 9

func blockOf(seq int64) int64 { return seq >> blockBits }

// A filter of 1 KiB with 4 bits for each person lets one in 400 other blocks pass
// if all events of the block are about different persons.
const (
	filterBytes = 1 << 10
	filterBits  = 4
)

// userFilter is the filter of one block.
type userFilter struct {
	block int64
	bits  []byte
	// partial says that the filter does not have all events of the block, or that
	// of one the person is not known.
	partial bool
}

func newUserFilter(block int64) *userFilter {
	return &userFilter{block: block, bits: make([]byte, filterBytes)}
}

// clone is a filter of its own, so that a group that is taken back changes nothing.
func (f *userFilter) clone() *userFilter {
	if f == nil {
		return nil
	}
	return &userFilter{f.block, slices.Clone(f.bits), f.partial}
}

func (f *userFilter) add(e *record.Event) {
	switch {
	case !e.UserKnown || e.Status == record.Quarantined:
		f.partial = true
	case e.User != "":
		for _, bit := range bitsOf(e.User) {
			f.bits[bit/8] |= 1 << (bit % 8)
		}
	}
}

// mayHold says whether a filter as it is stored may hold events of a person.
func mayHold(bits []byte, user string) bool {
	if len(bits) != filterBytes {
		return true
	}
	return !slices.ContainsFunc(bitsOf(user), func(bit uint64) bool { return bits[bit/8]&(1<<(bit%8)) == 0 })
}

func bitsOf(user string) []uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(user)) // it never fails
	sum := h.Sum64()
	first, step := sum&0xffffffff, sum>>32|1
	bits := make([]uint64, filterBits)
	for i := range bits {
		bits[i] = (first + uint64(i)*step) % (8 * filterBytes)
	}
	return bits
}

// findableByUser sees to it that the event is found by its person: by a filter or,
// where the table has a column for that, by another value in its row.
func (g *groupTx) findableByUser(row []value, c *commit) ([]value, error) {
	if !g.words.userColumn {
		return row, g.filterUser(c.seq, c.batch.Event)
	}
	return append(slices.Clip(row), orNull(c.user)), nil
}

// filterUser adds an event that is stored to the filter of its block, and writes the
// filter of the block before once that is complete.
func (g *groupTx) filterUser(seq int64, e *record.Event) error {
	if g.users == nil || g.users.block != blockOf(seq) {
		if err := g.saveFilter(); err != nil {
			return err
		}
		g.users = newUserFilter(blockOf(seq))
		// Of a block that began before this process the filter would be wrong.
		g.users.partial = seq&(1<<blockBits-1) != 0 && seq != 1
	}
	g.users.add(e)
	return nil
}

var insertFilters = replaceInto("user_filters", "block", "users")

// saveFilter writes the filter of the block that is over.
func (g *groupTx) saveFilter() error {
	if g.users == nil || g.users.partial {
		return nil
	}
	if err := insertFilters.insert(g.conn, [][]value{{g.users.block, g.users.bits}}); err != nil {
		return fmt.Errorf("write whom events are about: %w", err)
	}
	return nil
}

// seqSpan are numbers from first to last.
type seqSpan struct{ first, last int64 }

// spansOf are the numbers, newest first, among which the events of a person are.
func (db *DB) spansOf(ctx context.Context, user string, before int64) (spans []seqSpan, err error) {
	if db.words.userColumn {
		return []seqSpan{{0, math.MaxInt64}}, nil
	}
	without := map[int64]bool{} // blocks that hold none of the person's
	rows, err := db.readDB.QueryContext(ctx, "SELECT block, users FROM user_filters")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var block int64
		var bits []byte
		if err := rows.Scan(&block, &bits); err != nil {
			return nil, err
		}
		if !mayHold(bits, user) {
			without[block] = true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var oldest, newest int64
	const ends = "SELECT coalesce((SELECT min(seq) FROM events), 0), coalesce((SELECT max(seq) FROM events), 0)"
	err = db.readDB.QueryRowContext(ctx, ends).Scan(&oldest, &newest)
	if err != nil || newest == 0 {
		return nil, err
	}
	if before != 0 {
		newest = min(newest, before-1)
	}
	for block := blockOf(newest); block >= blockOf(oldest); block-- {
		first := block << blockBits
		switch last := len(spans) - 1; {
		case without[block]:
		case last >= 0 && spans[last].first == first+1<<blockBits:
			spans[last].first = first
		default:
			spans = append(spans, seqSpan{first, first + 1<<blockBits - 1})
		}
	}
	return spans, nil
}
