-- Which of a node's streams is good, over several portals, and which runs of its agent are over.
-- Conventions as in 0001.

-- Counts the node's streams: the latest one is good, on whichever portal it is. Whatever ends it
-- counts too.
ALTER TABLE nodes ADD COLUMN stream BIGINT NOT NULL DEFAULT 0;

-- Runs of a node's agent that another run replaced, and when one came back all the same.
CREATE TABLE node_runs (
    node_id TEXT NOT NULL REFERENCES nodes (id),
    instance TEXT NOT NULL,
    replaced_at BIGINT NOT NULL,
    returned_at BIGINT,
    PRIMARY KEY (node_id, instance)
);
INSERT INTO node_runs (node_id, instance, replaced_at)
    SELECT id, previous_instance, created_at FROM nodes WHERE previous_instance IS NOT NULL;
ALTER TABLE nodes DROP COLUMN previous_instance;
