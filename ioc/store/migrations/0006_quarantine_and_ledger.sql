-- What is held back can be repaired and replayed; the ledger knows bytes, lag and what was let go.

ALTER TABLE ledger
    ADD COLUMN bytes    bigint NOT NULL DEFAULT 0,
    ADD COLUMN replayed bigint NOT NULL DEFAULT 0,
    ADD COLUMN dropped  bigint NOT NULL DEFAULT 0,
    ADD COLUMN lag      integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN lag_max  double precision;
COMMENT ON COLUMN ledger.bytes IS 'of payloads, decompressed';
COMMENT ON COLUMN ledger.replayed IS 'of those received: how many came again out of quarantine';
COMMENT ON COLUMN ledger.dropped IS 'let go from quarantine without a replay; outside the sum';
COMMENT ON COLUMN ledger.lag IS 'rows by lag, received_at - phenomenon_time; buckets: ioc/store/lag.py';
COMMENT ON COLUMN ledger.lag_max IS 'seconds; null where no row was taken';

ALTER TABLE quarantine
    ADD COLUMN kind        text NOT NULL DEFAULT 'observations'
        CHECK (kind IN ('observations', 'dossiers')),
    ADD COLUMN topic_key   text,
    ADD COLUMN bytes       integer NOT NULL DEFAULT 0,
    ADD COLUMN digest      bytea,
    ADD COLUMN original    bytea,
    ADD COLUMN edition    integer NOT NULL DEFAULT 0,
    ADD COLUMN repaired_at timestamptz,
    ADD COLUMN repaired_by text,
    ADD COLUMN attempts    integer NOT NULL DEFAULT 0,
    ADD COLUMN dropped_at  timestamptz,
    ADD COLUMN dropped_by  text;
COMMENT ON COLUMN quarantine.bytes IS 'as sent, also where the content is not kept';
COMMENT ON COLUMN quarantine.digest IS 'SHA-256 of what is not kept because it may be about a person';
COMMENT ON COLUMN quarantine.original IS 'as sent, where payload is a repair of it';
COMMENT ON COLUMN quarantine.edition IS 'counts repairs, so that a replay takes what it read';

UPDATE quarantine SET bytes = octet_length(payload);
UPDATE quarantine
   SET kind = 'dossiers', reason = 'personal_data', digest = sha256(payload), payload = ''
 WHERE detail LIKE 'unknown fields: %' OR detail LIKE 'not a JSON array of dossiers%'
    OR detail = 'a dossier is an object';

CREATE TABLE quarantine_held (
    feed_key integer PRIMARY KEY REFERENCES feed,
    items    bigint NOT NULL,
    bytes    bigint NOT NULL
);
COMMENT ON TABLE quarantine_held IS
    'what the quarantine of a feed holds; its row is locked by whoever changes that quarantine';
INSERT INTO quarantine_held
SELECT feed_key, count(*), sum(octet_length(payload) + 500)
  FROM quarantine GROUP BY feed_key;
