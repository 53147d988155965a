//! Packages as authors make them, as strangers might make them, and who signed them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod forged;
mod made;
mod schema;
mod signed;
