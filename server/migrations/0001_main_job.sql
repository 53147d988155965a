-- The main job: people, nodes, pods, devices. One text for SQLite and PostgreSQL: ids and bytes are
-- TEXT, times are BIGINT milliseconds since 1970 UTC, and instead of booleans a nullable `…_at`
-- says when. No column holds a private key, and every credential is a hash.

-- One row: what this deployment is.
CREATE TABLE deployment (
    singleton BIGINT NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    v6_site TEXT NOT NULL,
    -- Counts allocations of address ranges; counting makes them one after the other.
    allocations BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Facts in the past tense, written in the transaction of the fact.
CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id TEXT,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE plans (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    pods BIGINT NOT NULL,
    devices_per_pod BIGINT NOT NULL,
    -- The plan of a new account is the newest one that has this.
    default_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    plan_id TEXT NOT NULL REFERENCES plans (id),
    suspended_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE operators (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE operator_invites (
    token_hash TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    created_at BIGINT NOT NULL
);

-- Sign-ins. The cookie's value is nowhere: only its hash.
CREATE TABLE sessions (
    token_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    operator_id TEXT REFERENCES operators (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    -- The end of the idle time; never later than the absolute end.
    expires_at BIGINT NOT NULL,
    absolute_end_at BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE locations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    location_id TEXT NOT NULL REFERENCES locations (id),
    endpoint TEXT NOT NULL,
    -- What is wanted: +1 in the transaction of every change that concerns the node.
    generation BIGINT NOT NULL,
    -- What the agent said it applied, and when and how it said so.
    applied_epoch BIGINT NOT NULL,
    applied_generation BIGINT NOT NULL,
    boot_id TEXT,
    sequence BIGINT NOT NULL,
    agent_version TEXT,
    backend TEXT,
    last_contact_at BIGINT,
    -- Its stream ended and none came since.
    away_at BIGINT,
    -- The SHA-256 of the current certificate's public key, and of the one before it.
    key_hash TEXT,
    previous_key_hash TEXT,
    certificate_ends_at BIGINT,
    joined_at BIGINT,
    retired_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX nodes_location ON nodes (location_id);

-- At most one open join line for each node.
CREATE TABLE join_tokens (
    node_id TEXT NOT NULL PRIMARY KEY REFERENCES nodes (id),
    token_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    created_at BIGINT NOT NULL
);

-- The deployment's address ranges by number. A range stays with its pod until the node confirmed
-- that the pod is gone.
CREATE TABLE pod_ranges (
    number BIGINT NOT NULL PRIMARY KEY,
    pod_id TEXT UNIQUE
);

CREATE TABLE pods (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    node_id TEXT NOT NULL REFERENCES nodes (id),
    location_id TEXT NOT NULL REFERENCES locations (id),
    interface TEXT NOT NULL UNIQUE,
    port BIGINT NOT NULL,
    range_number BIGINT NOT NULL UNIQUE REFERENCES pod_ranges (number),
    -- Made on the node, told by it.
    public_key TEXT,
    fault TEXT,
    -- The node's generation at the last change of this pod or of its devices.
    changed_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (node_id, port),
    UNIQUE (account_id, location_id)
);
CREATE INDEX pods_changed ON pods (node_id, changed_generation);

-- Pods that a node must still forget.
CREATE TABLE pod_tombstones (
    pod_id TEXT NOT NULL PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES nodes (id),
    port BIGINT NOT NULL,
    deleted_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX pod_tombstones_node ON pod_tombstones (node_id, deleted_generation);

CREATE TABLE peers (
    id TEXT NOT NULL PRIMARY KEY,
    pod_id TEXT NOT NULL REFERENCES pods (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    -- The device's number in the pod's ranges.
    host BIGINT NOT NULL,
    added_generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (pod_id, public_key),
    UNIQUE (pod_id, host)
);
