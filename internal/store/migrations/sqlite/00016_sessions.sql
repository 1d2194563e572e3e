-- +goose Up

-- The sessions of browsers on the admin listener. id is the digest of what the cookie
-- holds, and token that of the token that began the session: what stands here lets
-- nobody in.
CREATE TABLE sessions (
    id           BLOB    PRIMARY KEY,
    token        BLOB    NOT NULL,
    began_at     INTEGER NOT NULL,
    reveal_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
