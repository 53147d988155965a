//! The words of a node's page.

use crate::{
    components::Column,
    contract::{HardeningItem, NodeState},
    texts as shared,
};

pub(crate) const FACTS: &str = "About this node";
pub(crate) const LOCATION: &str = "Location";
pub(crate) const ENDPOINT: &str = "Public address";
pub(crate) const LAST_CONTACT: &str = "Last contact";
pub(crate) const NEVER: &str = "Never";
pub(crate) const VERSION: &str = "Agent version";
pub(crate) const BACKEND: &str = "Backend";
pub(crate) const GENERATION: &str = "Generation";
pub(crate) const CERTIFICATE: &str = "Certificate ends";
pub(crate) const PODS: &str = "Pods";
pub(crate) const NO_PODS: &str = "No pod is on this node.";
pub(crate) const JOIN: &str = "Join line";
pub(crate) const JOIN_OPEN: &str = "The open join line ends ";
pub(crate) const JOIN_NEW: &str = "Make a new join line";
pub(crate) const JOIN_AGAIN: &str = "A new line voids the one before. A node that joins again gets a \
     new certificate in place of its old one; its pods stay.";
pub(crate) const RETIRE: &str = "Retire this node";
pub(crate) const DRAIN: &str = "Drain this node";
pub(crate) const DRAINING: &str = "Draining";
pub(crate) const DRAIN_STARTED: &str = "Started ";
pub(crate) const STOP_DRAINING: &str = "Stop draining";
pub(crate) const STOP_HINT: &str =
    "Pods that moved stay where they are, and new ones may come here.";
pub(crate) const RETIRE_NOW: &str = "Nothing is left here. You can retire the node.";
pub(crate) const RETIRE_LATER: &str = "When that is over you can retire the node.";
pub(crate) const STUCK: &str = "Its pods have nowhere to go";
pub(crate) const CLOCK: &str = "Its clock is wrong";
pub(crate) const FAULTS: &str = "What is wrong with it";
pub(crate) const FAULTS_LEDE: &str = "In the words of its agent. myrelay-agent doctor on the server \
     says more.";
pub(crate) const FOREIGN: &str = "Interfaces that are not ours";
pub(crate) const FOREIGN_LEDE: &str = "They look like pods and were made by something else. The \
     agent leaves them alone. If nothing needs them, delete them on the server.";
pub(crate) const HARDENING: &str = "How its host is guarded";
pub(crate) const HARDENING_UNKNOWN: &str = "Its agent has not said. The installer sets these things \
     up, and the agent looks at them.";
pub(crate) const ITEM: Column = ("What", false);
pub(crate) const VERDICT: Column = ("State", false);
pub(crate) const FOUND: Column = ("Found, and what to do", false);
pub(crate) const HARDENING_COLUMNS: &[Column] = &[ITEM, VERDICT, FOUND];
pub(crate) const OK: &str = "In order";
pub(crate) const WEAK: &str = "Weak";
pub(crate) const MISSING: &str = "Missing";
pub(crate) const UNKNOWN: &str = "Unknown";
pub(crate) const RESOLVER: &str = "DNS for its devices";
pub(crate) const UPSTREAMS: &str = "Resolvers of this node";
pub(crate) const UPSTREAMS_HINT: &str = "Such as tls://9.9.9.9#dns.quad9.net, asked with encryption, \
     or udp://192.0.2.1 without. At most 4, with commas between. Empty: those of the deployment.";
pub(crate) const SET_RESOLVER: &str = "Set the resolvers";

/// Whom the node asks.
pub(crate) fn resolver(own: &str, deployment: &str) -> String {
    match (own.is_empty(), deployment.is_empty()) {
        (false, _) => "The node answers its devices' questions itself and asks its own resolvers.",
        (true, false) => {
            return format!(
                "The node answers its devices' questions itself and asks the deployment's \
                 resolvers: {deployment}."
            );
        }
        (true, true) => {
            "The node runs no resolver: the setting dns-upstreams names none. Configurations name \
             what client-dns says."
        }
    }
    .to_owned()
}

/// How far the draining is.
pub(crate) fn drained(done: u64, total: u64) -> String {
    match total {
        0 => "No pod was on it.".to_owned(),
        1 => format!("{done} of 1 pod moved"),
        total => format!("{done} of {total} pods moved"),
    }
}

/// How many pods that moved away it serves, and until when.
pub(crate) fn serves_moved(moved: u32, until: &str) -> String {
    let pods = shared::count(moved, "pod that moved away is", "pods that moved away are");
    format!("{pods} still served here, until {until}.")
}

/// Which pods are in the list.
pub(crate) fn newest(shown: u32, total: u32) -> String {
    format!("The newest {shown} of {total}.")
}

/// Why draining does not go on, and what to do.
pub(crate) fn stuck(location: &str) -> String {
    format!(
        "No other node of {location} is in contact and takes pods. Bring one back, stop draining \
         one, or add a node with the location {location}. Draining then goes on by itself."
    )
}

/// How wrong its clock is, and what to do. In milliseconds.
pub(crate) fn clock(skew: i64) -> String {
    let seconds = skew.unsigned_abs() / 1000;
    let apart = match seconds {
        0..120 => shared::count(u32::try_from(seconds).unwrap_or(u32::MAX), "second", "seconds"),
        it if it < 7200 => format!("{} minutes", it / 60),
        it if it < 172_800 => format!("{} hours", it / 3600),
        it => format!("{} days", it / 86_400),
    };
    let way = if skew < 0 { "behind" } else { "ahead of" };
    format!(
        "It is {apart} {way} the portal's. Tunnels go on; months of quotas end at a wrong time. Let \
         the server take its time from the network: timedatectl set-ntp true."
    )
}

/// An item of the hardening.
pub(crate) fn item(item: HardeningItem) -> &'static str {
    match item {
        HardeningItem::SshPasswordLogin => "No password over SSH",
        HardeningItem::SshRootLogin => "Root over SSH by key only",
        HardeningItem::Fail2ban => "fail2ban guards SSH",
        HardeningItem::UnattendedUpgrades => "Security updates install themselves",
        HardeningItem::HostFirewall => "Host firewall",
        HardeningItem::Sysctl => "Kernel network settings",
    }
}

/// What to do where an item is not in order.
pub(crate) fn todo(item: HardeningItem) -> &'static str {
    match item {
        HardeningItem::SshPasswordLogin => {
            "Run the installer again, then look at sshd -T: passwordauthentication and \
             kbdinteractiveauthentication have to be no."
        }
        HardeningItem::SshRootLogin => {
            "Run the installer again, then look at sshd -T: permitrootlogin has to be \
             without-password or no."
        }
        HardeningItem::Fail2ban => {
            "Run the installer again, then look at systemctl status fail2ban."
        }
        HardeningItem::UnattendedUpgrades => {
            "Run the installer again, then look at systemctl status apt-daily-upgrade.timer."
        }
        HardeningItem::HostFirewall => {
            "Run the installer again, then look at systemctl status myrelay-firewall."
        }
        HardeningItem::Sysctl => "Run the installer again, then sysctl --system.",
    }
}

/// What a state asks of the operator; nothing where all is well.
pub(crate) fn explain(state: NodeState) -> Option<&'static str> {
    match state {
        NodeState::InContact => None,
        NodeState::Awaiting => {
            Some("Run the join line on the server. It appears here as in contact within seconds.")
        }
        NodeState::Away => Some(
            "Its agent has been silent for longer than 45 seconds. Tunnels on it go on without the \
             portal; changes wait until it is back. Look at the server, and at myrelay-agent \
             status there.",
        ),
        NodeState::Quarantined => Some(
            "Two agents ran with its identity, as after its folder was copied: neither is believed. \
             What they serve goes on. Find out which server should stay, make a new join line and \
             join that one; see to it that the other is gone.",
        ),
        NodeState::Retired => Some("Its certificate is refused. It cannot come back."),
    }
}

/// What the portal wants and what the node has.
pub(crate) fn generation(wanted: u64, applied: u64) -> String {
    if wanted == applied {
        format!("{applied}, all of it applied")
    } else {
        format!("{applied} applied, {wanted} wanted")
    }
}
