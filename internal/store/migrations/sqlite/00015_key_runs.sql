-- +goose Up

-- Keys are written in runs of about a million, so that a merge touches the pages of
-- the newest run and not those of all keys there ever were. filter is a Bloom filter
-- of the run's keys; see keyfilter.go. A run without one gets it at the next start.
CREATE TABLE key_runs (
    run    INTEGER PRIMARY KEY,
    keys   INTEGER NOT NULL,
    filter BLOB
) STRICT;

CREATE TABLE keys_by_run (
    run         INTEGER NOT NULL DEFAULT 0,
    k           BLOB    NOT NULL,
    seq         INTEGER NOT NULL,
    other       BLOB    NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (run, k)
) STRICT, WITHOUT ROWID;

INSERT INTO keys_by_run (k, seq, other, received_at) SELECT k, seq, other, received_at FROM keys ORDER BY k;
DROP TABLE keys;
ALTER TABLE keys_by_run RENAME TO keys;
-- The run into which keys are being merged, plus one; 0 between two merges.
INSERT INTO marks (name, value) VALUES ('keys_merging', 0);

INSERT INTO key_runs (run, keys) SELECT 0, count(*) FROM keys HAVING count(*) > 0;

-- Keys that no row of events tells, until they are merged: the new signatures of
-- events that were sent again.
CREATE TABLE resent_keys (
    n           INTEGER PRIMARY KEY,
    k           BLOB    NOT NULL,
    seq         INTEGER NOT NULL,
    other       BLOB    NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
