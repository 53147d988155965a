//! The main job as people do it: a real portal, a real node, a real browser, a stock client.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod crash;
mod developing;
mod https;
mod leaks;
mod main_job;
mod node_life;
mod paying;
mod wire;
