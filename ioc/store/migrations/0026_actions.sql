-- What was done on a day to move a figure, and targets that another decision took the place of.

CREATE TABLE action (
    id         text PRIMARY KEY,
    unit_key   integer NOT NULL REFERENCES unit,
    validity   daterange NOT NULL CHECK (NOT isempty(validity) AND NOT lower_inf(validity)),
    kind       text NOT NULL,
    name       jsonb NOT NULL,
    document   text NOT NULL,
    indicators text[] NOT NULL CHECK (cardinality(indicators) > 0),
    sample     boolean NOT NULL DEFAULT false,
    changed_by text NOT NULL
);
COMMENT ON COLUMN action.indicators IS 'the ids of those on whose lines it is drawn';

-- A target that was replaced on its first day stays as history, and may overlap.
ALTER TABLE target ADD COLUMN replaced_at timestamptz;
ALTER TABLE target DROP CONSTRAINT target_int8range_int8range1_validity_excl;
ALTER TABLE target ADD CONSTRAINT target_one_at_a_time EXCLUDE USING gist (
    int8range(unit_key, unit_key, '[]') WITH =,
    int8range(hashtextextended(indicator_id, 0), hashtextextended(indicator_id, 0), '[]') WITH =,
    validity WITH &&) WHERE (replaced_at IS NULL);
