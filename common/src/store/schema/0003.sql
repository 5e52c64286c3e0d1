-- Accounts that people have signed in with. The secret is sealed with the bridge's own key.
CREATE TABLE login (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    remote_user TEXT,
    secret TEXT NOT NULL,
    space_room TEXT,
    saved_ms BIGINT NOT NULL
) {packed};

-- People in Matrix: where the bot tells them news, and the sealed access token with which it may act for them.
CREATE TABLE person (
    user_id TEXT PRIMARY KEY,
    management_room TEXT,
    puppet TEXT
) {packed};

-- Which accounts are in which chats. preferred: 1 for the account that its owner has chosen to speak there.
CREATE TABLE portal_login (
    chat TEXT NOT NULL,
    login TEXT NOT NULL,
    preferred SMALLINT NOT NULL,
    PRIMARY KEY (chat, login)
) {packed};
CREATE INDEX portal_login_login ON portal_login (login);

-- Who speaks for people without an account: a login, '' for nobody, NULL for the account that the configuration names.
ALTER TABLE portal ADD COLUMN relay TEXT;
