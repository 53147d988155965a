//! How well a node's host is guarded, item by item, as its agent sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the installer sets up on a host, and the agent looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HardeningItem {
    /// Nobody signs in over SSH with a password, nor by keyboard-interactive.
    SshPasswordLogin,
    /// Root signs in over SSH with a key or not at all.
    SshRootLogin,
    /// fail2ban guards SSH.
    Fail2ban,
    /// Security updates install themselves.
    UnattendedUpgrades,
    /// Only SSH and the pods' ports are open.
    HostFirewall,
    /// The kernel's network settings of the installer are in force.
    Sysctl,
}

impl HardeningItem {
    /// Every item, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::SshPasswordLogin,
        Self::SshRootLogin,
        Self::Fail2ban,
        Self::UnattendedUpgrades,
        Self::HostFirewall,
        Self::Sysctl,
    ];
}

/// How an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// There, and not as it should be.
    Weak,
    /// Not there.
    Missing,
    /// The agent may not look, or cannot tell.
    Unknown,
}

/// One item as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardeningState {
    pub verdict: Verdict,
    /// What was found and what to do, in words for the operator; at most 300 characters.
    pub detail: String,
}

/// All items that were looked at.
pub type HardeningReport = BTreeMap<HardeningItem, HardeningState>;
