-- Why alerts tell nobody anew, as it was decided last.

CREATE TABLE untold (
    alert_id uuid PRIMARY KEY REFERENCES alert ON DELETE CASCADE,
    reason   text NOT NULL,
    at       timestamptz NOT NULL
);
COMMENT ON TABLE untold IS 'why an alert tells nobody anew, and since when; alerts that tell somebody have no row';
