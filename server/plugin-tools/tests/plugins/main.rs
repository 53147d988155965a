//! An author's whole way with a compiler: from a new folder to a component that runs.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod conformance;
mod desk;
mod develops;
mod languages;
mod ours;
mod refused;
mod reports;
mod samples;
#[path = "../../../plugin-host/tests/plugins/server.rs"]
#[expect(dead_code, reason = "the tests of the host use more of it")]
mod server;
mod stories;
