-- Times are microseconds since 1970 in UTC, 0 for none.

-- +goose Up

-- body stands last: whoever reads the other columns never touches the pages a
-- long body spills into. Bodies and requests may be NULL, which means empty.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    company_id  TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    signed_at   INTEGER NOT NULL,
    rule_set    TEXT    NOT NULL,
    signature   BLOB    NOT NULL,
    body_hash   BLOB    NOT NULL,
    decisions   BLOB,
    body        BLOB
) STRICT;

CREATE INDEX events_type ON events (type);

-- Accepted events are found by their id through keys. These two are small.
CREATE INDEX events_quarantined ON events (status) WHERE status = 'quarantined';
CREATE INDEX events_quarantined_id ON events (id) WHERE status = 'quarantined';

-- Which events an hour brought, as a range of seq: pruning finds the old ones by
-- it, and it costs one row an hour where an index would cost one an event.
-- Ranges overlap when the clock was set back.
CREATE TABLE hours (
    hour      INTEGER PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL
) STRICT;

-- What was claimed; keys.go says what k and other are. A key outlives its event.
-- The keys of events after the mark 'keys_merged' are not here yet.
CREATE TABLE keys (
    k           BLOB    PRIMARY KEY,
    seq         INTEGER NOT NULL,
    other       BLOB    NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE marks (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO marks (name, value) VALUES ('keys_merged', 0), ('probe', 0);

-- n is the event's seq * 65536 + the delivery's place within the event, so that
-- an event's deliveries need no index of their own and n is also the order of
-- pages. due_at is NULL unless the delivery is pending or retrying.
CREATE TABLE deliveries (
    n          INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    rule       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT    NOT NULL,
    request    BLOB
) STRICT;

CREATE INDEX deliveries_due ON deliveries (action, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_stopped ON deliveries (state) WHERE state IN ('dead', 'held', 'discarded');

CREATE TABLE attempts (
    delivery   INTEGER NOT NULL REFERENCES deliveries (n) ON DELETE CASCADE,
    n          INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    outcome    TEXT    NOT NULL DEFAULT '',
    error      TEXT    NOT NULL DEFAULT '',
    response   TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_open ON attempts (delivery) WHERE ended_at IS NULL;

CREATE TABLE rule_sets (
    hash         TEXT    PRIMARY KEY,
    activated_at INTEGER NOT NULL,
    files        BLOB    NOT NULL
) STRICT;
