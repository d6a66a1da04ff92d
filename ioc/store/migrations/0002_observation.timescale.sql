-- Observations on TimescaleDB: hypertables, columnstore compression, hourly aggregate.

CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE observation (
    series_id       integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    value           double precision NOT NULL,
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (series_id, phenomenon_time)
);
SELECT create_hypertable('observation', 'phenomenon_time', chunk_time_interval => INTERVAL '7 days');

CREATE TABLE observation_text (
    series_id       integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    value           text NOT NULL,
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (series_id, phenomenon_time)
);
SELECT create_hypertable('observation_text', 'phenomenon_time', chunk_time_interval => INTERVAL '7 days');

ALTER TABLE observation SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'series_id',
    timescaledb.compress_orderby = 'phenomenon_time DESC'
);
SELECT add_compression_policy('observation', INTERVAL '14 days');
