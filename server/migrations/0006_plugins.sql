-- Plugins, what they remember, and the events on their way to them. Conventions as in 0001; what is
-- sealed opens with a key that is not in the database.

-- One row for each plugin that is installed.
CREATE TABLE plugins (
    id TEXT NOT NULL PRIMARY KEY,
    -- The name its publisher gave it: dev.example.mail.
    plugin TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    -- The component, in base64, and its SHA-256.
    component TEXT NOT NULL,
    component_hash TEXT NOT NULL,
    -- The JSON Schema of its settings; NULL: it has none.
    settings_schema TEXT,
    settings TEXT NOT NULL,
    grants TEXT NOT NULL,
    limits TEXT NOT NULL,
    -- What its idempotency is made of.
    sealed TEXT NOT NULL,
    -- +1 whenever a host has to load it anew.
    revision BIGINT NOT NULL,
    -- +1 whenever something that it remembers was written.
    writes BIGINT NOT NULL,
    -- NULL: an operator disabled it, or never enabled it.
    enabled_at BIGINT,
    -- It is enabled and gets nothing, for this reason, until an operator enables it again.
    stopped_at BIGINT,
    stopped_why TEXT,
    -- Failures since it did anything well, since when, the last, and until when it is left in
    -- peace.
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    failed_at BIGINT,
    rest_until BIGINT,
    created_at BIGINT NOT NULL
);

-- Who may publish a plugin of a name, by the public half of minisign's key: pinned at the first
-- installation, and kept when the plugin is removed.
CREATE TABLE plugin_publishers (
    plugin TEXT NOT NULL PRIMARY KEY,
    publisher TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE plugin_secrets (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, name)
);

-- What plugins remember. The name is in hexadecimal, so that both engines sort it by its octets;
-- the value is in base64, and its size is that of name and value before.
CREATE TABLE plugin_kv (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    size BIGINT NOT NULL,
    version BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (plugin_id, name)
);

-- What plugins did, for a while.
CREATE TABLE plugin_calls (
    id TEXT NOT NULL PRIMARY KEY,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    -- The function, and the event where it was about one.
    call TEXT NOT NULL,
    about TEXT,
    attempt BIGINT NOT NULL,
    -- NULL: it went well.
    failure TEXT,
    cpu_us BIGINT NOT NULL,
    wall_us BIGINT NOT NULL,
    memory BIGINT NOT NULL,
    -- Lines of its log, and its requests, as JSON.
    log TEXT NOT NULL,
    http TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX plugin_calls_plugin ON plugin_calls (plugin_id, id);

-- NULL: nobody looked yet who listens to it. There was no plugin before this.
ALTER TABLE outbox ADD COLUMN dispatched_at BIGINT;
UPDATE outbox SET dispatched_at = created_at;
CREATE INDEX outbox_waiting ON outbox (id) WHERE dispatched_at IS NULL;

-- One event on its way to one plugin.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL REFERENCES outbox (id),
    -- Empty: nobody's.
    account_id TEXT NOT NULL,
    -- Counts what the plugin gets of this account; that is its order.
    sequence BIGINT NOT NULL,
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
    created_at BIGINT NOT NULL,
    UNIQUE (plugin_id, event_id),
    UNIQUE (plugin_id, account_id, sequence)
);
CREATE INDEX deliveries_open ON deliveries (plugin_id, account_id, sequence)
    WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX deliveries_dead ON deliveries (plugin_id, id) WHERE dead_at IS NOT NULL;
