-- Aggregates at 1 min, 15 min, 1 h and 1 day, each made of a finer one. Sum and count are kept, so
-- that a mean is computed at read. The refresh has no oldest time: what is late, corrected or
-- deleted marks its buckets, however old, and the next run of a policy computes those, in one go.
--
-- All buckets are of even width and counted from one midnight of the province. Buckets by the name
-- of a time zone would follow a change of the clock, but TimescaleDB (2.25) then leaves out what
-- was changed in the first quarter of an hour of a day.

DROP MATERIALIZED VIEW observation_hour;

CREATE FUNCTION make_observation_aggregates(zone text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    midnight timestamptz := timestamp '2024-01-01' AT TIME ZONE zone;
    level    record;
BEGIN
    -- First their jobs, which may be running: to wait for one with locks in hand is a deadlock.
    PERFORM delete_job(job_id) FROM timescaledb_information.jobs
      WHERE hypertable_name IN ('observation_minute', 'observation_quarter', 'observation_hour',
                                'observation_day');
    DROP MATERIALIZED VIEW IF EXISTS observation_day;
    DROP MATERIALIZED VIEW IF EXISTS observation_hour;
    DROP MATERIALIZED VIEW IF EXISTS observation_quarter;
    DROP MATERIALIZED VIEW IF EXISTS observation_minute;

    EXECUTE format($view$
        CREATE MATERIALIZED VIEW observation_minute
        WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
        SELECT series_id, time_bucket(INTERVAL '1 minute', phenomenon_time, origin => %L) AS start,
               sum(value) AS total, min(value) AS low, max(value) AS high, count(*) AS observed
          FROM observation GROUP BY 1, 2
        WITH NO DATA $view$, midnight);

    FOR level IN
        SELECT * FROM (VALUES ('observation_quarter', '15 minutes', 'observation_minute'),
                              ('observation_hour', '1 hour', 'observation_quarter'),
                              ('observation_day', '1 day', 'observation_hour'))
                      AS levels(name, width, finer)
    LOOP
        EXECUTE format($view$
            CREATE MATERIALIZED VIEW %I
            WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
            SELECT series_id, time_bucket(INTERVAL %L, start, origin => %L) AS start,
                   sum(total) AS total, min(low) AS low, max(high) AS high,
                   sum(observed)::bigint AS observed
              FROM %I GROUP BY 1, 2
            WITH NO DATA $view$, level.name, level.width, midnight, level.finer);
    END LOOP;

    PERFORM add_continuous_aggregate_policy(view, start_offset => NULL, end_offset => behind,
                                            schedule_interval => every, buckets_per_batch => 0)
      FROM (VALUES ('observation_minute'::regclass, INTERVAL '2 minutes', INTERVAL '1 minute'),
                   ('observation_quarter', INTERVAL '30 minutes', INTERVAL '5 minutes'),
                   ('observation_hour', INTERVAL '2 hours', INTERVAL '5 minutes'),
                   ('observation_day', INTERVAL '2 days', INTERVAL '5 minutes'))
           AS policy(view, behind, every);

    FOR level IN SELECT unnest(ARRAY['observation_minute', 'observation_quarter']) AS name LOOP
        EXECUTE format($columns$
            ALTER MATERIALIZED VIEW %I SET (timescaledb.compress,
                timescaledb.compress_segmentby = 'series_id',
                timescaledb.compress_orderby = 'start') $columns$, level.name);
        PERFORM add_compression_policy(level.name, INTERVAL '14 days');
    END LOOP;

    EXECUTE format('COMMENT ON VIEW observation_day IS %L', zone);
END $$;
COMMENT ON FUNCTION make_observation_aggregates IS
    'days begin at midnight of the zone, which stands in the comment of observation_day';

SELECT make_observation_aggregates((SELECT time_zone FROM identity));

-- Late data in many places is refreshed place by place, not from the oldest to the newest of them.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET timescaledb.materializations_per_refresh_window = 1000',
                   current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not the owner of this database: late data make the refresh of aggregates slower';
END $$;
