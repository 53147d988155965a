//! What the agent may do to its machine: CAP_NET_ADMIN, and no system call that it has no use for.
//!
//! Linux keeps both for each thread, and a thread gets those of the one that starts it. So the
//! agent gives everything else up before it has a second thread. Why it is so:
//! docs/decisions/0019-privileges.md.

mod capabilities;
mod syscalls;

use std::{fmt, io};

use rustix::thread::SecureComputingMode;
use serde::{Deserialize, Serialize};

pub use syscalls::refuse as refuse_calls;

/// What the calling thread may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privileges {
    /// The effective user id; 0 is root.
    pub user: u32,
    /// Whether CAP_NET_ADMIN is in the effective set.
    pub net_admin: bool,
    /// Whether none of the five sets has another capability (capabilities(7)).
    pub nothing_else: bool,
    /// Whether a filter refuses system calls, and no program could give more rights.
    pub filtered: bool,
}

/// Why the agent does not start with the rights that it has.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    #[error(
        "the agent may not change this machine's network, it has no CAP_NET_ADMIN: start it with \
         its unit, `systemctl start myrelay-agent`, or as root"
    )]
    NoNetAdmin,
    #[error("read which capabilities there are: {0}")]
    Read(#[source] io::Error),
    #[error("give up {what}: {source}")]
    Refused {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(
        "forbid itself system calls: {0}; the kernel has to have seccomp (CONFIG_SECCOMP_FILTER)"
    )]
    Filter(#[from] seccompiler::Error),
}

/// Gives up everything but CAP_NET_ADMIN, for ever: for the calling thread and for every thread
/// that it starts from now on. What was given up already is not touched.
///
/// Whoever may not take capabilities out of the bounding set, which is a user without
/// CAP_SETPCAP, keeps that set as it is: [`Privileges::nothing_else`] says so. It only ever
/// counts when a program is started, which none can be afterwards.
pub fn narrow() -> Result<Privileges, PrivilegeError> {
    capabilities::narrow()?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| PrivilegeError::Refused { what: "new rights", source: errno.into() })?;
    refuse_calls()?;
    current()
}

/// What the calling thread may do, as the kernel tells.
pub fn current() -> Result<Privileges, PrivilegeError> {
    let read = |errno: rustix::io::Errno| PrivilegeError::Read(errno.into());
    let held = capabilities::Held::read()?;
    let filter = rustix::thread::secure_computing_mode().map_err(read)?;
    let locked = rustix::thread::no_new_privs().map_err(read)?;
    Ok(Privileges {
        user: rustix::process::geteuid().as_raw(),
        net_admin: held.net_admin(),
        nothing_else: held.nothing_else(),
        filtered: locked && filter == SecureComputingMode::Filter,
    })
}

impl Privileges {
    /// An error that says what to do where the agent could not change the network.
    pub fn require_net_admin(&self) -> Result<(), PrivilegeError> {
        if self.net_admin { Ok(()) } else { Err(PrivilegeError::NoNetAdmin) }
    }
}

impl fmt::Display for Privileges {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            0 => text.write_str("root")?,
            user => write!(text, "user {user}")?,
        }
        text.write_str(match (self.net_admin, self.nothing_else) {
            (true, true) => ", CAP_NET_ADMIN and nothing else",
            (false, true) => ", no capability",
            (true, false) => ", CAP_NET_ADMIN and more than it needs: start it with its unit",
            (false, false) => ", no CAP_NET_ADMIN",
        })?;
        text.write_str(if self.filtered { "" } else { ", free to make every system call" })
    }
}
