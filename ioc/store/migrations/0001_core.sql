-- Identity, organisation units in time, people, feeds, series, ledger, alerts, dossiers.

CREATE TABLE identity (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch       uuid NOT NULL DEFAULT gen_random_uuid(),
    simulated   boolean NOT NULL DEFAULT false,
    province    text,
    time_zone   text NOT NULL DEFAULT 'Asia/Ho_Chi_Minh',
    bounds      double precision[] NOT NULL DEFAULT '{102, 8, 110, 24}',
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN identity.epoch IS 'names this database in the cursors of alerts and incidents';
COMMENT ON COLUMN identity.simulated IS 'set once at first start: a demo database never holds real rows';

CREATE TABLE unit (
    unit_key    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9-]{1,64}$')
);

CREATE TABLE unit_version (
    unit_key       integer NOT NULL REFERENCES unit,
    validity       daterange NOT NULL CHECK (NOT isempty(validity)),
    name           text NOT NULL,
    short_name     text NOT NULL,
    level          text NOT NULL CHECK (level IN ('province', 'department', 'district', 'commune',
                       'service_center', 'branch_office', 'vertical_agency')),
    parent_key     integer REFERENCES unit,
    codes          jsonb NOT NULL DEFAULT '{}',
    area_km2       double precision,
    longitude      double precision,
    latitude       double precision,
    outline        bytea,
    outline_box    box,
    outline_source text,
    EXCLUDE USING gist (int8range(unit_key, unit_key, '[]') WITH =, validity WITH &&)
);
CREATE INDEX ON unit_version (parent_key);
COMMENT ON COLUMN unit_version.outline IS 'WKB, EPSG:4326';
COMMENT ON COLUMN unit_version.outline_source IS 'where the outline comes from; illustrative ones say so';

CREATE TABLE unit_event (
    event_id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              text NOT NULL UNIQUE,
    kind            text NOT NULL CHECK (kind IN ('create', 'merge', 'split', 'rename', 'transfer', 'dissolve')),
    effective       date NOT NULL,
    legal_reference text NOT NULL
);

CREATE TABLE unit_event_map (
    event_id  integer NOT NULL REFERENCES unit_event,
    from_key  integer NOT NULL REFERENCES unit,
    to_key    integer NOT NULL REFERENCES unit,
    weight    double precision NOT NULL CHECK (weight > 0 AND weight <= 1),
    basis     text NOT NULL CHECK (basis IN ('area', 'population', 'dossiers', 'manual', 'whole')),
    PRIMARY KEY (event_id, from_key, to_key)
);

CREATE TABLE account (
    account_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    full_name     text NOT NULL DEFAULT '',
    role          text NOT NULL CHECK (role IN ('administrator', 'operator', 'leader', 'agency')),
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);

CREATE TABLE account_unit (
    account_id  integer NOT NULL REFERENCES account,
    unit_key    integer NOT NULL REFERENCES unit,
    PRIMARY KEY (account_id, unit_key)
);

CREATE TABLE token (
    token_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('session', 'wall')),
    hash        bytea NOT NULL UNIQUE,
    name        text NOT NULL DEFAULT '',
    account_id  integer REFERENCES account,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    ended_at    timestamptz,
    CHECK ((kind = 'session') = (account_id IS NOT NULL))
);

CREATE TABLE feed (
    feed_key     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text NOT NULL UNIQUE CHECK (id ~ '^[a-z0-9.-]{1,64}$'),
    agency_key   integer NOT NULL REFERENCES unit,
    name         text NOT NULL,
    domain       text NOT NULL,
    format       text NOT NULL DEFAULT 'auto',
    auto_series  boolean NOT NULL DEFAULT false,
    interval_s   double precision CHECK (interval_s > 0),
    freshness_s  double precision CHECK (freshness_s > 0),
    late_limit_s double precision CHECK (late_limit_s > 0),
    time_zone    text NOT NULL DEFAULT 'Asia/Ho_Chi_Minh',
    time_source  text NOT NULL DEFAULT 'payload' CHECK (time_source IN ('payload', 'arrival')),
    simulated    boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL,
    retired_at   timestamptz
);
COMMENT ON COLUMN feed.late_limit_s IS 'older observations are refused as late; null takes everything';

CREATE TABLE feed_credential (
    credential_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_key      integer NOT NULL REFERENCES feed,
    hash          bytea NOT NULL UNIQUE,
    hint          text NOT NULL,
    created_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
COMMENT ON COLUMN feed_credential.hint IS 'the first characters of the key, to tell keys apart';

CREATE TABLE mqtt_credential (
    agency_key  integer PRIMARY KEY REFERENCES unit,
    bcrypt      text NOT NULL,
    pbkdf2      text NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON COLUMN mqtt_credential.bcrypt IS 'as the embedded broker checks it';
COMMENT ON COLUMN mqtt_credential.pbkdf2 IS 'as mosquitto checks it';

CREATE TABLE feature (
    feature_key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_key    integer NOT NULL REFERENCES feed,
    id          text NOT NULL CHECK (octet_length(id) <= 255),
    name        text NOT NULL,
    layer       text NOT NULL,
    unit_key    integer REFERENCES unit,
    geometry    bytea,
    extent      box,
    attributes  jsonb NOT NULL DEFAULT '{}',
    UNIQUE (feed_key, id)
);
CREATE INDEX ON feature USING gist (extent);

CREATE TABLE series (
    series_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_key    integer NOT NULL REFERENCES feed,
    key         text NOT NULL CHECK (octet_length(key) <= 255),
    feature_key integer REFERENCES feature,
    property    text NOT NULL,
    uom         text,
    value_kind  text NOT NULL DEFAULT 'number' CHECK (value_kind IN ('number', 'boolean', 'text')),
    interval_s  double precision,
    low         double precision,
    high        double precision,
    UNIQUE (feed_key, key)
);
CREATE INDEX ON series (feature_key);

CREATE TABLE series_latest (
    series_id       integer PRIMARY KEY REFERENCES series,
    phenomenon_time timestamptz NOT NULL,
    value           double precision NOT NULL,
    received_at     timestamptz NOT NULL
);

CREATE TABLE ledger (
    feed_key     integer NOT NULL REFERENCES feed,
    minute       timestamptz NOT NULL,
    received     bigint NOT NULL DEFAULT 0,
    stored       bigint NOT NULL DEFAULT 0,
    duplicate    bigint NOT NULL DEFAULT 0,
    corrected    bigint NOT NULL DEFAULT 0,
    late         bigint NOT NULL DEFAULT 0,
    quarantined  bigint NOT NULL DEFAULT 0,
    stored_late  bigint NOT NULL DEFAULT 0,
    redelivered  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (feed_key, minute),
    CHECK (received = stored + duplicate + corrected + late + quarantined)
);
COMMENT ON COLUMN ledger.stored_late IS 'stored although late; counted in stored, outside the sum';
COMMENT ON COLUMN ledger.redelivered IS 'payloads the broker sent again; outside the sum';

CREATE TABLE agency_ledger (
    agency_key  integer NOT NULL REFERENCES unit,
    minute      timestamptz NOT NULL,
    forbidden   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (agency_key, minute)
);
COMMENT ON COLUMN agency_ledger.forbidden IS 'publishes outside the agency''s own topics, not stored';

CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_key      integer NOT NULL REFERENCES feed,
    received_at   timestamptz NOT NULL,
    channel       text NOT NULL,
    content_type  text NOT NULL,
    item_index    integer NOT NULL,
    payload       bytea NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL,
    replayed_at   timestamptz
);
CREATE INDEX ON quarantine (feed_key, quarantine_id);

CREATE TABLE layer (
    id       text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    place    integer NOT NULL,
    document jsonb NOT NULL
);

CREATE TABLE board (
    id       text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    place    integer NOT NULL,
    document jsonb NOT NULL
);

CREATE TABLE rule (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    document   jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL
);

CREATE TABLE indicator (
    id         text NOT NULL CHECK (id ~ '^[a-z0-9-]{1,64}$'),
    version    integer NOT NULL CHECK (version > 0),
    document   jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE target (
    target_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    indicator_id text NOT NULL,
    unit_key     integer NOT NULL REFERENCES unit,
    validity     daterange NOT NULL CHECK (NOT isempty(validity)),
    value        double precision NOT NULL,
    direction    text NOT NULL CHECK (direction IN ('up', 'down')),
    document     text NOT NULL,
    sample       boolean NOT NULL DEFAULT false
);
CREATE INDEX ON target (indicator_id, unit_key);

CREATE TABLE alert (
    alert_id        uuid PRIMARY KEY,
    fingerprint     text NOT NULL,
    rule_id         text NOT NULL,
    kind            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    series_id       integer REFERENCES series,
    feed_key        integer REFERENCES feed,
    unit_key        integer REFERENCES unit,
    state           text NOT NULL CHECK (state IN ('pending', 'active', 'cleared')),
    pending_since   timestamptz NOT NULL,
    active_since    timestamptz,
    cleared_at      timestamptz,
    closed_at       timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    value           double precision,
    level           double precision,
    value_time      timestamptz,
    reason          text NOT NULL,
    comments        integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alert_one_open ON alert (fingerprint) WHERE state <> 'cleared';
CREATE INDEX alert_not_closed ON alert (alert_id) WHERE closed_at IS NULL;

CREATE TABLE alert_log (
    log_offset  bigint PRIMARY KEY,
    alert_id    uuid NOT NULL REFERENCES alert,
    at          timestamptz NOT NULL,
    change      text NOT NULL,
    actor       text NOT NULL,
    comment     text NOT NULL DEFAULT '',
    verb        text NOT NULL CHECK (verb IN ('add', 'update', 'remove', 'none')),
    item        bytea
);
CREATE INDEX ON alert_log (alert_id, log_offset);
CREATE INDEX ON alert_log (at);
COMMENT ON TABLE alert_log IS 'every change of every alert; offsets follow the order of commits';
COMMENT ON COLUMN alert_log.item IS 'the alert as it was sent to clients, JSON';

CREATE TABLE dossier (
    dossier_id     uuid PRIMARY KEY,
    feed_key       integer NOT NULL REFERENCES feed,
    code           text NOT NULL,
    procedure_code text NOT NULL,
    field          text NOT NULL DEFAULT '',
    received_unit  integer NOT NULL REFERENCES unit,
    handling_unit  integer NOT NULL REFERENCES unit,
    applicant_unit integer REFERENCES unit,
    channel        text NOT NULL CHECK (channel IN ('direct', 'online', 'post')),
    received_at    timestamptz NOT NULL,
    due_at         timestamptz,
    resolved_at    timestamptz,
    outcome        text CHECK (outcome IN ('granted', 'refused', 'withdrawn')),
    changed_at     timestamptz NOT NULL,
    stored_at      timestamptz NOT NULL,
    UNIQUE (feed_key, code)
);
CREATE INDEX ON dossier (handling_unit, received_at);
CREATE INDEX dossier_in_hand ON dossier (handling_unit, due_at) WHERE resolved_at IS NULL;

CREATE TABLE dossier_sum (
    unit_key          integer NOT NULL REFERENCES unit,
    month             date NOT NULL,
    received_direct   bigint NOT NULL,
    received_online   bigint NOT NULL,
    received_post     bigint NOT NULL,
    resolved_early    bigint NOT NULL,
    resolved_on_time  bigint NOT NULL,
    resolved_late     bigint NOT NULL,
    resolved_undated  bigint NOT NULL,
    computed_at       timestamptz NOT NULL,
    PRIMARY KEY (unit_key, month)
);
COMMENT ON TABLE dossier_sum IS 'counts per handling unit and month (the province''s calendar) of receipt or of resolution';

CREATE TABLE dossier_dirty (
    unit_key integer NOT NULL,
    month    date NOT NULL,
    PRIMARY KEY (unit_key, month)
);

CREATE TABLE audit (
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    source     text NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL,
    before     jsonb,
    after      jsonb
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

INSERT INTO identity DEFAULT VALUES;
