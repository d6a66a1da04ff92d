-- Alerts that outlast planned work become loud by a change of its own, which counts as such.

DROP INDEX alert_log_quiet;
CREATE INDEX alert_log_quiet ON alert_log (at) INCLUDE (alert_id, change, log_offset)
    WHERE change IN ('muted', 'unmuted', 'overrun', 'shelve');
