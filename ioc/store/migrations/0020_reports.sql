-- Figures that agencies hand in: cycles, measures, obligations, reports and all their versions.

CREATE TABLE cycle (
    id       text PRIMARY KEY,
    document jsonb NOT NULL
);
COMMENT ON TABLE cycle IS 'how time is cut into periods, beside the cycles of the calendar';

CREATE TABLE measure (
    id       text PRIMARY KEY,
    place    integer NOT NULL,
    document jsonb NOT NULL
);
COMMENT ON TABLE measure IS 'named counts that agencies hand in';

CREATE TABLE obligation (
    id       text PRIMARY KEY,
    place    integer NOT NULL,
    document jsonb NOT NULL
);
COMMENT ON TABLE obligation IS 'who hands in which group of measures, and by when';

CREATE TABLE report (
    report_id        uuid PRIMARY KEY,
    feed_key         integer NOT NULL REFERENCES feed,
    measure_id       text NOT NULL REFERENCES measure,
    unit_key         integer NOT NULL REFERENCES unit,
    period_text      text NOT NULL,
    period           daterange NOT NULL CHECK (NOT isempty(period)),
    version          integer NOT NULL,
    state            text NOT NULL CHECK (state IN ('draft', 'submitted', 'approved', 'closed')),
    value            double precision,
    bound            text NOT NULL CHECK (bound IN ('=', '>=', '<=', '~')),
    printed_value    double precision,
    printed_decimals integer,
    numerator        double precision CHECK (numerator >= 0),
    denominator      double precision CHECK (denominator >= 0),
    rank             integer CHECK (rank >= 1),
    of               integer CHECK (of >= 1),
    movement         integer,
    nothing_occurred boolean NOT NULL,
    document         text NOT NULL,
    flags            text[] NOT NULL,
    changed_at       timestamptz NOT NULL,
    submitted_at     timestamptz,
    stored_at        timestamptz NOT NULL,
    UNIQUE (measure_id, unit_key, period)
);
CREATE INDEX ON report (unit_key, measure_id);
CREATE INDEX ON report USING gist (period);
COMMENT ON TABLE report IS 'one figure of a measure, unit and period as it stands now';
COMMENT ON COLUMN report.submitted_at IS 'when it was first handed in, which decides whether late';

CREATE TABLE report_version (
    report_id uuid NOT NULL REFERENCES report,
    version   integer NOT NULL,
    at        timestamptz NOT NULL,
    actor     text NOT NULL,
    change    text NOT NULL
        CHECK (change IN ('handed_in', 'corrected', 'approved', 'closed', 'reopened')),
    reason    text NOT NULL,
    document  jsonb NOT NULL,
    PRIMARY KEY (report_id, version)
);
COMMENT ON TABLE report_version IS 'every version of every report: who, when, why; only added to';

ALTER TABLE quarantine DROP CONSTRAINT quarantine_kind_check;
ALTER TABLE quarantine ADD CONSTRAINT quarantine_kind_check
    CHECK (kind IN ('observations', 'dossiers', 'reports'));
