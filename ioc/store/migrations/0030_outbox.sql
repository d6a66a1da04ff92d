-- Who is told of alerts: routes and roster as the city has them, and what is to be sent.

CREATE TABLE notify_plan (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    plan     jsonb NOT NULL,
    roster   jsonb NOT NULL
);
COMMENT ON TABLE notify_plan IS 'routes, channels, people and shifts; secrets are only named';

CREATE TABLE outbox (
    outbox_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id   uuid REFERENCES alert,
    stage      text NOT NULL,
    person     text NOT NULL,
    channel    text NOT NULL,
    reason     text NOT NULL,
    held       text,
    message    jsonb NOT NULL,
    state      text NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped', 'withheld', 'dead')),
    due_at     timestamptz NOT NULL,
    next_at    timestamptz NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    detail     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    settled_at timestamptz,
    UNIQUE (alert_id, stage, person, channel),
    CHECK ((state = 'waiting') = (settled_at IS NULL))
);
CREATE INDEX outbox_waiting ON outbox (channel, next_at) WHERE state = 'waiting';
CREATE INDEX outbox_listed ON outbox (state, outbox_id DESC);
CREATE INDEX outbox_due ON outbox (due_at);
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;
COMMENT ON TABLE outbox IS 'what people are told, stored with its cause before it is sent; of each alert, stage, person and channel once';
COMMENT ON COLUMN outbox.due_at IS 'when it may be sent by quiet hours and rate limit; next_at is when it is tried next';
COMMENT ON COLUMN outbox.held IS 'why it is sent later, dropped or withheld';
