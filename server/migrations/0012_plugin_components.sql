-- The components of plugins, apart from what is written and read with every call: a row is written
-- as a whole, and one component is up to 64 MB. Conventions as in 0001.

CREATE TABLE plugin_components (
    plugin_id TEXT NOT NULL PRIMARY KEY REFERENCES plugins (id) ON DELETE CASCADE,
    -- In base64; its SHA-256 stands with the plugin.
    component TEXT NOT NULL
);
INSERT INTO plugin_components (plugin_id, component) SELECT id, component FROM plugins;
ALTER TABLE plugins DROP COLUMN component;
