-- What plugins were asked and answered, the versions before the one that is installed, and whose
-- plugins do not run here. Conventions as in 0001; what is sealed opens with a key that is not in
-- the database.

-- Who signed what is installed; NULL: nobody did. What was pinned had to be signed so.
ALTER TABLE plugins ADD COLUMN publisher TEXT;
UPDATE plugins SET publisher = (SELECT plugin_publishers.publisher FROM plugin_publishers
    WHERE plugin_publishers.plugin = plugins.plugin);
-- The SHA-256 of the package that it came in; NULL: it came in none, or before this was noted.
ALTER TABLE plugins ADD COLUMN package_hash TEXT;

-- The same of every try of a delivery, what time the plugin saw, and what time it was.
ALTER TABLE plugin_calls ADD COLUMN delivery TEXT NOT NULL DEFAULT '';
ALTER TABLE plugin_calls ADD COLUMN happened_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plugin_calls ADD COLUMN started_at BIGINT NOT NULL DEFAULT 0;
-- Requests that left, and what it might have used, as JSON; NULL: it was not noted then.
ALTER TABLE plugin_calls ADD COLUMN requests BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plugin_calls ADD COLUMN allowed TEXT;
-- Input, answer and the answers to its requests, as sealed JSON; NULL: not kept, or no longer.
ALTER TABLE plugin_calls ADD COLUMN recorded TEXT;

-- Versions that another took the place of, to go back to.
CREATE TABLE plugin_versions (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    -- Grows: the newest has the highest.
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    component TEXT NOT NULL,
    component_hash TEXT NOT NULL,
    settings_schema TEXT,
    settings TEXT NOT NULL,
    grants TEXT NOT NULL,
    limits TEXT NOT NULL,
    test_mode_at BIGINT,
    publisher TEXT,
    package_hash TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, number)
);

-- What is not run here any more: all that a publisher signed, or one package or component.
CREATE TABLE plugin_revocations (
    -- minisign's public key in base64, or a SHA-256 in hexadecimal digits.
    what TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
