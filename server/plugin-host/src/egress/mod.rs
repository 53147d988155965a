//! Requests and mails to other servers: which are allowed, to which addresses, and how they are sent.

pub(crate) mod addresses;
pub(crate) mod client;
pub(crate) mod exchange;
pub(crate) mod headers;
pub(crate) mod line;
pub(crate) mod mail;
mod mailbox;
pub(crate) mod policy;
pub(crate) mod resolve;
pub(crate) mod rules;
pub(crate) mod sender;
pub(crate) mod smtp;
#[cfg(test)]
mod tests;
