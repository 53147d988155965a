//! Everything that strangers can send, thrown at what reads it: every corpus and mutations of it.

mod fuzz_targets;
mod mutate;
mod replay;
