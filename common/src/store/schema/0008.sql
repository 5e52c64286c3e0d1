-- How often the work of a row was tried again, kept when the work is done. Only a failed attempt writes it.
ALTER TABLE message ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
