-- ioc: no-transaction
CREATE MATERIALIZED VIEW observation_hour
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT series_id,
       time_bucket(INTERVAL '1 hour', phenomenon_time) AS hour,
       sum(value) AS total, min(value) AS low, max(value) AS high, count(*) AS observed
  FROM observation
 GROUP BY series_id, hour
WITH NO DATA;
