-- Whether the room was there before the chat came to it, so that its name, topic and picture are its people's own.
ALTER TABLE portal ADD COLUMN plumbed SMALLINT NOT NULL DEFAULT 0;

-- Chats that go on under another id: what is still told about the old one belongs to the new one.
CREATE TABLE chat_moved (
    old TEXT PRIMARY KEY,
    chat TEXT NOT NULL
) {packed};
