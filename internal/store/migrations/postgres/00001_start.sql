-- The schema of migrations/sqlite, whose files say what the tables are for. Times
-- are microseconds since 1970 in UTC, 0 for none. Texts are compared by their
-- bytes, as SQLite compares them.

-- +goose Up

CREATE TABLE events (
    seq         BIGINT PRIMARY KEY,
    id          TEXT COLLATE "C" NOT NULL,
    type        TEXT COLLATE "C" NOT NULL,
    company_id  TEXT COLLATE "C" NOT NULL,
    status      TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    signed_at   BIGINT NOT NULL,
    rule_set    TEXT COLLATE "C" NOT NULL,
    signature   BYTEA  NOT NULL,
    body_hash   BYTEA  NOT NULL,
    decisions   BYTEA,
    facts       BYTEA,
    body        BYTEA,
    source      TEXT COLLATE "C" NOT NULL,
    ids         TEXT COLLATE "C" NOT NULL,
    acts        BIGINT NOT NULL,
    detail      TEXT COLLATE "C" NOT NULL,
    -- The person that the event is about, in place of the filters of SQLite.
    user_id     TEXT COLLATE "C"
);

CREATE INDEX events_type ON events (type, seq);
CREATE INDEX events_user ON events (user_id, seq) WHERE user_id IS NOT NULL;
CREATE INDEX events_quarantined ON events (seq) WHERE status = 'quarantined';
CREATE INDEX events_quarantined_id ON events (id) WHERE status = 'quarantined';
CREATE INDEX events_replayed_id ON events (id) WHERE status = 'replayed';
CREATE INDEX events_source ON events (source, seq) WHERE source != 'mindtickle';

CREATE TABLE hours (
    hour      BIGINT PRIMARY KEY,
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE keys (
    k           BYTEA PRIMARY KEY,
    seq         BIGINT NOT NULL,
    other       BYTEA  NOT NULL,
    received_at BIGINT NOT NULL
);

CREATE TABLE marks (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
) WITH (fillfactor = 50);

INSERT INTO marks (name, value) VALUES
    ('probe', 0), ('people_learnt', 0), ('pruned_before', 0),
    ('watched_since', 0), ('last_good_at', 0), ('last_good_seq', 0);

-- Who writes holds this row until the commit. It has what each writer must know of
-- the others: the number of the next event, the last version of a row of state, and
-- counters that say that scopes, mutes, people, the queue or timers have changed.
CREATE TABLE turn (
    single   BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single),
    next_seq BIGINT NOT NULL DEFAULT 1,
    version  BIGINT NOT NULL DEFAULT 0,
    scopes   BIGINT NOT NULL DEFAULT 0,
    mutes    BIGINT NOT NULL DEFAULT 0,
    people   BIGINT NOT NULL DEFAULT 0,
    wakes    BIGINT NOT NULL DEFAULT 0,
    timers   BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

INSERT INTO turn DEFAULT VALUES;

CREATE TABLE deliveries (
    n           BIGINT PRIMARY KEY,
    id          TEXT COLLATE "C" NOT NULL UNIQUE,
    rule        TEXT COLLATE "C" NOT NULL,
    action      TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    created_at  BIGINT NOT NULL,
    due_at      BIGINT,
    attempts    BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT COLLATE "C" NOT NULL,
    request     BYTEA,
    generation  BIGINT NOT NULL DEFAULT 0,
    spent       BIGINT NOT NULL DEFAULT 0,
    destination TEXT COLLATE "C" NOT NULL DEFAULT '',
    order_key   TEXT COLLATE "C",
    recipients  BYTEA,
    owner       TEXT COLLATE "C"
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE INDEX deliveries_due ON deliveries (action, due_at, n) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_stopped ON deliveries (state, n) WHERE state IN ('dead', 'held', 'discarded');
CREATE INDEX deliveries_ordered ON deliveries (action, order_key, n) WHERE due_at IS NOT NULL AND order_key IS NOT NULL;
CREATE INDEX deliveries_owned ON deliveries (owner) WHERE owner IS NOT NULL;

CREATE TABLE attempts (
    delivery   BIGINT NOT NULL,
    n          BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    outcome    TEXT COLLATE "C" NOT NULL DEFAULT '',
    error      TEXT COLLATE "C" NOT NULL DEFAULT '',
    response   TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, n)
) WITH (fillfactor = 70);

CREATE INDEX attempts_open ON attempts (delivery) WHERE ended_at IS NULL;

-- A foreign key would lock the row of the delivery for each attempt.
-- +goose StatementBegin
CREATE FUNCTION delete_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM attempts USING gone WHERE attempts.delivery = gone.n;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER attempts_of_deleted AFTER DELETE ON deliveries
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION delete_attempts();

CREATE TABLE lanes (
    name    TEXT COLLATE "C" PRIMARY KEY,
    open_at BIGINT NOT NULL,
    wait    TEXT COLLATE "C" NOT NULL,
    state   BYTEA  NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE rule_sets (
    hash         TEXT COLLATE "C" PRIMARY KEY,
    activated_at BIGINT NOT NULL,
    files        BYTEA  NOT NULL
);

CREATE TABLE threads (
    key     TEXT COLLATE "C" PRIMARY KEY,
    ts      TEXT COLLATE "C" NOT NULL,
    used_at BIGINT NOT NULL
);

CREATE TABLE people (
    id        TEXT COLLATE "C" PRIMARY KEY,
    email     TEXT COLLATE "C" NOT NULL,
    role      TEXT COLLATE "C" NOT NULL,
    team      TEXT COLLATE "C" NOT NULL,
    email_at  BIGINT NOT NULL,
    role_at   BIGINT NOT NULL,
    team_at   BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    active    BIGINT NOT NULL,
    imported  BIGINT NOT NULL
);

CREATE TABLE items (
    kind     BIGINT NOT NULL,
    id       TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    named_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE progress (
    "user"       TEXT COLLATE "C" NOT NULL,
    kind         BIGINT NOT NULL,
    item         TEXT COLLATE "C" NOT NULL,
    progress     BIGINT NOT NULL,
    seconds      BIGINT NOT NULL,
    best         BIGINT NOT NULL,
    last         BIGINT NOT NULL,
    scored_at    BIGINT NOT NULL,
    completed_at BIGINT NOT NULL,
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    PRIMARY KEY ("user", kind, item)
);

CREATE TABLE reuses (
    event    BIGINT PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
    original BIGINT NOT NULL,
    n        BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

CREATE TABLE state_scopes (
    id         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    rule       TEXT COLLATE "C" NOT NULL,
    block      TEXT COLLATE "C" NOT NULL,
    per        TEXT COLLATE "C" NOT NULL,
    since      BIGINT NOT NULL,
    removed_at BIGINT NOT NULL DEFAULT 0,
    keys       BIGINT NOT NULL DEFAULT 0,
    settings   TEXT COLLATE "C" NOT NULL DEFAULT '',
    UNIQUE (rule, block, per)
) WITH (fillfactor = 50);

CREATE TABLE state (
    scope      BIGINT NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    "user"     TEXT COLLATE "C" NOT NULL,
    data       BYTEA NOT NULL,
    due_at     BIGINT,
    expires_at BIGINT,
    version    BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
) WITH (fillfactor = 70);

CREATE INDEX state_due ON state (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX state_user ON state ("user") WHERE "user" != '';

CREATE TABLE mutes (
    id       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    rule     TEXT COLLATE "C" NOT NULL,
    key      TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);

CREATE TABLE tallies (
    rule    TEXT COLLATE "C" NOT NULL,
    hour    BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    n       BIGINT NOT NULL,
    PRIMARY KEY (rule, hour, outcome)
) WITH (fillfactor = 50);

CREATE TABLE id_spaces (name TEXT COLLATE "C" PRIMARY KEY);

CREATE TABLE files_read (
    source TEXT COLLATE "C" NOT NULL,
    path   TEXT COLLATE "C" NOT NULL,
    size   BIGINT NOT NULL,
    mod_at BIGINT NOT NULL,
    hash   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source, path)
);

CREATE TABLE contents_read (
    source TEXT COLLATE "C" NOT NULL,
    hash   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (source, hash)
);

-- What one process does for all: name is the task, holder the process that has it
-- until a time.
CREATE TABLE roles (
    name       TEXT COLLATE "C" PRIMARY KEY,
    holder     TEXT COLLATE "C" NOT NULL,
    held_until BIGINT NOT NULL
);

-- The processes that serve. skew is by how many microseconds the clock of one is
-- ahead of the database's.
CREATE TABLE processes (
    id         TEXT COLLATE "C" PRIMARY KEY,
    host       TEXT COLLATE "C" NOT NULL,
    pid        BIGINT NOT NULL,
    admin_url  TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    rule_set   TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    skew       BIGINT NOT NULL
);
