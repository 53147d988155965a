-- When providers were asked whether what they collect for was paid. Conventions as in 0001.

-- When it was last to be asked, once the paid time was over.
ALTER TABLE subscriptions ADD COLUMN asked_at BIGINT;
-- When the last question was asked whose answer is written down.
ALTER TABLE subscriptions ADD COLUMN answered_at BIGINT;
