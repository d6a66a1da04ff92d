-- What lists of alerts are asked by: where an alert is, and the words and names it goes by.

ALTER TABLE alert
    ADD COLUMN longitude double precision,
    ADD COLUMN latitude  double precision,
    ADD COLUMN words     tsvector NOT NULL DEFAULT '';

COMMENT ON COLUMN alert.words IS
    'of its title, place, unit and feed, small letters without marks; and what it is of, as domain=traffic';

-- What was shown of an alert last says the same of those that are stored already.
UPDATE alert a
   SET longitude = (shown.item #>> '{place,point,0}')::float8,
       latitude = (shown.item #>> '{place,point,1}')::float8,
       words = array_to_tsvector(array_remove(array_remove(
           regexp_split_to_array(translate(
               lower(normalize(concat_ws(' ', shown.item #>> '{title,vi}',
                   shown.item #>> '{title,en}', shown.item #>> '{place,name}',
                   shown.item #>> '{unit,name}', shown.item ->> 'feed'))),
               'ÀàÁáÃãẢảẠạĂăẰằẮắẴẵẲẳẶặÂâẦầẤấẪẫẨẩẬậÈèÉéẼẽẺẻẸẹÊêỀềẾếỄễỂểỆệÌìÍíĨĩỈỉỊịÒòÓóÕõỎỏỌọÔôỒồỐốỖỗỔổỘộƠơỜờỚớỠỡỞởỢợÙùÚúŨũỦủỤụƯưỪừỨứỮữỬửỰựỲỳÝýỸỹỶỷỴỵĐđ',
               'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeeeeeeeiiiiiiiiiioooooooooooooooooooooooooooooooooouuuuuuuuuuuuuuuuuuuuuuyyyyyyyyyydd'),
               '[^a-z0-9]+')
           || ARRAY['rule=' || a.rule_id, 'domain=' || (shown.item ->> 'domain'),
                    'feed=' || (shown.item ->> 'feed'),
                    'unit=' || (shown.item #>> '{unit,id}'),
                    'feature=' || (shown.item #>> '{place,feature}')], ''), NULL))
  FROM (SELECT DISTINCT ON (alert_id) alert_id, convert_from(item, 'UTF8')::jsonb AS item
          FROM alert_log WHERE verb <> 'none' ORDER BY alert_id, log_offset DESC) AS shown
 WHERE shown.alert_id = a.alert_id;

-- The open ones worst first and of those the longest; the past ones newest first.
CREATE INDEX alert_worst ON alert
    (array_position('{critical,high,medium,low}'::text[], severity), active_since, alert_id)
    WHERE closed_at IS NULL AND active_since IS NOT NULL;
CREATE INDEX alert_past ON alert (active_since DESC, alert_id DESC)
    WHERE closed_at IS NOT NULL AND active_since IS NOT NULL;
CREATE INDEX alert_past_worst ON alert
    (array_position('{critical,high,medium,low}'::text[], severity), active_since DESC)
    WHERE closed_at IS NOT NULL AND active_since IS NOT NULL;
CREATE INDEX alert_words ON alert USING gin (words);
CREATE INDEX alert_point ON alert USING gist (point(longitude, latitude));
CREATE INDEX alert_assignee ON alert (assignee, active_since) WHERE assignee IS NOT NULL;
CREATE INDEX alert_muted ON alert (active_since) WHERE muted IS NOT NULL;
