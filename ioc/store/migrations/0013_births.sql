-- What the birth certificates of Sparkplug nodes say: later payloads name their metrics by alias.

CREATE TABLE birth (
    feed_key integer NOT NULL REFERENCES feed,
    node     text NOT NULL,
    below    text NOT NULL,
    bd_seq   numeric(20),
    document bytea NOT NULL,
    born_at  timestamptz NOT NULL,
    edition  bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (feed_key, node, below)
);
CREATE INDEX ON birth (feed_key, edition);
COMMENT ON COLUMN birth.node IS 'group and edge node';
COMMENT ON COLUMN birth.below IS 'what the certificate is of below its node; empty for the node itself';
COMMENT ON COLUMN birth.document IS 'JSON: name, alias, data type and unit of each metric';
COMMENT ON COLUMN birth.edition IS 'another one at each birth, so that other processes see that theirs is old';

COMMENT ON TABLE mapping IS 'JMESPath mappings of feeds; at a receipt the one counts that took effect last';
