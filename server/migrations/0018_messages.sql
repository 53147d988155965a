-- Messages that did not arrive, as operators page through them, and as the next one is found of
-- each channel. Conventions as in 0001.

CREATE INDEX messages_waiting ON messages (id)
    WHERE delivered_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL;
CREATE INDEX messages_given_up ON messages (id) WHERE dead_at IS NOT NULL;
CREATE INDEX messages_security ON messages (plugin_id, channel_id, id)
    WHERE delivered_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL AND kind = 'security';
