-- Events of dossiers, from which a state is folded anew, and the dated rules of their times.

CREATE TABLE dossier_event (
    feed_key   integer NOT NULL REFERENCES feed,
    code       text NOT NULL,
    key        text NOT NULL,
    at         timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    document   jsonb NOT NULL,
    stored_at  timestamptz NOT NULL,
    PRIMARY KEY (feed_key, code, key)
);
COMMENT ON TABLE dossier_event IS 'what happened to dossiers, the newest version of each; those without events are not here';
COMMENT ON COLUMN dossier_event.key IS 'what an event is known by; '''' is the newest whole state, on which events come';

CREATE TABLE dossier_timing (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    document jsonb NOT NULL
);
COMMENT ON TABLE dossier_timing IS 'supplement requests and closed portals, as the city says';
