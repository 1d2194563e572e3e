-- +goose Up

-- What people did: who, when, what, to what, to how many, and what came of it. Rows
-- are only ever added.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    who    TEXT    NOT NULL,
    role   TEXT    NOT NULL,
    what   TEXT    NOT NULL,
    target TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    result TEXT    NOT NULL
) STRICT;
