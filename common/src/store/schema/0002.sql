-- Reactions that stand on both sides: what a removal must find. origin: 0 Matrix, 1 remote. emoji is in its stored form.
CREATE TABLE reaction (
    chat TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    origin SMALLINT NOT NULL,
    sender TEXT NOT NULL,
    emoji TEXT NOT NULL,
    room_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (chat, remote_id, origin, sender, emoji)
) {packed};
CREATE UNIQUE INDEX reaction_event ON reaction (event_id);

-- Which remote file a picture in the media store was copied from.
CREATE INDEX media_mxc ON media (mxc);

-- Whether the chat is hidden from most people of its space.
ALTER TABLE portal ADD COLUMN private SMALLINT NOT NULL DEFAULT 0;

-- How a moved file looks and sounds, as JSON, so that a second message with it need not look again.
ALTER TABLE media ADD COLUMN info TEXT;
