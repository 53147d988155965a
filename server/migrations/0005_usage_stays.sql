-- From when to when a node's word about a pod's usage counts, and what its folder remembers.
-- Conventions as in 0001.

-- When a node served a pod: from the moment it was to have it until it said that it let go of it.
-- NULL: it has not said so.
CREATE TABLE usage_stays (
    pod_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (pod_id, node_id, began_at),
    FOREIGN KEY (pod_id, node_id) REFERENCES usage_placements (pod_id, node_id) ON DELETE CASCADE
);
-- When stays of before began was not noted, and of those that ended the last hour is.
INSERT INTO usage_stays (pod_id, node_id, began_at, ended_at)
    SELECT pod_id, node_id, 0, CASE
        WHEN EXISTS (SELECT 1 FROM pods WHERE pods.id = usage_placements.pod_id
            AND pods.node_id = usage_placements.node_id) THEN NULL
        WHEN EXISTS (SELECT 1 FROM former_placements
            WHERE former_placements.pod_id = usage_placements.pod_id
            AND former_placements.node_id = usage_placements.node_id) THEN NULL
        WHEN EXISTS (SELECT 1 FROM pod_tombstones
            WHERE pod_tombstones.pod_id = usage_placements.pod_id
            AND pod_tombstones.node_id = usage_placements.node_id) THEN NULL
        ELSE COALESCE((SELECT MAX(usage_hours.hour_at) FROM usage_hours
            WHERE usage_hours.pod_id = usage_placements.pod_id
            AND usage_hours.node_id = usage_placements.node_id), placed_at)
        END
    FROM usage_placements;

-- When a node told something under this name last: it remembers what it tells.
ALTER TABLE usage_counters ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0;
UPDATE usage_counters SET told_at = first_at;
