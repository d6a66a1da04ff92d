-- Calls that the control room makes, what it writes into the log of a shift, and more sources.

ALTER TABLE incident DROP CONSTRAINT incident_origin_check;
ALTER TABLE incident ADD CONSTRAINT incident_origin_check
    CHECK (origin IN ('call', '112', '113', '114', '115', '1022', 'camera', 'commune', 'alert', 'ticket', 'other'));
COMMENT ON COLUMN incident.origin IS 'a number is the line on which the call came';

CREATE TABLE call (
    call_id     uuid PRIMARY KEY,
    at          timestamptz NOT NULL,
    made_by     text NOT NULL,
    person      text NOT NULL,
    phone       text NOT NULL,
    unit_key    integer REFERENCES unit,
    result      text NOT NULL CHECK (result IN ('reached', 'no_answer', 'busy', 'wrong_number', 'message_left')),
    note        text NOT NULL,
    alert_id    uuid REFERENCES alert,
    incident_id uuid REFERENCES incident ON DELETE CASCADE
);
CREATE INDEX ON call (at DESC, call_id DESC);
CREATE INDEX ON call (alert_id) WHERE alert_id IS NOT NULL;
CREATE INDEX ON call (incident_id) WHERE incident_id IS NOT NULL;
COMMENT ON TABLE call IS 'whom the control room called, when, about what, and what came of it';

CREATE TABLE shift_entry (
    entry_id uuid PRIMARY KEY,
    shift_id uuid NOT NULL REFERENCES shift ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    actor    text NOT NULL,
    text     text NOT NULL
);
CREATE INDEX ON shift_entry (shift_id, at);
COMMENT ON TABLE shift_entry IS 'what those on duty wrote into the log of a shift';
