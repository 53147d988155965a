//! What the kernel has of what a node needs.

use std::io;

use super::{Finding, place::Place};
use crate::firewall;

/// The first with WireGuard.
const WITH_WIREGUARD: (u32, u32) = (5, 6);
/// What holds a plan's speed: the queue, the second queue's device, and what leads there.
const SHAPERS: [&str; 4] = ["sch_htb", "ifb", "act_mirred", "cls_u32"];

/// How a module is there.
enum Module {
    Running,
    /// The kernel loads it when it is asked for.
    Loadable,
    Missing,
    /// The lists of modules cannot be read.
    Unknown,
}

pub(super) fn release(place: &Place) -> Finding {
    let Some(release) = place.read("/proc/sys/kernel/osrelease") else {
        return Finding::unknown("kernel", "its release cannot be read", "Is /proc mounted?");
    };
    let mut numbers = release.split(['.', '-']).map_while(|it| it.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let found = format!("Linux {release}");
    if version < WITH_WIREGUARD {
        let advice = "Kernels from 5.6 on have WireGuard: upgrade the system. Until then a slower \
                      library in the agent serves.";
        return Finding::warn("kernel", found, advice);
    }
    Finding::ok("kernel", found)
}

pub(super) fn wireguard(place: &Place) -> Finding {
    const NAME: &str = "wireguard";
    match module(place, NAME) {
        Module::Running => Finding::ok(NAME, "the kernel's WireGuard is there"),
        Module::Loadable => Finding::ok(NAME, "the kernel loads its WireGuard when it is needed"),
        Module::Missing => {
            let advice = "A library in the agent serves, with less speed. For the kernel's own, \
                          install a kernel that has it; in a container the host's counts.";
            Finding::warn(NAME, "this kernel has no WireGuard module", advice)
        }
        Module::Unknown => {
            let found = "whether the kernel has WireGuard cannot be told: /lib/modules has no list";
            Finding::unknown(NAME, found, "`myrelay-agent status` names the backend that runs.")
        }
    }
}

pub(super) fn tun(place: &Place) -> Finding {
    const NAME: &str = "tun";
    let spare = matches!(module(place, "wireguard"), Module::Running | Module::Loadable);
    match place.opens("/dev/net/tun") {
        Ok(()) => Finding::ok(NAME, "/dev/net/tun opens"),
        Err(error) if spare => Finding::ok(
            NAME,
            format!("/dev/net/tun does not open ({error}); the kernel's own WireGuard needs none"),
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let advice = "Run this as root, or give the agent's unit the device: \
                          DeviceAllow=/dev/net/tun rw.";
            Finding::unknown(NAME, "/dev/net/tun is not for this user", advice)
        }
        Err(error) => {
            let advice = "Load the module (`modprobe tun`); in a container let the host hand in \
                          /dev/net/tun. Without it and without the kernel's WireGuard no pod serves.";
            Finding::bad(NAME, format!("/dev/net/tun does not open: {error}"), advice)
        }
    }
}

pub(super) fn firewall() -> Finding {
    const NAME: &str = "nftables";
    match firewall::stands() {
        Ok(true) => Finding::ok(NAME, "nf_tables answers, and the table `myrelay` stands"),
        Ok(false) => {
            Finding::ok(NAME, "nf_tables answers; the table `myrelay` comes with the first pod")
        }
        Err(error) if is_refused(&error) => {
            Finding::unknown(NAME, "nf_tables is not for this user", "Run this as root.")
        }
        Err(error) => {
            let advice = "Load the module (`modprobe nf_tables`) or take a kernel that has it: \
                          without walls around it no pod serves.";
            Finding::bad(NAME, format!("nf_tables does not answer: {error}"), advice)
        }
    }
}

pub(super) fn limits(place: &Place) -> Finding {
    const NAME: &str = "limits";
    let modules = SHAPERS.map(|name| (name, module(place, name)));
    let missing: Vec<&str> = modules
        .iter()
        .filter(|(_, it)| matches!(it, Module::Missing))
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let found = format!("the kernel lacks {}", missing.join(", "));
        let advice = "Plans with a speed do not hold here; pods that have one do not serve. \
                      Install the kernel's extra modules (linux-modules-extra on Ubuntu).";
        return Finding::warn(NAME, found, advice);
    }
    if modules.iter().any(|(_, it)| matches!(it, Module::Unknown)) {
        let found = "whether the kernel can hold a speed cannot be told: /lib/modules has no list";
        return Finding::unknown(
            NAME,
            found,
            "A pod with a speed says so where it cannot be held.",
        );
    }
    Finding::ok(NAME, "the kernel can hold a plan's speed")
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Looks where the kernel lists what runs, what is built in, and what can be loaded (depmod(8)).
fn module(place: &Place, name: &str) -> Module {
    if place.has(&format!("/sys/module/{name}")) {
        return Module::Running;
    }
    let Some(release) = place.read("/proc/sys/kernel/osrelease") else { return Module::Unknown };
    let list = |file: &str| place.read(&format!("/lib/modules/{release}/{file}"));
    let names = |text: &str| {
        text.lines().any(|line| {
            let path = line.split(':').next().unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            file.split(".ko").next() == Some(name) && file.contains(".ko")
        })
    };
    match (list("modules.builtin"), list("modules.dep")) {
        (Some(built_in), _) if names(&built_in) => Module::Running,
        (_, Some(loadable)) if names(&loadable) => Module::Loadable,
        (None, None) => Module::Unknown,
        _ => Module::Missing,
    }
}
