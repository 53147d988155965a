-- A provider that collects by itself has some time for it. Conventions as in 0001.

-- When a portal first saw that the paid time is over: from then on a provider that does not answer is
-- waited for. past_due_at is when it counts as past due and that was told, which is later where a
-- provider collects.
ALTER TABLE subscriptions ADD COLUMN over_at BIGINT;
UPDATE subscriptions SET over_at = past_due_at;
