//! The unit with which systemd starts the agent.

use std::path::Path;

use crate::world::{command, text};

const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/myrelay-agent.service");
const TEXT: &str = include_str!("../../deploy/myrelay-agent.service");
/// The exposure that `systemd-analyze security` may find at most: 1.7 of 10. What is left is what
/// the agent is for: the host's network, netlink, CAP_NET_ADMIN, the TUN device.
const THRESHOLD: &str = "--threshold=17";

/// What a setting is given in the unit, from the first line to the last.
pub(crate) fn values(setting: &str) -> Vec<String> {
    let lines = TEXT.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(name, _)| *name == setting).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn p23_the_unit_grants_one_capability_to_a_user_of_its_own() {
    assert_eq!(values("User"), ["myrelay-agent"]);
    assert_eq!(values("AmbientCapabilities"), ["CAP_NET_ADMIN"]);
    assert_eq!(values("CapabilityBoundingSet"), ["CAP_NET_ADMIN"]);
    assert_eq!(values("NoNewPrivileges"), ["yes"]);
    assert_eq!(values("DevicePolicy"), ["closed"]);
    assert_eq!(values("DeviceAllow"), ["/dev/net/tun rw"]);
    assert_eq!(values("ProtectSystem"), ["strict"]);
    assert_eq!(values("ReadWritePaths"), ["/proc/sys/net"]);
    let start = values("ExecStart");
    assert_eq!(start.len(), 1);
    let program = start[0].split(' ').next().unwrap();
    assert!(Path::new(program).is_absolute(), "no prefix that would give it more: {program}");
    for setting in ["ExecStartPre", "ExecStartPost", "ExecStop", "PermissionsStartOnly"] {
        assert!(values(setting).is_empty(), "{setting}");
    }
}

#[test]
fn p23_systemd_finds_little_that_the_unit_leaves_open() {
    let output = command("systemd-analyze", &["security", "--offline=true", "--no-pager"])
        .args([THRESHOLD, UNIT])
        .output()
        .expect("no systemd-analyze: run cargo xtask setup");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said, "", "systemd understands every line of the unit");
    assert!(output.status.success(), "{}", text(output));
}
