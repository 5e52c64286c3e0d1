-- How often the work of a row was tried again, kept when the work is done. A failed attempt writes it, and whoever has it tried again by command.
ALTER TABLE message ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
