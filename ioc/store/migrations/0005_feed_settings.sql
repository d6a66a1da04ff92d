-- What a feed may say of its payloads, its mappings in time, and how much of it is kept aside.

ALTER TABLE feed
    ADD COLUMN number_format    text NOT NULL DEFAULT 'plain'
        CHECK (number_format IN ('plain', 'vietnamese')),
    ADD COLUMN charset          text NOT NULL DEFAULT 'utf-8',
    ADD COLUMN most_series      integer NOT NULL DEFAULT 50000 CHECK (most_series >= 0),
    ADD COLUMN quarantine_bytes bigint NOT NULL DEFAULT 67108864 CHECK (quarantine_bytes >= 0),
    ADD COLUMN quarantine_age_s double precision NOT NULL DEFAULT 2592000
        CHECK (quarantine_age_s > 0);
COMMENT ON COLUMN feed.number_format IS 'vietnamese: 1.803,5 is 1803.5 where a value is a text';
COMMENT ON COLUMN feed.most_series IS 'series that the feed may make by itself';

CREATE TABLE mapping (
    feed_key       integer NOT NULL REFERENCES feed,
    version        integer NOT NULL CHECK (version > 0),
    effective_from timestamptz NOT NULL,
    document       jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     text NOT NULL,
    PRIMARY KEY (feed_key, version)
);
COMMENT ON TABLE mapping IS 'JMESPath mappings of feeds; the highest version in effect at receipt is used';
