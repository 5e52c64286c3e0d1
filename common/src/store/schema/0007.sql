-- Rows of bytes that a session keeps for itself, each sealed with the bridge's own key: keys of encryption, messages to repeat.
-- mark is a number of the session's own, by which it forgets what is old.
CREATE TABLE session_row (
    login TEXT NOT NULL,
    shelf TEXT NOT NULL,
    key TEXT NOT NULL,
    mark BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (login, shelf, key)
) {packed};
