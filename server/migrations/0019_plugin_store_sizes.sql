-- How full a plugin's store is and what of it has expired, which every call that remembers
-- something asks: neither reads the entries. Conventions as in 0001.

CREATE INDEX plugin_kv_size ON plugin_kv (plugin_id, size);
CREATE INDEX plugin_kv_expiry ON plugin_kv (plugin_id, expires_at) WHERE expires_at IS NOT NULL;
