//! Looks at a machine and says what keeps it from being a good node, and what to do about it.
//!
//! It changes nothing, and looks at the machine itself and not at what the agent remembers of it:
//! as root or as the agent's user, while the agent runs or before the machine ever joined.

mod agent;
mod disk;
mod kernel;
mod network;
mod place;
mod portal;

use std::{path::Path, sync::Arc};

use place::Place;
use serde::{Deserialize, Serialize};

use crate::{
    identity::{Identity, IdentityError},
    private_dir::{FileError, PrivateDir},
    status::{self, Status},
    system::System,
};

/// How one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Ok,
    /// It serves, and not as well as it could.
    Warn,
    /// It keeps the node from serving, or soon will.
    Bad,
    /// It could not be looked at.
    Unknown,
}

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at, in one word that stays the same over versions.
    pub name: String,
    pub verdict: Health,
    /// What was found, in words.
    pub found: String,
    /// What to do; none when there is nothing to do.
    pub advice: Option<String>,
}

/// What the agent of this machine left in its folder.
struct Left {
    folder: Result<PrivateDir, FileError>,
    identity: Result<Identity, IdentityError>,
    status: Option<(Status, bool)>,
}

/// Looks at everything: the machine whose root folder this is, and the agent with this state
/// folder. Never fails: what could not be looked at is in the findings as that.
///
/// The firewall and the disk's room are those of the machine that it runs on.
pub async fn examine(root: &Path, state_dir: &Path, system: Arc<dyn System>) -> Vec<Finding> {
    let place = Place::new(root);
    let left = Left::read(state_dir);
    let status = left.status.as_ref();
    let mut findings = vec![
        kernel::release(&place),
        kernel::wireguard(&place),
        kernel::tun(&place),
        kernel::firewall(),
        kernel::limits(&place),
        network::uplink(&place),
        network::ipv6(&place),
        network::mtu(&place),
        network::forwarding(&place, status),
        network::ports(&place, status),
        disk::folder(&left.folder),
        disk::room(state_dir),
        disk::writable(&left.folder),
        agent::runs(status),
        agent::privileges(status),
        agent::faults(status),
        portal::certificate(&left.identity, system.as_ref()),
    ];
    findings.extend(portal::talk(&left.identity, &system).await);
    findings
}

/// Whether something is bad.
pub fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|it| it.verdict == Health::Bad)
}

impl Left {
    fn read(state_dir: &Path) -> Self {
        let folder = PrivateDir::look(state_dir);
        let identity = match &folder {
            Ok(folder) => Identity::load(folder),
            Err(_) => Err(IdentityError::Missing),
        };
        let status = folder.as_ref().ok().and_then(|it| status::read(it).ok().flatten());
        Self { folder, identity, status }
    }
}

impl Finding {
    fn ok(name: &str, found: impl Into<String>) -> Self {
        Self::new(name, Health::Ok, found, None)
    }

    fn warn(name: &str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(name, Health::Warn, found, Some(advice))
    }

    fn bad(name: &str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(name, Health::Bad, found, Some(advice))
    }

    fn unknown(name: &str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(name, Health::Unknown, found, Some(advice))
    }

    fn new(name: &str, verdict: Health, found: impl Into<String>, advice: Option<&str>) -> Self {
        let advice = advice.map(str::to_owned);
        Self { name: name.to_owned(), verdict, found: found.into(), advice }
    }
}
