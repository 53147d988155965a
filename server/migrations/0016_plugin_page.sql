-- What the page of a plugin says of its calls, and what the plugin says of itself. Conventions as in
-- 0001.

-- The version that ran; NULL: it was not noted then.
ALTER TABLE plugin_calls ADD COLUMN version TEXT;
-- Where it broke, as far as its names are known; NULL: it did not break, or it was not noted then.
ALTER TABLE plugin_calls ADD COLUMN backtrace TEXT;
-- Lines of its log that were too many.
ALTER TABLE plugin_calls ADD COLUMN logs_dropped BIGINT NOT NULL DEFAULT 0;

-- When an operator last asked the version that is in place how it is, and what it said; well_at is
-- the same moment where it said that it is well, and NULL where not. NULL: nobody asked.
ALTER TABLE plugins ADD COLUMN asked_at BIGINT;
ALTER TABLE plugins ADD COLUMN well_at BIGINT;
ALTER TABLE plugins ADD COLUMN said TEXT;
