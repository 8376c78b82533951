-- A worker whose program was replaced or moved away under it runs other code than the next one will.
ALTER TABLE workers ADD COLUMN outdated boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN workers.outdated IS 'the program''s files on its host are no longer those that it started with';
