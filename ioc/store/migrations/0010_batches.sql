-- What one process stored, for the others: serve and engine follow it. Ids are dense and in the
-- order of commits, because the row that counts them stays locked until the commit. A crash of the
-- database empties the unlogged table; who follows finds a gap then and reads the store anew.
CREATE UNLOGGED TABLE batch (
    batch_id     bigint PRIMARY KEY,
    committed_at timestamptz NOT NULL,
    content      bytea NOT NULL
);
ALTER TABLE batch ALTER content SET STORAGE EXTERNAL; -- it is compressed already
CREATE INDEX ON batch (committed_at);
COMMENT ON TABLE batch IS 'flushes of the last minutes, for processes that show or judge them';

CREATE TABLE batch_counter (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    newest   bigint NOT NULL
);
INSERT INTO batch_counter (newest) VALUES (0);
