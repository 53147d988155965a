//! The kernel switches that let a node forward, set only where they are not set already.

use std::{fs, io};

use super::{BackendError, Notice};

/// Lets the node forward IPv4 and, where it has it, IPv6.
///
/// `uplinks` are the names of the interfaces that lead out: a host that forwards IPv6 stops
/// listening to router advertisements unless `accept_ra` is 2 (ip-sysctl.rst), and would lose
/// its own default route.
pub(super) fn ensure_forwarding(uplinks: &[String]) -> Result<(), BackendError> {
    ensure("net/ipv4/ip_forward", "1")?;
    let v6 = "net/ipv6/conf/all/forwarding";
    match read(v6) {
        // A host without IPv6 has no such switch.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(value) if value == "1" => return Ok(()),
        _ => {}
    }
    for uplink in uplinks {
        let accept_ra = format!("net/ipv6/conf/{uplink}/accept_ra");
        if read(&accept_ra).is_ok_and(|it| it == "1") {
            ensure(&accept_ra, "2")?;
        }
    }
    ensure(v6, "1")
}

/// What keeps interfaces from having IPv6 addresses.
pub(super) fn lack_of_ipv6() -> Notice {
    // A kernel without IPv6, or with ipv6.disable=1, has none of its switches.
    if read("net/ipv6/conf/all/disable_ipv6").is_ok() { Notice::Ipv6Off } else { Notice::Ipv6 }
}

fn read(switch: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/sys/{switch}")).map(|it| it.trim().to_owned())
}

fn ensure(switch: &str, wanted: &str) -> Result<(), BackendError> {
    if read(switch).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    let name = switch.replace('/', ".");
    let what = format!("set {name}={wanted}, which the agent was not allowed to: set it yourself");
    fs::write(format!("/proc/sys/{switch}"), wanted).map_err(BackendError::failed(what))
}
