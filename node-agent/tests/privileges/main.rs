//! What an agent may do to its machine: as little as it says, and it still serves.
//!
//! `MYRELAY_BACKEND` and the places of programs are as for the tests of the backends.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

#[path = "../backend/client.rs"]
#[expect(dead_code, reason = "the tests of the backends use the rest of it")]
mod client;
mod process;
mod refused;
#[path = "../support/mod.rs"]
mod support;
mod unit;
#[path = "../backend/world.rs"]
#[expect(dead_code, reason = "the tests of the backends use the rest of it")]
mod world;
