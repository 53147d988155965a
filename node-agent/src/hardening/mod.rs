//! How well the host is guarded: what the installer sets up, read from the machine as it is.
//!
//! Nothing is asked of another program: files are evaluated as those who read them do, by exact
//! values. Where the agent may not look it says so.

mod apt;
mod fail2ban;
mod host_firewall;
mod look;
mod place;
mod ssh;
mod ssh_config;
mod sysctl;

use std::path::Path;

pub(crate) use look::look_for_ever;
use myrelay_node_protocol::{HardeningItem, HardeningReport, HardeningState, Verdict};
use place::Place;

/// The most characters of a detail.
const MAX_DETAIL: usize = 300;

/// Looks at everything the installer sets up, on the machine whose root folder this is.
///
/// `now_ms` are milliseconds since 1970 UTC. The kernel's own state, the firewall's, is asked for
/// only where the folder is `/`; of another machine it is unknown. Never fails: what could not be
/// looked at is in the report as that.
pub fn inspect(root: &Path, now_ms: i64) -> HardeningReport {
    let place = Place::new(root);
    let (password, root_login) = ssh::inspect(&place);
    HardeningReport::from([
        (HardeningItem::SshPasswordLogin, password),
        (HardeningItem::SshRootLogin, root_login),
        (HardeningItem::Fail2ban, fail2ban::inspect(&place)),
        (HardeningItem::UnattendedUpgrades, apt::inspect(&place, now_ms)),
        (HardeningItem::HostFirewall, host_firewall::inspect(&place)),
        (HardeningItem::Sysctl, sysctl::inspect(&place)),
    ])
}

fn state(verdict: Verdict, detail: impl Into<String>) -> HardeningState {
    let mut detail = detail.into();
    if let Some((end, _)) = detail.char_indices().nth(MAX_DETAIL - 1)
        && detail.chars().count() > MAX_DETAIL
    {
        detail.truncate(end);
        detail.push('…');
    }
    HardeningState { verdict, detail }
}

fn ok(detail: impl Into<String>) -> HardeningState {
    state(Verdict::Ok, detail)
}

fn weak(detail: impl Into<String>) -> HardeningState {
    state(Verdict::Weak, detail)
}

fn missing(detail: impl Into<String>) -> HardeningState {
    state(Verdict::Missing, detail)
}

fn unknown(detail: impl Into<String>) -> HardeningState {
    state(Verdict::Unknown, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_machine_is_told_item_by_item_and_not_praised() {
        let empty = tempfile::tempdir().unwrap();
        let report = inspect(empty.path(), 0);
        let verdicts: Vec<_> = report.iter().map(|(item, state)| (*item, state.verdict)).collect();
        let expected = [
            // No server, no way in.
            (HardeningItem::SshPasswordLogin, Verdict::Ok),
            (HardeningItem::SshRootLogin, Verdict::Ok),
            (HardeningItem::Fail2ban, Verdict::Missing),
            (HardeningItem::UnattendedUpgrades, Verdict::Missing),
            (HardeningItem::HostFirewall, Verdict::Unknown),
            (HardeningItem::Sysctl, Verdict::Unknown),
        ];
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn a_detail_has_a_bound_that_counts_characters() {
        let long = state(Verdict::Weak, "ß".repeat(1000));
        assert_eq!(long.detail.chars().count(), MAX_DETAIL);
        let fits = state(Verdict::Weak, "ß".repeat(MAX_DETAIL));
        assert_eq!(fits.detail, "ß".repeat(MAX_DETAIL));
    }
}
