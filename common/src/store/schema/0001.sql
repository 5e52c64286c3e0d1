-- Who writes here. The token grows with every start, so that a process that lost the database can be told from its successor.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    token BIGINT NOT NULL,
    since_ms BIGINT NOT NULL
) {packed};

-- Portals: a Matrix room joined to a remote chat.
CREATE TABLE portal (
    chat TEXT PRIMARY KEY,
    room_id TEXT,
    parent TEXT,
    login TEXT,
    kind TEXT NOT NULL,
    name TEXT,
    topic TEXT,
    avatar_mxc TEXT,
    info_fingerprint TEXT,
    state SMALLINT NOT NULL
) {packed};
CREATE UNIQUE INDEX portal_room ON portal (room_id) WHERE room_id IS NOT NULL;

-- Ghosts: the Matrix accounts that stand for remote users, under their primary id.
CREATE TABLE ghost (
    user_id TEXT PRIMARY KEY,
    name TEXT,
    avatar_source TEXT,
    avatar_mxc TEXT,
    registered SMALLINT NOT NULL
) {packed};
CREATE TABLE ghost_alias (
    alias TEXT PRIMARY KEY,
    user_id TEXT NOT NULL
) {packed};

-- The map between events and remote messages, and the duplicate guard. A row is made when work is accepted.
-- One event may become several messages (event_part counts them), one message several events (remote_part counts those).
-- origin: 0 Matrix, 1 remote. state: 0 open, 1 delivered, 2 ignored, 3 failed, 4 uncertain, 5 dropped.
CREATE TABLE message (
    id {id},
    origin SMALLINT NOT NULL,
    state SMALLINT NOT NULL,
    event_part SMALLINT NOT NULL,
    remote_part SMALLINT NOT NULL,
    sent_ms BIGINT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    done_ms BIGINT,
    room_id TEXT,
    event_id TEXT,
    chat TEXT,
    remote_id TEXT,
    sender TEXT,
    reason TEXT
);
CREATE UNIQUE INDEX message_event ON message (event_id, event_part) WHERE event_id IS NOT NULL;
CREATE UNIQUE INDEX message_remote ON message (remote_id, chat, remote_part) WHERE remote_id IS NOT NULL;
CREATE INDEX message_delivered ON message (chat, id) WHERE origin = 0 AND remote_id IS NOT NULL;

-- Open work only, both directions, under the id of its message row.
CREATE TABLE journal (
    id {id},
    direction SMALLINT NOT NULL,
    parked SMALLINT NOT NULL,
    attempts SMALLINT NOT NULL,
    accepted_ms BIGINT NOT NULL,
    lane TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX journal_lane ON journal (direction, lane, id) WHERE parked = 0;
CREATE INDEX journal_parked ON journal (id) WHERE parked = 1;

-- Files that were moved already.
CREATE TABLE media (
    key TEXT PRIMARY KEY,
    mxc TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    saved_ms BIGINT NOT NULL
) {packed};

-- What a session keeps: cursors, keys.
CREATE TABLE session_kv (
    login TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (login, key)
) {packed};
