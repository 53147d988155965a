//! The layout's rules, as tests. A rule that is not here is a wish.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod crates;
mod documents;
mod nouns;
mod packages;
mod plugins;
mod routes;
mod secrets;
mod sources;
mod sql;
mod tree;
