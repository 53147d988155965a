-- What plugins do at set times. Conventions as in 0001.

-- One row for each job that an enabled plugin's manifest names.
CREATE TABLE plugin_jobs (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Its times, five fields as cron reads them, in UTC.
    cron TEXT NOT NULL,
    -- When it runs next, or is tried again.
    due_at BIGINT NOT NULL,
    -- Tries of the run that is not over, and when the first began; NULL: there is none.
    attempts BIGINT NOT NULL,
    began_at BIGINT,
    -- Who runs it now, and until when that counts.
    lease TEXT,
    leased_until BIGINT,
    -- How the last run ended: when, and why not well.
    ended_at BIGINT,
    failure TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, name)
);
