-- Whether the version that is in place was told to make itself ready. Conventions as in 0001.

-- Since when another version, or other settings, are in place that were not told yet, or when
-- somebody last began to tell them; null: nothing is to be told.
ALTER TABLE plugins ADD COLUMN unready_at BIGINT;
