//! The installer, on a machine that lies prepared in a folder: what it says is so, is so.
//!
//! The programs that judge are the real ones, unpacked below `target` and installed nowhere: sshd
//! reads the configuration, fail2ban bans, apt reads its settings, nftables takes the firewall.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cloud;
mod fail2ban;
mod firewall;
mod installer;
mod machine;
mod programs;
mod ssh;
mod updates;
