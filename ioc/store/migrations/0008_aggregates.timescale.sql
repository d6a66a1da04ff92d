-- Aggregates at 1 min, 15 min, 1 h and 1 day, each made of a finer one. Sum and count are kept, so
-- that a mean is computed at read. The refresh has no oldest time: what is late, corrected or
-- deleted marks its buckets, however old, and the next run of a policy computes those, in one go

DROP MATERIALIZED VIEW observation_hour;

CREATE MATERIALIZED VIEW observation_minute
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT series_id, time_bucket(INTERVAL '1 minute', phenomenon_time) AS start,
       sum(value) AS total, min(value) AS low, max(value) AS high, count(*) AS observed
  FROM observation GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW observation_quarter
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT series_id, time_bucket(INTERVAL '15 minutes', start) AS start,
       sum(total) AS total, min(low) AS low, max(high) AS high, sum(observed)::bigint AS observed
  FROM observation_minute GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW observation_hour
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT series_id, time_bucket(INTERVAL '1 hour', start) AS start,
       sum(total) AS total, min(low) AS low, max(high) AS high, sum(observed)::bigint AS observed
  FROM observation_quarter GROUP BY 1, 2
WITH NO DATA;

SELECT add_continuous_aggregate_policy(view, start_offset => NULL, end_offset => behind,
                                       schedule_interval => every, buckets_per_batch => 0)
  FROM (VALUES ('observation_minute'::regclass, INTERVAL '2 minutes', INTERVAL '1 minute'),
               ('observation_quarter', INTERVAL '30 minutes', INTERVAL '5 minutes'),
               ('observation_hour', INTERVAL '2 hours', INTERVAL '5 minutes'))
       AS policy(view, behind, every);

-- Quarters of an hour make up the days of every zone, hours do not (+05:30, +05:45).
CREATE FUNCTION make_observation_day(zone text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP MATERIALIZED VIEW IF EXISTS observation_day;
    EXECUTE format($view$
        CREATE MATERIALIZED VIEW observation_day
        WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
        SELECT series_id, time_bucket(INTERVAL '1 day', start, %L) AS start,
               sum(total) AS total, min(low) AS low, max(high) AS high,
               sum(observed)::bigint AS observed
          FROM observation_quarter GROUP BY 1, 2
        WITH NO DATA $view$, zone);
    PERFORM add_continuous_aggregate_policy('observation_day', start_offset => NULL,
        end_offset => INTERVAL '2 days', schedule_interval => INTERVAL '5 minutes', buckets_per_batch => 0);
END $$;
COMMENT ON FUNCTION make_observation_day IS 'days begin at midnight of the zone: made anew for another one';

SELECT make_observation_day((SELECT time_zone FROM identity));

ALTER MATERIALIZED VIEW observation_minute SET (timescaledb.compress,
    timescaledb.compress_segmentby = 'series_id', timescaledb.compress_orderby = 'start');
ALTER MATERIALIZED VIEW observation_quarter SET (timescaledb.compress,
    timescaledb.compress_segmentby = 'series_id', timescaledb.compress_orderby = 'start');
SELECT add_compression_policy('observation_minute', INTERVAL '14 days');
SELECT add_compression_policy('observation_quarter', INTERVAL '14 days');

-- Late data in many places is refreshed place by place, not from the oldest to the newest of them.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET timescaledb.materializations_per_refresh_window = 1000',
                   current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not the owner of this database: late data make the refresh of aggregates slower';
END $$;
