-- Planned power cuts and road works: windows that feeds bring, kept as the silences they become.

ALTER TABLE silence
    ADD COLUMN feed_key  integer REFERENCES feed,
    ADD COLUMN window_id text,
    ADD CHECK ((feed_key IS NULL) = (window_id IS NULL));
CREATE UNIQUE INDEX silence_of_window ON silence (feed_key, window_id, matcher);
COMMENT ON COLUMN silence.window_id IS 'what the feed calls the planned window; one row for each thing or area it is about';
