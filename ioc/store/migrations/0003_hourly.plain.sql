-- The same hourly aggregate as on TimescaleDB, computed when it is read.
CREATE VIEW observation_hour AS
SELECT series_id,
       date_trunc('hour', phenomenon_time, 'UTC') AS hour,
       sum(value) AS total, min(value) AS low, max(value) AS high, count(*) AS observed
  FROM observation
 GROUP BY series_id, date_trunc('hour', phenomenon_time, 'UTC');
