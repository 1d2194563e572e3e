package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"heed/engine/record"
)

// SaveRuleSet keeps the text of a rule set under its hash. A set that is there
// already keeps its files; only the time at which it was activated is another, so
// that after an edit was taken back the set before it is the newest again.
func (db *DB) SaveRuleSet(ctx context.Context, set record.RuleSet) (err error) {
	defer wrap(&err, "save rule set %s", set.Hash)
	files, err := json.Marshal(set.Files)
	if err != nil {
		return err
	}
	return db.writer.do(ctx, func(g *groupTx) error {
		_, err := g.conn.Exec(`
			INSERT INTO rule_sets (hash, activated_at, files) VALUES (?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET activated_at = excluded.activated_at`,
			set.Hash, micros(set.ActivatedAt), files)
		return err
	})
}

// RuleSet returns the rule set with the hash, if it was ever saved.
func (db *DB) RuleSet(ctx context.Context, hash string) (set record.RuleSet, found bool, err error) {
	defer wrap(&err, "read rule set %s", hash)
	var activatedAt int64
	var files []byte
	err = db.readDB.QueryRowContext(ctx, "SELECT activated_at, files FROM rule_sets WHERE hash = ?", hash).
		Scan(&activatedAt, &files)
	if err == sql.ErrNoRows {
		return record.RuleSet{}, false, nil
	}
	if err != nil {
		return record.RuleSet{}, false, err
	}
	set = record.RuleSet{Hash: hash, ActivatedAt: timeOf(activatedAt)}
	if err := json.Unmarshal(files, &set.Files); err != nil {
		return record.RuleSet{}, false, err
	}
	return set, true, nil
}
