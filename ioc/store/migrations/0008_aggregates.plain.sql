-- Plain PostgreSQL keeps no aggregates: the same buckets are computed from the observations.
DROP VIEW observation_hour;
