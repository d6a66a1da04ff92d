-- What is held back knows where it was fetched: two sources may bring to one feed.
ALTER TABLE quarantine ADD COLUMN source text;
COMMENT ON COLUMN quarantine.source IS
    'id of the source and its URL without query, of what was fetched; a topic stands in topic_key';
