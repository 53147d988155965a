-- What nodes do beyond the main job: limits and usage, pauses, moves, trust in a node, and what it
-- says of its host. Conventions as in 0001.

-- Bits per second and bytes; NULL is no limit. A quota without a throttle stops the pod.
ALTER TABLE plans ADD COLUMN speed_down BIGINT;
ALTER TABLE plans ADD COLUMN speed_up BIGINT;
ALTER TABLE plans ADD COLUMN quota_bytes BIGINT;
ALTER TABLE plans ADD COLUMN throttle_down BIGINT;
ALTER TABLE plans ADD COLUMN throttle_up BIGINT;

-- The day of the month on which an account's quotas start anew: 1 to 28.
ALTER TABLE accounts ADD COLUMN reset_day BIGINT NOT NULL DEFAULT 1;

-- A paused pod keeps its key, its addresses and its devices, and the node has none of the devices.
ALTER TABLE pods ADD COLUMN paused_at BIGINT;
-- Its devices reach each other since.
ALTER TABLE pods ADD COLUMN devices_meet_at BIGINT;
ALTER TABLE pods ADD COLUMN quota_state TEXT NOT NULL DEFAULT 'within';
-- When it moved to its node, and at which of the node's generations; NULL is where it was made.
-- Its devices' own generations from before are another node's.
ALTER TABLE pods ADD COLUMN placed_at BIGINT;
ALTER TABLE pods ADD COLUMN placed_generation BIGINT;

-- Where a pod that moved is still served, until its devices have followed.
CREATE TABLE former_placements (
    pod_id TEXT NOT NULL PRIMARY KEY REFERENCES pods (id) ON DELETE CASCADE,
    node_id TEXT NOT NULL REFERENCES nodes (id),
    port BIGINT NOT NULL,
    public_key TEXT,
    fault TEXT,
    changed_generation BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    UNIQUE (node_id, port)
);
CREATE INDEX former_placements_changed ON former_placements (node_id, changed_generation);
CREATE INDEX former_placements_end ON former_placements (ends_at);

-- A moved pod can leave a tombstone on more than one node, and its usage may still come late.
ALTER TABLE pod_tombstones RENAME TO earlier_tombstones;
DROP INDEX pod_tombstones_node;
CREATE TABLE pod_tombstones (
    pod_id TEXT NOT NULL,
    node_id TEXT NOT NULL REFERENCES nodes (id),
    account_id TEXT,
    location_id TEXT,
    port BIGINT NOT NULL,
    deleted_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pod_id, node_id)
);
INSERT INTO pod_tombstones (pod_id, node_id, port, deleted_generation, created_at)
    SELECT pod_id, node_id, port, deleted_generation, created_at FROM earlier_tombstones;
DROP TABLE earlier_tombstones;
CREATE INDEX pod_tombstones_node ON pod_tombstones (node_id, deleted_generation);

-- A range may span several numbers, and rests for a while after its pod is gone.
ALTER TABLE pod_ranges ADD COLUMN size BIGINT NOT NULL DEFAULT 1;
ALTER TABLE pod_ranges ADD COLUMN rests_until BIGINT;

-- A device's choice of what goes through the tunnel, in its canonical text.
ALTER TABLE peers ADD COLUMN routes TEXT NOT NULL DEFAULT 'everything';

-- Being emptied since, and of how many pods.
ALTER TABLE nodes ADD COLUMN draining_at BIGINT;
ALTER TABLE nodes ADD COLUMN drain_pods BIGINT NOT NULL DEFAULT 0;
-- Two agents ran with its identity: neither is believed until it joins again.
ALTER TABLE nodes ADD COLUMN quarantined_at BIGINT;
-- Names one run of the agent, and the run before it.
ALTER TABLE nodes ADD COLUMN instance TEXT;
ALTER TABLE nodes ADD COLUMN previous_instance TEXT;
-- The node's clock minus ours, in milliseconds, at the last report.
ALTER TABLE nodes ADD COLUMN clock_skew BIGINT;
-- What it said of itself, as JSON: lists of words, and the hardening report.
ALTER TABLE nodes ADD COLUMN faults TEXT NOT NULL DEFAULT '[]';
ALTER TABLE nodes ADD COLUMN foreign_interfaces TEXT NOT NULL DEFAULT '[]';
ALTER TABLE nodes ADD COLUMN hardening TEXT NOT NULL DEFAULT '{}';
-- Its own resolvers, as text; NULL is the deployment's.
ALTER TABLE nodes ADD COLUMN resolver TEXT;
-- The deployment's own, as nodes were told last.
ALTER TABLE deployment ADD COLUMN resolver TEXT NOT NULL DEFAULT '';

-- Where pods stand and stood, and whose they are: usage comes late, and from nowhere else.
CREATE TABLE usage_placements (
    pod_id TEXT NOT NULL,
    node_id TEXT NOT NULL REFERENCES nodes (id),
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    location_id TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    -- Bytes of one month that were used elsewhere, and when that month began: the node counts on
    -- from there.
    carried_bytes BIGINT NOT NULL DEFAULT 0,
    carried_period_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (pod_id, node_id)
);
CREATE INDEX usage_placements_age ON usage_placements (placed_at);
CREATE INDEX usage_placements_account ON usage_placements (account_id);
INSERT INTO usage_placements (pod_id, node_id, account_id, location_id, placed_at)
    SELECT id, node_id, account_id, location_id, created_at FROM pods;

-- The names under which nodes count. What one counted whose folder is lost, its node remembers no
-- more: its pods carry it.
CREATE TABLE usage_counters (
    node_id TEXT NOT NULL REFERENCES nodes (id),
    counter TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    lost_at BIGINT,
    PRIMARY KEY (node_id, counter)
);

-- What was not taken from a node at last, and why.
CREATE TABLE usage_refusals (
    node_id TEXT NOT NULL PRIMARY KEY REFERENCES nodes (id),
    reason TEXT NOT NULL,
    refused_at BIGINT NOT NULL
);

-- Bytes per pod, hour and counter: what a node said last. Only grows.
CREATE TABLE usage_hours (
    pod_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    counter TEXT NOT NULL,
    hour_at BIGINT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    location_id TEXT NOT NULL,
    received BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    PRIMARY KEY (pod_id, hour_at, node_id, counter)
);
CREATE INDEX usage_hours_account ON usage_hours (account_id, location_id, hour_at);
CREATE INDEX usage_hours_age ON usage_hours (hour_at);
CREATE INDEX usage_hours_node ON usage_hours (node_id, hour_at);

-- The same by day, kept when the hours are gone.
CREATE TABLE usage_days (
    pod_id TEXT NOT NULL,
    day_at BIGINT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    location_id TEXT NOT NULL,
    received BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    PRIMARY KEY (pod_id, day_at)
);
CREATE INDEX usage_days_account ON usage_days (account_id, day_at);

-- Which share of a quota, in percent, was reached in which month: each is told once.
CREATE TABLE quota_marks (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    location_id TEXT NOT NULL,
    period_at BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    reached_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, location_id, period_at, percent)
);
