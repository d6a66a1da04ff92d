-- Days that differ from the public calendar, and administrative procedures in time.

CREATE TABLE calendar_day (
    day     date PRIMARY KEY,
    working boolean NOT NULL,
    name    text NOT NULL,
    source  text NOT NULL CHECK (source <> '')
);
COMMENT ON TABLE calendar_day IS 'wins over the holidays that the law fixes; source is the decision';

CREATE TABLE service_scheme (
    id       text PRIMARY KEY,
    place    integer NOT NULL,
    document jsonb NOT NULL
);
COMMENT ON TABLE service_scheme IS 'which levels online services have, and while which decree holds';

CREATE TABLE procedure (
    procedure_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL UNIQUE CHECK (code <> '' AND octet_length(code) <= 200)
);

CREATE TABLE procedure_version (
    procedure_key         integer NOT NULL REFERENCES procedure,
    validity              daterange NOT NULL CHECK (NOT isempty(validity)),
    name                  text NOT NULL,
    field                 text NOT NULL,
    unit_key              integer REFERENCES unit,
    tier                  text,
    days                  double precision CHECK (days > 0),
    level                 text CHECK (level IN ('1', '2', '3', '4', 'full', 'partial', 'info')),
    fee                   boolean NOT NULL DEFAULT false,
    paper_result          boolean NOT NULL DEFAULT false,
    for_people            boolean NOT NULL DEFAULT false,
    population_data       boolean NOT NULL DEFAULT false,
    legal_basis_from      date,
    decided_on            date,
    displayed_on          date,
    integrated_on         date,
    payment_integrated_on date,
    parts                 text NOT NULL DEFAULT '',
    document              text NOT NULL DEFAULT '',
    end_document          text NOT NULL DEFAULT '',
    sample                boolean NOT NULL DEFAULT false,
    changed_by            text NOT NULL,
    CHECK ((unit_key IS NULL) <> (tier IS NULL)),
    EXCLUDE USING gist (int8range(procedure_key, procedure_key, '[]') WITH =, validity WITH &&)
);
COMMENT ON COLUMN procedure_version.days IS 'time limit in working days';
COMMENT ON COLUMN procedure_version.tier IS 'each unit of this level is competent, instead of one unit';
COMMENT ON COLUMN procedure_version.parts IS 'letters of what is published of it, Decree 63/2010 article 8.2';
