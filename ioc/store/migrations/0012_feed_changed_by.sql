-- Who set the settings of a feed last, so that loading the city overwrites nobody's change unasked.

ALTER TABLE feed ADD COLUMN changed_by text NOT NULL DEFAULT 'city';
COMMENT ON COLUMN feed.changed_by IS 'city, or who made or changed the feed in the product';
UPDATE feed f SET changed_by = a.actor
  FROM (SELECT DISTINCT ON (subject) subject, actor FROM audit
         WHERE action IN ('feed.add', 'feed.set') ORDER BY subject, at DESC) AS a
 WHERE a.subject = f.id;
