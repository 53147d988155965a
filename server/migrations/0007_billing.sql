-- Paid plans: what accounts hold and owe, what arrived, and the books. Conventions as in 0001; money
-- is in the currency's smallest unit, and a row of the books is never changed.

-- NULL: it is free.
ALTER TABLE plans ADD COLUMN price_minor BIGINT;
ALTER TABLE plans ADD COLUMN price_currency TEXT;
ALTER TABLE plans ADD COLUMN price_interval TEXT;
-- It is offered to nobody any more.
ALTER TABLE plans ADD COLUMN withdrawn_at BIGINT;

-- Since when the account's plan is not paid for: its devices are on no node. NULL: it is, or it
-- costs nothing.
ALTER TABLE accounts ADD COLUMN unpaid_at BIGINT;

-- The SHA-256 of the token in the address to which a plugin's provider reports. The token is made of
-- the sealed key.
ALTER TABLE plugins ADD COLUMN hook_hash TEXT;
-- Its provider's sandbox is used, where no money is real.
ALTER TABLE plugins ADD COLUMN test_mode_at BIGINT;
CREATE UNIQUE INDEX plugins_hook ON plugins (hook_hash);

-- An account's holding of a plan: chosen, paid (began_at), over (ended_at).
CREATE TABLE subscriptions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    plan_id TEXT NOT NULL REFERENCES plans (id),
    began_at BIGINT,
    paid_until BIGINT,
    -- Who collects each period by themselves, and what they call it. The installation may be gone.
    plugin_id TEXT,
    provider_id TEXT,
    -- How the provider's subscription stood last, and when: older news replaces no newer.
    observed_at BIGINT,
    -- Nobody collects any more.
    cancelled_at BIGINT,
    -- That it runs out, and that it ran out, is told once for each period.
    expiry_told_at BIGINT,
    past_due_at BIGINT,
    ended_at BIGINT,
    ended_why TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX subscriptions_pending ON subscriptions (account_id)
    WHERE ended_at IS NULL AND began_at IS NULL;
CREATE UNIQUE INDEX subscriptions_active ON subscriptions (account_id)
    WHERE ended_at IS NULL AND began_at IS NOT NULL;
CREATE UNIQUE INDEX subscriptions_provider ON subscriptions (plugin_id, provider_id);
CREATE INDEX subscriptions_paid ON subscriptions (paid_until) WHERE ended_at IS NULL;

-- What an account owes for one period.
CREATE TABLE invoices (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    subscription_id TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    total_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- The period that was paid; NULL before.
    period_from BIGINT,
    period_until BIGINT,
    -- Why the last try to pay came to nothing.
    failure TEXT,
    paid_at BIGINT,
    void_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX invoices_account ON invoices (account_id, id);
CREATE UNIQUE INDEX invoices_open ON invoices (subscription_id)
    WHERE paid_at IS NULL AND void_at IS NULL;

-- One way of paying an invoice, as it was begun. What the plugin is called stays when it goes.
CREATE TABLE checkouts (
    id TEXT NOT NULL PRIMARY KEY,
    invoice_id TEXT NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
    plugin_id TEXT NOT NULL,
    method TEXT NOT NULL,
    -- How often it was begun.
    attempts BIGINT NOT NULL,
    -- The provider's id and what the customer does; NULL until the provider answered.
    provider_id TEXT,
    step TEXT,
    -- What was seen on its way.
    pending TEXT,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX checkouts_invoice ON checkouts (invoice_id, id);
CREATE UNIQUE INDEX checkouts_provider ON checkouts (plugin_id, provider_id);

-- Money that arrived.
CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- NULL: it was for none.
    invoice_id TEXT REFERENCES invoices (id) ON DELETE CASCADE,
    plugin_id TEXT NOT NULL,
    method TEXT NOT NULL,
    -- The provider's id, or what an operator's bank calls it.
    provider_id TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    disputed_at BIGINT,
    occurred_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (plugin_id, provider_id)
);
CREATE INDEX payments_account ON payments (account_id, id);

-- Money that went back: by a refund, or by a dispute that was lost.
CREATE TABLE refunds (
    plugin_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payments (id) ON DELETE CASCADE,
    amount_minor BIGINT NOT NULL,
    -- It was told as sent, and did not arrive.
    failed_at BIGINT,
    occurred_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, provider_id)
);

-- The books. The lines of an entry add up to nothing in each currency.
CREATE TABLE ledger_entries (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    -- What it is of. There is one entry of a kind for it.
    about TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, about)
);
CREATE TABLE ledger_lines (
    entry_id TEXT NOT NULL REFERENCES ledger_entries (id),
    number BIGINT NOT NULL,
    -- customer, provider, fees, revenue, bank.
    book TEXT NOT NULL,
    -- Whose book it is: the account's, the plugin's, or empty.
    owner TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- Positive: towards the book.
    minor BIGINT NOT NULL,
    PRIMARY KEY (entry_id, number)
);
CREATE INDEX ledger_lines_book ON ledger_lines (book, owner, currency);

-- What providers reported and was taken.
CREATE TABLE hook_events (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, event_id)
);
CREATE INDEX hook_events_age ON hook_events (created_at);

-- What a provider is still to be asked, or to be told.
CREATE TABLE provider_tasks (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    -- reconcile, cancel.
    kind TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, kind, provider_id)
);
CREATE INDEX provider_tasks_due ON provider_tasks (due_at);
