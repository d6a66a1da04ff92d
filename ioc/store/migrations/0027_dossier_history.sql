-- The day on which a dossier fell overdue, and by what rules the stored dossiers were judged.

ALTER TABLE dossier ADD COLUMN overdue_day date;
COMMENT ON COLUMN dossier.overdue_day IS 'the first day at whose end it was in hand past its present due time; none if it never was';

UPDATE dossier
   SET overdue_day = fell
  FROM (SELECT dossier_id AS id,
               GREATEST((due_effective AT TIME ZONE time_zone)::date, received_day) AS fell
          FROM dossier CROSS JOIN identity
         WHERE due_effective < COALESCE(paused_since, 'infinity')) AS f
 WHERE dossier_id = f.id AND fell < COALESCE(resolved_day, 'infinity');
CREATE INDEX dossier_overdue ON dossier (handling_unit, overdue_day) WHERE overdue_day IS NOT NULL;

ALTER TABLE dossier_day
    ADD COLUMN became_overdue   integer NOT NULL DEFAULT 0,
    ADD COLUMN resolved_overdue integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN dossier_day.became_overdue IS 'overdue at the end of the day for the first time';
COMMENT ON COLUMN dossier_day.resolved_overdue IS 'resolved on the day, overdue at the end of one before';

INSERT INTO dossier_change (unit_key, day)
SELECT handling_unit, overdue_day FROM dossier WHERE overdue_day IS NOT NULL
UNION SELECT handling_unit, resolved_day FROM dossier
       WHERE overdue_day IS NOT NULL AND resolved_day IS NOT NULL;

CREATE TABLE dossier_judging (
    single     boolean PRIMARY KEY DEFAULT true CHECK (single),
    grounds    jsonb NOT NULL,
    doubt      jsonb,
    noticed_at timestamptz NOT NULL,
    feed_key   integer NOT NULL DEFAULT 0,
    code       text NOT NULL DEFAULT '',
    judged     bigint NOT NULL DEFAULT 0,
    changed    bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE dossier_judging IS 'how far stored dossiers are judged anew after a change of rules or calendar';
COMMENT ON COLUMN dossier_judging.grounds IS 'the rules and days that dossiers are judged by as they come';
COMMENT ON COLUMN dossier_judging.doubt IS 'which stored dossiers may have been judged by others; none if all are right';
COMMENT ON COLUMN dossier_judging.code IS 'with feed_key: the last dossier that was looked at';
