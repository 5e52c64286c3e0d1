-- What the network calls somebody today, where that is not the id that names the ghost.
ALTER TABLE ghost ADD COLUMN address TEXT;
-- Whether the alias had a ghost of its own once, which may have said things.
ALTER TABLE ghost_alias ADD COLUMN spoke SMALLINT NOT NULL DEFAULT 0;

-- An id either has a ghost of its own or leads to another's. Before, it could do both, or lead nowhere. The network tells again who is one.
DELETE FROM ghost_alias WHERE alias IN (SELECT user_id FROM ghost) OR user_id NOT IN (SELECT user_id FROM ghost);
CREATE INDEX ghost_alias_user ON ghost_alias (user_id);
