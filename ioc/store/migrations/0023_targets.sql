-- Targets by the decision that assigns them; what people assign is not the city's to overwrite.

ALTER TABLE target
    ADD COLUMN decided_on      date,
    ADD COLUMN decided_by      integer REFERENCES unit,
    ADD COLUMN must_cascade_by date,
    ADD COLUMN changed_by      text NOT NULL DEFAULT 'city';
ALTER TABLE target ALTER COLUMN changed_by DROP DEFAULT;
ALTER TABLE target ADD EXCLUDE USING gist (
    int8range(unit_key, unit_key, '[]') WITH =, int8range(hashtextextended(indicator_id, 0), hashtextextended(indicator_id, 0), '[]') WITH =, validity WITH &&);
COMMENT ON COLUMN target.must_cascade_by IS 'by then the unit must have assigned targets to those below it';
