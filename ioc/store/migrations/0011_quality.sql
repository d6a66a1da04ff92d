-- Limits of plausibility, flags of implausible values, and the daily score of every feed.

CREATE TABLE property_limit (
    property text PRIMARY KEY,
    uom      text,
    low      double precision,
    high     double precision,
    rate     double precision CHECK (rate > 0),
    flat_s   double precision CHECK (flat_s > 0),
    CHECK (low < high)
);
COMMENT ON COLUMN property_limit.rate IS 'greatest plausible change per minute';
COMMENT ON COLUMN property_limit.flat_s IS 'seconds for which the very same value may be reported';

CREATE TABLE observation_flag (
    series_id       integer NOT NULL,
    phenomenon_time timestamptz NOT NULL,
    flags           smallint NOT NULL CHECK (flags BETWEEN 1 AND 7),
    received_at     timestamptz NOT NULL,
    PRIMARY KEY (series_id, phenomenon_time)
);
CREATE INDEX ON observation_flag (received_at);
COMMENT ON TABLE observation_flag IS 'observations that are stored and suspect; all others have no row';
COMMENT ON COLUMN observation_flag.flags IS '1 out of range, 2 changed too fast, 4 unchanged for too long';

CREATE TABLE value_run (
    series_id integer PRIMARY KEY,
    value     double precision NOT NULL,
    since     timestamptz NOT NULL
);
COMMENT ON TABLE value_run IS 'since when the newest value has been the same, kept over restarts';

CREATE TABLE quality_dirty (
    feed_key integer NOT NULL REFERENCES feed,
    day      date NOT NULL,
    taken    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (feed_key, day)
);
COMMENT ON TABLE quality_dirty IS 'days that are over and were changed by late data or corrections';

CREATE TABLE quality_day (
    feed_key    integer NOT NULL REFERENCES feed,
    day         date NOT NULL,
    version     smallint NOT NULL,
    "right"     bigint NOT NULL,
    right_of    bigint NOT NULL,
    complete    bigint,
    complete_of bigint,
    clean       bigint NOT NULL,
    clean_of    bigint NOT NULL,
    live        bigint,
    live_of     bigint,
    closed      boolean NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (feed_key, day),
    CHECK ((complete IS NULL) = (complete_of IS NULL)),
    CHECK ((live IS NULL) = (live_of IS NULL))
);
CREATE INDEX ON quality_day (day);
COMMENT ON TABLE quality_day IS 'the four words of a feed and a day of the province: numerators and denominators';
COMMENT ON COLUMN quality_day.closed IS 'counted after the day was over; only late data reopens it';
