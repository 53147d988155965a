//! Runs the portal.
fn main() {}
