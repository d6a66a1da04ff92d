-- Who describes a unit and who answers for it; the units of events that pass nothing on.

ALTER TABLE unit ADD COLUMN described_in text;
COMMENT ON COLUMN unit.described_in IS
    'city: the folder of the city; else the file its versions came from; null: made for a feed';

ALTER TABLE unit_version
    ADD COLUMN head_post      text,
    ADD COLUMN head_name      text,
    ADD COLUMN duty_phone     text,
    ADD COLUMN contact_sample boolean NOT NULL DEFAULT false,
    ADD COLUMN outline_in     text;
COMMENT ON COLUMN unit_version.head_name IS 'as publicly announced';
COMMENT ON COLUMN unit_version.contact_sample IS 'the head and the phone are made up, for a demo';
COMMENT ON COLUMN unit_version.outline_in IS
    'city: the folder of the city; else a file of outlines, before which the folder steps back';

ALTER TABLE unit_event ADD COLUMN units text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN unit_event.units IS 'ids of units that it is about although nothing passes';
