-- Texts are compressed as numbers are, and at the same age.
ALTER TABLE observation_text SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'series_id',
    timescaledb.compress_orderby = 'phenomenon_time DESC'
);
SELECT add_compression_policy('observation_text', make_interval(secs => compress_after_s))
  FROM store_plan;
