-- Incidents: where each stands, what was done, its checklist, files and caller; and shifts.

CREATE TABLE incident_plan (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    document jsonb NOT NULL
);
COMMENT ON TABLE incident_plan IS 'categories with deadlines, checklists and escalation, as the city says';

CREATE TABLE incident_number (
    year integer PRIMARY KEY,
    last integer NOT NULL
);
COMMENT ON TABLE incident_number IS 'the last number of a year that an incident has in its code';

CREATE TABLE incident (
    incident_id        uuid PRIMARY KEY,
    code               text NOT NULL UNIQUE,
    category           text NOT NULL,
    title              text NOT NULL,
    description        text NOT NULL,
    origin             text NOT NULL CHECK (origin IN ('call', 'camera', 'commune', 'alert', 'ticket', 'other')),
    exercise           boolean NOT NULL,
    state              text NOT NULL CHECK (state IN ('open', 'assigned', 'in_progress', 'resolved', 'closed', 'reopened')),
    result             text CHECK (result IN ('handled', 'false_alarm', 'no_action', 'transferred', 'exercise')),
    outcome            text NOT NULL,
    lead_key           integer NOT NULL REFERENCES unit,
    unit_keys          integer[] NOT NULL,
    assignee           text,
    keeper             text NOT NULL,
    level              integer NOT NULL CHECK (level BETWEEN 0 AND 3),
    level_at           timestamptz NOT NULL,
    rung               integer NOT NULL,
    timed              boolean NOT NULL,
    feature            text,
    place_name         text NOT NULL,
    place_unit_key     integer REFERENCES unit,
    longitude          double precision,
    latitude           double precision,
    opened_at          timestamptz NOT NULL,
    opened_by          text NOT NULL,
    since              timestamptz NOT NULL,
    acknowledged_at    timestamptz,
    assigned_at        timestamptz,
    resolved_at        timestamptz,
    closed_at          timestamptz,
    changed_at         timestamptz NOT NULL,
    acknowledge_due_at timestamptz NOT NULL,
    assign_due_at      timestamptz NOT NULL,
    due_at             timestamptz NOT NULL,
    reopened           integer NOT NULL,
    checklist_version  integer NOT NULL,
    entries            integer NOT NULL,
    version            integer NOT NULL,
    words              tsvector NOT NULL,
    CHECK ((longitude IS NULL) = (latitude IS NULL)),
    CHECK ((result IS NULL) = (resolved_at IS NULL)),
    CHECK (state <> 'closed' OR (result IS NOT NULL AND assignee IS NOT NULL)),
    CHECK (exercise OR result <> 'exercise')
);
CREATE INDEX ON incident (opened_at DESC, incident_id DESC);
CREATE INDEX ON incident (state, opened_at DESC, incident_id DESC);
CREATE INDEX ON incident (category, opened_at DESC, incident_id DESC);
CREATE INDEX incident_in_hand ON incident (due_at) WHERE resolved_at IS NULL;
CREATE INDEX incident_not_closed ON incident (incident_id) WHERE closed_at IS NULL;
CREATE INDEX ON incident USING gin (unit_keys);
CREATE INDEX ON incident USING gin (words);
COMMENT ON TABLE incident IS 'incidents as they stand now; nothing here names who called';
COMMENT ON COLUMN incident.unit_keys IS 'the lead unit first, then those that support';
COMMENT ON COLUMN incident.words IS 'what is searched: code, title, description and place without marks';
COMMENT ON COLUMN incident.rung IS 'the highest level reached by time since it was opened last';

CREATE TABLE incident_log (
    log_offset   bigint PRIMARY KEY,
    incident_id  uuid NOT NULL REFERENCES incident,
    at           timestamptz NOT NULL,
    change       text NOT NULL,
    actor        text NOT NULL,
    comment      text NOT NULL,
    detail       jsonb NOT NULL,
    version      integer NOT NULL,
    verb         text NOT NULL CHECK (verb IN ('add', 'update', 'remove')),
    units        text[] NOT NULL,
    units_before text[] NOT NULL,
    item         bytea NOT NULL
);
CREATE INDEX ON incident_log (incident_id, log_offset);
CREATE INDEX ON incident_log (at);
COMMENT ON TABLE incident_log IS 'every change of every incident; offsets follow the order of commits';
COMMENT ON COLUMN incident_log.units_before IS 'who saw it before the change: they are told that it is gone';
COMMENT ON COLUMN incident_log.item IS 'the incident as it was sent to clients, JSON';

CREATE TABLE incident_step (
    incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
    step        text NOT NULL,
    place       integer NOT NULL,
    name_vi     text NOT NULL,
    name_en     text NOT NULL,
    required    boolean NOT NULL,
    done_at     timestamptz,
    done_by     text,
    note        text NOT NULL DEFAULT '',
    PRIMARY KEY (incident_id, step),
    CHECK ((done_at IS NULL) = (done_by IS NULL))
);
COMMENT ON TABLE incident_step IS 'the checklist of each incident as its category had it at that time';

CREATE TABLE incident_alert (
    alert_id    uuid PRIMARY KEY REFERENCES alert,
    incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
    joined_at   timestamptz NOT NULL
);
CREATE INDEX ON incident_alert (incident_id);

CREATE TABLE incident_ticket (
    ticket_id   uuid PRIMARY KEY REFERENCES ticket,
    incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
    joined_at   timestamptz NOT NULL
);
CREATE INDEX ON incident_ticket (incident_id);

CREATE TABLE incident_contact (
    incident_id uuid PRIMARY KEY REFERENCES incident ON DELETE CASCADE,
    name        text NOT NULL,
    phone       text NOT NULL,
    taken_by    text NOT NULL,
    stored_at   timestamptz NOT NULL
);
COMMENT ON TABLE incident_contact IS 'who called; whole for who took the call, masked for others, every look audited';

CREATE TABLE incident_file (
    file_id     uuid PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
    name        text NOT NULL,
    media_type  text NOT NULL,
    size        integer NOT NULL,
    sha256      text NOT NULL,
    added_at    timestamptz NOT NULL,
    added_by    text NOT NULL,
    UNIQUE (incident_id, sha256)
);

CREATE TABLE incident_file_part (
    file_id uuid NOT NULL REFERENCES incident_file ON DELETE CASCADE,
    place   integer NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (file_id, place)
);
COMMENT ON TABLE incident_file_part IS 'files in parts, so that none is ever held whole by a query';

CREATE TABLE shift (
    shift_id uuid PRIMARY KEY,
    began_at timestamptz NOT NULL,
    began_by text NOT NULL,
    on_duty  text[] NOT NULL CHECK (cardinality(on_duty) > 0),
    note     text NOT NULL,
    ended_at timestamptz,
    ended_by text,
    summary  text NOT NULL DEFAULT '',
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX shift_one_running ON shift ((true)) WHERE ended_at IS NULL;
CREATE INDEX ON shift (began_at DESC);
COMMENT ON TABLE shift IS 'who was on duty from when until when; one shift runs at a time';

CREATE TABLE shift_handover (
    shift_id    uuid NOT NULL REFERENCES shift ON DELETE CASCADE,
    incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
    keeper      text NOT NULL,
    note        text NOT NULL,
    state       text NOT NULL,
    due_at      timestamptz NOT NULL,
    PRIMARY KEY (shift_id, incident_id)
);
COMMENT ON TABLE shift_handover IS 'incidents that were not closed when a shift ended, as they stood, and who took them';
