-- +goose Up

-- Which message began a thread: key is a digest of what the thread is of, ts what
-- the other side calls the message. Few in number and seldom written beside
-- events, so the index is the table.
CREATE TABLE threads (
    key     TEXT    PRIMARY KEY,
    ts      TEXT    NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
