-- The last flush of each writer, committed with it: what a lost connection leaves open is read here.

CREATE TABLE flush_mark (
    writer     uuid PRIMARY KEY,
    flush      bigint NOT NULL,
    flushed_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE flush_mark IS 'numbers are of the process; a row is locked by a flush until its outcome is sure';
