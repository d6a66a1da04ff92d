-- How the store is laid out and how long observations are kept, as the city says.

CREATE TABLE store_plan (
    one                  boolean PRIMARY KEY DEFAULT true CHECK (one),
    observations_per_day double precision NOT NULL DEFAULT 1000000 CHECK (observations_per_day > 0),
    compress_after_s     double precision NOT NULL DEFAULT 1209600 CHECK (compress_after_s > 0)
);
COMMENT ON COLUMN store_plan.observations_per_day IS 'expected; a chunk holds as many as fit in memory with their index';
INSERT INTO store_plan DEFAULT VALUES;

CREATE TABLE retention (
    domain  text PRIMARY KEY,
    keep_s  double precision NOT NULL CHECK (keep_s > 0)
);
COMMENT ON TABLE retention IS 'age at which observations of a domain are deleted; a domain that is absent is kept for ever';
