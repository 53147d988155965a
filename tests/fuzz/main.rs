//! Everything that strangers can send, thrown at what reads it: every corpus and mutations of it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod fuzz_targets;
mod mutate;
mod replay;
