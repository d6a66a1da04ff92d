-- What is asked of past alerts: which stood at a time, and which were quiet or put aside.

CREATE INDEX alert_over ON alert (cleared_at) WHERE active_since IS NOT NULL;
CREATE INDEX alert_log_quiet ON alert_log (at) INCLUDE (alert_id, change, log_offset)
    WHERE change IN ('muted', 'unmuted', 'shelve');
