-- Incidents tell their lead unit through the outbox, too.

ALTER TABLE outbox ADD COLUMN incident_id uuid REFERENCES incident;
CREATE UNIQUE INDEX outbox_of_incident ON outbox (incident_id, stage, person, channel)
    WHERE incident_id IS NOT NULL;
