-- +goose Up

-- What is known of people, as of the event in the mark 'people_learnt' and all
-- before it; engine/people says what each column means. Times are microseconds,
-- amounts millionths, -1 for unknown.
CREATE TABLE people (
    id        TEXT    PRIMARY KEY,
    email     TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    team      TEXT    NOT NULL,
    email_at  INTEGER NOT NULL,
    role_at   INTEGER NOT NULL,
    team_at   INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    active    INTEGER NOT NULL,
    imported  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- kind is 0 for a module, 1 for a course, 2 for a quiz.
CREATE TABLE items (
    kind     INTEGER NOT NULL,
    id       TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    named_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
    user         TEXT    NOT NULL,
    kind         INTEGER NOT NULL,
    item         TEXT    NOT NULL,
    progress     INTEGER NOT NULL,
    seconds      INTEGER NOT NULL,
    best         INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    scored_at    INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    first_at     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    PRIMARY KEY (user, kind, item)
) STRICT, WITHOUT ROWID;

-- 'pruned_before' is the time before which events may have been deleted for
-- their age. What was learnt before this migration was learnt from what there
-- is, so it begins at 0.
INSERT INTO marks (name, value) VALUES ('people_learnt', 0), ('pruned_before', 0);
