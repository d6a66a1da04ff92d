-- The states of a warning that its sender knows by one name alone are found by their lineage.

CREATE INDEX warning_lineage ON warning (COALESCE(feed_key, 0), lineage, sent);
