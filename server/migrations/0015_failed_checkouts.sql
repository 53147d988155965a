-- Checkouts at which a payment failed. Conventions as in 0001.

-- Since when customers are not led there any more, because a payment failed. The provider is asked
-- about it all the same: somebody may still pay there.
ALTER TABLE checkouts ADD COLUMN failed_at BIGINT;
