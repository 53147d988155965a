//! The hand on each node: makes the node match what the portal wants, and holds one capability.

pub mod backend;
pub mod keys;
