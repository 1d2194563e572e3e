-- +goose Up

-- What only imports tell of people, beside the table people. Times are
-- microseconds.
CREATE TABLE person_details (
    id         TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL,
    name_at    INTEGER NOT NULL,
    manager    TEXT    NOT NULL,
    manager_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
