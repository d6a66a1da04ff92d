-- When a feature was where it is, so that a place that comes late does not move it back.

ALTER TABLE feature ADD COLUMN placed_at timestamptz;
COMMENT ON COLUMN feature.placed_at IS 'of which time the place is that a payload stated; null where none did';
UPDATE feature f
   SET placed_at = (SELECT max(l.phenomenon_time) FROM series s JOIN series_latest l USING (series_id)
                     WHERE s.feature_key = f.feature_key)
 WHERE f.geometry IS NOT NULL;
