-- Sources that fetch for feeds, where each got to, and the log of every exchange with the outside.

CREATE TABLE source (
    source_key  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9.-]{1,64}$'),
    feed_key    integer NOT NULL REFERENCES feed,
    document    jsonb NOT NULL,
    enabled     boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL,
    next_at     timestamptz NOT NULL,
    progress    jsonb NOT NULL DEFAULT '{}',
    failures    integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    ran_at      timestamptz,
    outcome     text CHECK (outcome IN ('ok', 'unchanged', 'refused', 'failed')),
    detail      text NOT NULL DEFAULT ''
);
CREATE INDEX ON source (next_at) WHERE enabled;
COMMENT ON COLUMN source.document IS 'what it is told; names secrets and never holds one';
COMMENT ON COLUMN source.changed_by IS 'city, or the person who changed it in the product';
COMMENT ON COLUMN source.progress IS 'ETag, cursor, what was sent: moved on after a commit or a 2xx only';
COMMENT ON COLUMN source.failures IS 'runs in a row that failed';

CREATE TABLE exchange (
    exchange_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_key  integer NOT NULL REFERENCES source,
    at          timestamptz NOT NULL,
    direction   text NOT NULL CHECK (direction IN ('pull', 'push', 'token', 'probe')),
    method      text NOT NULL,
    url         text NOT NULL,
    status      integer,
    bytes       bigint NOT NULL,
    duration_s  double precision NOT NULL,
    row_count   bigint,
    outcome     text NOT NULL CHECK (outcome IN ('ok', 'unchanged', 'refused', 'failed')),
    detail      text NOT NULL
);
CREATE INDEX ON exchange (source_key, exchange_id);
CREATE INDEX ON exchange (at);
COMMENT ON TABLE exchange IS 'bounded by age and by number per source, the oldest out first';
COMMENT ON COLUMN exchange.url IS 'without secrets';
