//! MyRelay's nouns and rules: pure types, no I/O, no clock, no async, no randomness.

pub mod addresses;
pub mod email;
pub mod host;
pub mod ids;
pub mod interface;
pub mod keys;
pub mod limits;
pub mod money;
pub mod names;
pub mod password;
pub mod plan;
pub mod routes;
pub mod token;
