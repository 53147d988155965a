-- Customers' channels, and the messages on their way to them. Conventions as in 0001; what is sealed
-- opens with a key that is not in the database, and so do marks.

-- One way to reach one account: a plugin, and an address in its own terms.
CREATE TABLE channels (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    -- Which of the account's places it has.
    slot BIGINT NOT NULL,
    -- The address. Where the customer gave none, it is a code that the portal made then.
    sealed TEXT NOT NULL,
    made_at BIGINT,
    -- What the plugin says that the customer has to do, as sealed JSON; NULL: nothing.
    guide TEXT,
    -- Which kinds of messages it gets, with a space between; all get those about security.
    kinds TEXT NOT NULL,
    verified_at BIGINT,
    -- The plugin said that nobody is reached there any more.
    unreachable_at BIGINT,
    unreachable_why TEXT,
    -- The mark of the code that was sent there, how long it is good, and how often a wrong one
    -- was tried.
    code_hash TEXT,
    code_ends_at BIGINT,
    code_wrong BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, slot)
);

-- The codes that were sent in the last hour, with a mark of where: nobody is flooded with them.
CREATE TABLE channel_codes (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    place_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX channel_codes_account ON channel_codes (account_id, created_at);
CREATE INDEX channel_codes_place ON channel_codes (place_hash, created_at);

-- When an account wants no messages but those about security: minutes of the day in a time zone of
-- the IANA database. They may begin on one day and end on the next.
CREATE TABLE quiet_hours (
    account_id TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
    begins BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    zone TEXT NOT NULL
);

-- NULL: nobody looked yet whom to tell of it. There was no channel before this.
ALTER TABLE outbox ADD COLUMN told_at BIGINT;
UPDATE outbox SET told_at = created_at;
CREATE INDEX outbox_untold ON outbox (id) WHERE told_at IS NULL;

-- One event on its way to one channel, as a message. Its words are made when it is tried.
CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    event_id TEXT NOT NULL REFERENCES outbox (id),
    -- security, usage, service or billing.
    kind TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    -- Who delivers it now, and until when that counts.
    lease TEXT,
    leased_until BIGINT,
    -- What the last attempt said.
    failure TEXT,
    delivered_at BIGINT,
    -- Given up.
    dead_at BIGINT,
    -- The channel takes nothing any more, or not this kind.
    dropped_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (channel_id, event_id)
);
CREATE INDEX messages_open ON messages (plugin_id, channel_id, id)
    WHERE delivered_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL;
CREATE INDEX messages_dead ON messages (plugin_id, id) WHERE dead_at IS NOT NULL;
CREATE INDEX messages_account ON messages (account_id, id);
