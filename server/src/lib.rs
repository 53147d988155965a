//! The portal: the control plane behind the pages and the node agents.

#![recursion_limit = "256"]

pub mod accounts;
pub mod api;
pub mod authority;
mod channels;
pub mod cli;
pub mod config;
pub mod context;
pub mod database;
mod deliveries;
mod deployment;
pub mod desired_state;
mod error;
pub mod http;
mod jobs;
mod ledger;
pub mod log;
mod messages;
pub mod nodes;
pub mod operators;
mod outbox;
mod paging;
pub mod passwords;
mod payments;
pub mod peers;
mod plans;
pub mod plugins;
pub mod pods;
pub mod sessions;
mod subscriptions;
pub mod system;
#[cfg(test)]
mod testing;
mod text;
pub mod tls;
pub mod tokens;
mod usage;
pub mod vault;

pub use error::{Error, Result};
