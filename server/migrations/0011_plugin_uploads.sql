-- Packages that operators sent and did not install yet: each for an hour, and for the session that
-- sent it. Conventions as in 0001.
CREATE TABLE plugin_uploads (
    id TEXT NOT NULL PRIMARY KEY,
    operator_id TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    -- The SHA-256 of its cookie, as sessions have it.
    session_hash TEXT NOT NULL,
    -- The package, in base64.
    package TEXT NOT NULL,
    -- The key that signed it; NULL: nobody did.
    publisher TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX plugin_uploads_operator ON plugin_uploads (operator_id, id);
