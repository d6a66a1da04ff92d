-- Citizens' tickets: where each stands, what was done, and who reported, which is kept apart.

CREATE TABLE ticket_plan (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    document jsonb NOT NULL
);
COMMENT ON TABLE ticket_plan IS 'categories, terms of petitions and retention, as the city says';

CREATE TABLE ticket (
    ticket_id      uuid PRIMARY KEY,
    feed_key       integer NOT NULL REFERENCES feed,
    code           text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('petition', 'field_report')),
    category       text NOT NULL,
    about          text CHECK (about IN ('rules', 'staff')),
    state          text NOT NULL,
    outcome        text CHECK (outcome IN ('solved', 'false_report', 'out_of_scope', 'duplicate', 'withdrawn')),
    unit_key       integer REFERENCES unit,
    lead_key       integer NOT NULL REFERENCES unit,
    received_at    timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    wanted_due_at  timestamptz,
    resumes        text,
    asked_at       timestamptz,
    first_asked_at timestamptz,
    supplements    integer NOT NULL CHECK (supplements >= 0),
    ended_at       timestamptz,
    published_at   timestamptz,
    rated_at       timestamptz,
    rating         integer CHECK (rating BETWEEN 1 AND 5),
    satisfied      boolean,
    reopened       integer NOT NULL CHECK (reopened >= 0),
    result         text NOT NULL,
    version        integer NOT NULL,
    judged_due_at  timestamptz NOT NULL,
    always_late    boolean NOT NULL,
    description    text NOT NULL,
    address        text NOT NULL,
    longitude      double precision,
    latitude       double precision,
    media_url      text NOT NULL,
    run_here       boolean NOT NULL,
    told_at        timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    stored_at      timestamptz NOT NULL,
    UNIQUE (feed_key, code),
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK ((longitude IS NULL) = (latitude IS NULL))
);
CREATE INDEX ON ticket (received_at DESC, ticket_id DESC);
CREATE INDEX ON ticket (unit_key, received_at DESC);
CREATE INDEX ON ticket (ended_at);
CREATE INDEX ON ticket (due_at) WHERE ended_at IS NULL;
CREATE INDEX ON ticket (rated_at) WHERE rated_at IS NOT NULL;
COMMENT ON TABLE ticket IS 'feedback of citizens as it stands now; nothing here names who reported';
COMMENT ON COLUMN ticket.lead_key IS 'the unit that answers for it while none is assigned';
COMMENT ON COLUMN ticket.judged_due_at IS 'the deadline that decides whether it was in time';
COMMENT ON COLUMN ticket.always_late IS 'late whenever it ends: supplements were asked for too often';
COMMENT ON COLUMN ticket.run_here IS 'moved by people here, so that the sender changes its words only';
COMMENT ON COLUMN ticket.told_at IS 'as of when the sender last said how it stands';

CREATE TABLE ticket_transition (
    ticket_id  uuid NOT NULL REFERENCES ticket ON DELETE CASCADE,
    version    integer NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    move       text NOT NULL,
    from_state text,
    to_state   text NOT NULL,
    reason     text NOT NULL,
    unit_key   integer REFERENCES unit,
    due_at     timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
COMMENT ON TABLE ticket_transition IS 'what was done with tickets: who, when, why';

CREATE TABLE ticket_contact (
    ticket_id uuid PRIMARY KEY REFERENCES ticket ON DELETE CASCADE,
    name      text NOT NULL,
    phone     text NOT NULL,
    email     text NOT NULL,
    stored_at timestamptz NOT NULL
);
COMMENT ON TABLE ticket_contact IS 'who reported; read with a permission of its own, every read audited';

ALTER TABLE quarantine DROP CONSTRAINT quarantine_kind_check;
ALTER TABLE quarantine ADD CONSTRAINT quarantine_kind_check
    CHECK (kind IN ('observations', 'dossiers', 'reports', 'tickets'));
