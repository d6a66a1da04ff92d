-- Observations on plain PostgreSQL: one partition per week, made on demand by the writer.

CREATE TABLE observation (
    series_id       integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    value           double precision NOT NULL,
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (series_id, phenomenon_time)
) PARTITION BY RANGE (phenomenon_time);

CREATE TABLE observation_text (
    series_id       integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    value           text NOT NULL,
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (series_id, phenomenon_time)
);
