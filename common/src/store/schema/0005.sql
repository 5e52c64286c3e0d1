-- What a relay says in this room in the place of the bridge's templates: a JSON object of texts by their kind, NULL for none.
ALTER TABLE portal ADD COLUMN relay_templates TEXT;
