-- Statistical forms as the city describes them.

CREATE TABLE form (
    id       text PRIMARY KEY,
    place    integer NOT NULL,
    document jsonb NOT NULL
);
COMMENT ON TABLE form IS 'forms that are filled from dossiers: columns by measure, rows by field and unit';
