-- What is known of a dossier beside its dates, and its counts by unit and day instead of month.

ALTER TABLE dossier
    ADD COLUMN source          text CHECK (source IN ('national_portal', 'vneid', 'provincial_portal')),
    ADD COLUMN device          text CHECK (device IN ('mobile', 'desktop')),
    ADD COLUMN level           text CHECK (level IN ('1', '2', '3', '4', 'full', 'partial', 'info')),
    ADD COLUMN office          text,
    ADD COLUMN office_since    timestamptz,
    ADD COLUMN supplements     integer NOT NULL DEFAULT 0,
    ADD COLUMN paused_seconds  bigint NOT NULL DEFAULT 0,
    ADD COLUMN paused_since    timestamptz,
    ADD COLUMN result_required boolean,
    ADD COLUMN result_file     boolean,
    ADD COLUMN digitised       boolean,
    ADD COLUMN reused          boolean,
    ADD COLUMN personal_store  boolean,
    ADD COLUMN population_data boolean,
    ADD COLUMN authenticated   boolean,
    ADD COLUMN fee             boolean,
    ADD COLUMN paid_online     boolean,
    ADD COLUMN synced          boolean,
    ADD COLUMN asked           boolean,
    ADD COLUMN complained      boolean,
    ADD COLUMN satisfaction    text CHECK (satisfaction IN ('satisfied', 'neutral', 'disliked')),
    ADD COLUMN due_computed    timestamptz,
    ADD COLUMN flags           integer NOT NULL DEFAULT 0,
    ADD COLUMN timeliness      text CHECK (timeliness IN ('early', 'on_time', 'late')),
    ADD COLUMN due_effective   timestamptz,
    ADD COLUMN received_day    date,
    ADD COLUMN resolved_day    date;
ALTER TABLE dossier DROP CONSTRAINT dossier_outcome_check;
ALTER TABLE dossier ADD CHECK (outcome IN ('granted', 'refused', 'returned', 'withdrawn'));
COMMENT ON COLUMN dossier.source IS 'through which portal an online filing came';
COMMENT ON COLUMN dossier.level IS 'the service level that its procedure had on the day of filing';
COMMENT ON COLUMN dossier.office IS 'where it is held now';
COMMENT ON COLUMN dossier.due_computed IS 'the due time by our own calendar: a check, never the truth';
COMMENT ON COLUMN dossier.flags IS 'what is odd about it, bits of ingest.dossier.Oddity';
COMMENT ON COLUMN dossier.due_effective IS 'the due time with the pauses that are over added';
COMMENT ON COLUMN dossier.received_day IS 'the day of receipt where the province is';

UPDATE dossier
   SET due_effective = due_at,
       received_day = (received_at AT TIME ZONE zone)::date,
       resolved_day = (resolved_at AT TIME ZONE zone)::date,
       timeliness = CASE
           WHEN resolved_at IS NULL OR due_at IS NULL THEN NULL
           WHEN resolved_at > due_at THEN 'late'
           WHEN (resolved_at AT TIME ZONE zone)::date < (due_at AT TIME ZONE zone)::date THEN 'early'
           ELSE 'on_time' END
  FROM (SELECT time_zone AS zone FROM identity) AS i;
ALTER TABLE dossier ALTER COLUMN received_day SET NOT NULL;

-- Feeds and units are never deleted, and their keys come from a look-up of them: checking each of
-- four again costs more than storing the dossier.
ALTER TABLE dossier
    DROP CONSTRAINT dossier_feed_key_fkey,
    DROP CONSTRAINT dossier_received_unit_fkey,
    DROP CONSTRAINT dossier_handling_unit_fkey,
    DROP CONSTRAINT dossier_applicant_unit_fkey;

DROP INDEX dossier_handling_unit_received_at_idx;
DROP INDEX dossier_in_hand;
CREATE INDEX dossier_received ON dossier (handling_unit, received_day);
CREATE INDEX dossier_resolved ON dossier (handling_unit, resolved_day) WHERE resolved_day IS NOT NULL;
CREATE INDEX dossier_for_others ON dossier (received_unit, received_day)
    WHERE received_unit <> handling_unit;
CREATE INDEX dossier_in_hand ON dossier (handling_unit, due_effective) WHERE resolved_at IS NULL;

DROP TABLE dossier_sum;
DROP TABLE dossier_dirty;

CREATE TABLE dossier_day (
    unit_key                    integer NOT NULL REFERENCES unit,
    day                         date NOT NULL,
    received_direct             integer NOT NULL,
    received_online             integer NOT NULL,
    received_post               integer NOT NULL,
    received_national_portal    integer NOT NULL,
    received_vneid              integer NOT NULL,
    received_provincial_portal  integer NOT NULL,
    received_mobile             integer NOT NULL,
    received_desktop            integer NOT NULL,
    received_full               integer NOT NULL,
    received_partial            integer NOT NULL,
    received_level_2            integer NOT NULL,
    received_level_3            integer NOT NULL,
    received_level_4            integer NOT NULL,
    received_online_full        integer NOT NULL,
    received_online_level_3_4   integer NOT NULL,
    received_synced             integer NOT NULL,
    received_digitised          integer NOT NULL,
    received_reused             integer NOT NULL,
    received_personal_store     integer NOT NULL,
    received_population_data    integer NOT NULL,
    received_authenticated      integer NOT NULL,
    received_fee                integer NOT NULL,
    paid_online                 integer NOT NULL,
    received_result_required    integer NOT NULL,
    received_supplemented       integer NOT NULL,
    received_here               integer NOT NULL,
    received_here_for_others    integer NOT NULL,
    resolved_early              integer NOT NULL,
    resolved_on_time            integer NOT NULL,
    resolved_late               integer NOT NULL,
    resolved_undated            integer NOT NULL,
    resolved_granted            integer NOT NULL,
    resolved_refused            integer NOT NULL,
    resolved_withdrawn          integer NOT NULL,
    resolved_with_file          integer NOT NULL,
    resolved_digitised          integer NOT NULL,
    resolved_result_required    integer NOT NULL,
    asked                       integer NOT NULL,
    satisfied                   integer NOT NULL,
    rated_late_or_disliked      integer NOT NULL,
    stamp                       bigint NOT NULL,
    PRIMARY KEY (unit_key, day)
);
CREATE INDEX ON dossier_day (stamp);
COMMENT ON TABLE dossier_day IS 'counts of dossiers by unit and day of receipt or of resolution';
COMMENT ON COLUMN dossier_day.stamp IS 'rows counted later have a greater one; follows the commits';

CREATE TABLE dossier_change (
    unit_key integer NOT NULL,
    day      date NOT NULL
);
COMMENT ON TABLE dossier_change IS 'units and days whose counts are to be made anew; only added to';
INSERT INTO dossier_change (unit_key, day)
SELECT handling_unit, received_day FROM dossier
UNION SELECT handling_unit, resolved_day FROM dossier WHERE resolved_day IS NOT NULL
UNION SELECT received_unit, received_day FROM dossier WHERE received_unit <> handling_unit;
