-- Tokens for programs: each manages the devices of one pod and nothing else, and goes with the pod.
-- What is stored of a token is its hash. Conventions as in 0001.

CREATE TABLE pod_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    pod_id TEXT NOT NULL REFERENCES pods (id) ON DELETE CASCADE,
    -- Its place among the pod's tokens: there are only so many.
    slot BIGINT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    -- NULL is no end.
    expires_at BIGINT,
    -- The day of its last use, in UTC, and nothing finer.
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (pod_id, slot),
    UNIQUE (pod_id, name)
);
