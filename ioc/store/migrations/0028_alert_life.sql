-- The whole life of an alert: shelving, assignment, why it is quiet, its matter, versions.

ALTER TABLE alert
    ADD COLUMN subject        text,
    ADD COLUMN clearing_since timestamptz,
    ADD COLUMN version        integer NOT NULL DEFAULT 1,
    ADD COLUMN assignee       text,
    ADD COLUMN shelved_until  timestamptz,
    ADD COLUMN shelved_by     text,
    ADD COLUMN shelved_why    text,
    ADD COLUMN muted          jsonb,
    ADD COLUMN matter         uuid,
    ADD COLUMN matter_reason  text,
    ADD COLUMN flapping       boolean NOT NULL DEFAULT false,
    ADD COLUMN noted          boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN alert.subject IS 'feature, zone, tag or figure that it is about, where that is neither series nor feed';
COMMENT ON COLUMN alert.clearing_since IS 'since when it has been clear while it still stands';
COMMENT ON COLUMN alert.version IS 'rises with each change; a move that saw another one is refused';
COMMENT ON COLUMN alert.muted IS 'why it is kept quiet: cause, by, why, until';
COMMENT ON COLUMN alert.noted IS 'found afterwards in data that came late; it never was about now';

-- What began of late: floods, flapping, and the list of what is past.
CREATE INDEX alert_begun ON alert (active_since DESC) WHERE active_since IS NOT NULL;
CREATE INDEX alert_of_fingerprint ON alert (fingerprint, active_since DESC);

CREATE TABLE silence (
    silence_id  uuid PRIMARY KEY,
    matcher     jsonb NOT NULL,
    validity    tstzrange NOT NULL CHECK (NOT isempty(validity) AND NOT upper_inf(validity)),
    why         text NOT NULL CHECK (why <> ''),
    plan        text,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_by    text,
    ended_at    timestamptz
);
CREATE INDEX ON silence USING gist (validity);
COMMENT ON TABLE silence IS 'times in which some alerts are expected: maintenance, planned power cuts, road works';

CREATE TABLE inhibition (
    id        text PRIMARY KEY,
    document  jsonb NOT NULL
);
COMMENT ON TABLE inhibition IS 'causes that explain other alerts';
