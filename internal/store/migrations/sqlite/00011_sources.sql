-- +goose Up

-- source is the name of the source that an event came from. ids names the source
-- among whose ids its own counts, '' for that of the published contract. acts is 0
-- for an event that may trigger nothing. detail says more of reason.
ALTER TABLE events ADD COLUMN source TEXT NOT NULL DEFAULT 'mindtickle';
ALTER TABLE events ADD COLUMN ids TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN acts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE events ADD COLUMN detail TEXT NOT NULL DEFAULT '';

UPDATE events SET source = 'heed' WHERE type >= 'heed.' AND type < 'heed/' AND status != 'quarantined';

-- Most events come from one source, which needs no index.
CREATE INDEX events_source ON events (source) WHERE source != 'mindtickle';

-- The ids that there are beside ''.
CREATE TABLE id_spaces (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Which files of a source were read, as they were then, and which contents ever
-- were, under whatever name. mod_at is in nanoseconds, as file systems have it.
CREATE TABLE files_read (
    source TEXT    NOT NULL,
    path   TEXT    NOT NULL,
    size   INTEGER NOT NULL,
    mod_at INTEGER NOT NULL,
    hash   TEXT    NOT NULL,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE contents_read (
    source TEXT NOT NULL,
    hash   TEXT NOT NULL,
    PRIMARY KEY (source, hash)
) STRICT, WITHOUT ROWID;
