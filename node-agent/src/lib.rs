//! The hand on each node: makes the node match what the portal wants, and holds one capability.

pub mod agent;
pub mod backend;
mod backoff;
pub mod cli;
pub mod doctor;
pub mod enrol;
mod faults;
mod firewall;
pub mod hardening;
pub mod identity;
pub mod keys;
pub mod link;
pub mod memory;
mod netlink;
mod node;
pub mod plan;
pub mod pod_keys;
pub mod private_dir;
pub mod privileges;
pub mod reconcile;
pub mod resolver;
pub mod rounds;
mod shaping;
pub mod status;
pub mod system;
pub mod usage;
