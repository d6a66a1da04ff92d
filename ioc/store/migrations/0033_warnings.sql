-- Warnings of others: CAP messages as they came in, and bulletins that were typed in.

CREATE TABLE warning (
    warning_id   uuid PRIMARY KEY,
    feed_key     integer REFERENCES feed,
    sender       text NOT NULL,
    identifier   text NOT NULL,
    sent         timestamptz NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('Alert', 'Update', 'Cancel')),
    lineage      text NOT NULL,
    ends         timestamptz NOT NULL,
    signature    text NOT NULL CHECK (signature IN ('verified', 'unverified', 'absent')),
    document     jsonb NOT NULL,
    payload      bytea,
    received_at  timestamptz NOT NULL,
    received_by  text NOT NULL
);
CREATE UNIQUE INDEX warning_once ON warning (COALESCE(feed_key, 0), sender, identifier);
CREATE INDEX warning_standing ON warning (ends) WHERE kind <> 'Cancel';
COMMENT ON TABLE warning IS 'messages that warn, each once; those that a later one of the same sender names are over';
COMMENT ON COLUMN warning.feed_key IS 'none where it was typed in';
COMMENT ON COLUMN warning.lineage IS 'the first message that it goes back to: sender,identifier';
COMMENT ON COLUMN warning.payload IS 'as it came in';

CREATE TABLE warning_reference (
    warning_id  uuid NOT NULL REFERENCES warning ON DELETE CASCADE,
    sender      text NOT NULL,
    identifier  text NOT NULL,
    PRIMARY KEY (sender, identifier, warning_id)
);
COMMENT ON TABLE warning_reference IS 'the messages that a later one takes the place of';

CREATE TABLE warning_bulletin (
    warning_id   uuid PRIMARY KEY REFERENCES warning ON DELETE CASCADE,
    content      bytea NOT NULL,
    attached_by  text NOT NULL,
    attached_at  timestamptz NOT NULL
);
COMMENT ON TABLE warning_bulletin IS 'the PDF that a warning was typed in from';

ALTER TABLE alert ADD COLUMN about jsonb;
COMMENT ON COLUMN alert.about IS 'what an alert of a warning says: title, reason, place, level';

ALTER TABLE quarantine DROP CONSTRAINT quarantine_kind_check;
ALTER TABLE quarantine ADD CONSTRAINT quarantine_kind_check
    CHECK (kind IN ('observations', 'dossiers', 'reports', 'tickets', 'warnings'));
