-- +goose Up

-- What rules remember; see engine/state. A scope is one block of one rule, with
-- the expression that makes the keys of its rows. keys counts these. removed_at
-- is when the rule was taken out, 0 while it is there; settings tell an edit.
CREATE TABLE state_scopes (
    id         INTEGER PRIMARY KEY,
    rule       TEXT    NOT NULL,
    block      TEXT    NOT NULL,
    per        TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    removed_at INTEGER NOT NULL DEFAULT 0,
    keys       INTEGER NOT NULL DEFAULT 0,
    settings   TEXT    NOT NULL DEFAULT '',
    UNIQUE (rule, block, per)
) STRICT;

-- data is JSON of the block's own shape. Nothing happens at due_at NULL, and a
-- row means nothing any more after expires_at.
CREATE TABLE state (
    scope      INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    user       TEXT    NOT NULL,
    data       BLOB    NOT NULL,
    due_at     INTEGER,
    expires_at INTEGER,
    version    INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_due ON state (due_at) WHERE due_at IS NOT NULL;

-- A mute with the key '' is of the whole rule.
CREATE TABLE mutes (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    rule     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    from_at  INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT;
