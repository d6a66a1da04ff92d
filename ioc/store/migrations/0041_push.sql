-- Browsers that asked to be pushed to, each bound to the session in which it asked.

CREATE TABLE push_subscription (
    subscription_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_id   integer NOT NULL REFERENCES token ON DELETE CASCADE,
    role       text NOT NULL,
    endpoint   text NOT NULL UNIQUE,
    point      bytea NOT NULL CHECK (octet_length(point) = 65),
    secret     bytea NOT NULL CHECK (octet_length(secret) = 16),
    least      text NOT NULL CHECK (least IN ('critical', 'high', 'medium', 'low')),
    created_at timestamptz NOT NULL
);
CREATE INDEX push_subscription_token ON push_subscription (token_id);
COMMENT ON TABLE push_subscription IS 'where push services take messages for browsers; nothing is sent once the session has ended, or the role is another';
COMMENT ON COLUMN push_subscription.least IS 'the lowest severity that the person wants on this subscription';

CREATE TABLE push_delivery (
    outbox_id bigint NOT NULL REFERENCES outbox ON DELETE CASCADE,
    subscription_id bigint NOT NULL REFERENCES push_subscription ON DELETE CASCADE,
    PRIMARY KEY (outbox_id, subscription_id)
);
CREATE INDEX push_delivery_subscription ON push_delivery (subscription_id);
COMMENT ON TABLE push_delivery IS 'which subscriptions have a letter already, so that another attempt goes to the others only';
