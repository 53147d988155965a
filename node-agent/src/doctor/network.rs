//! The way out, and the ports that devices come in by.

use std::collections::BTreeSet;

use super::{Finding, place::Place};
use crate::status::Status;

/// What a full packet of a device needs: 1420 bytes, and 80 for WireGuard around it in IPv6.
const MTU: u32 = 1500;
/// The smallest that IPv6 works with (RFC 8200, section 5).
const SMALLEST_MTU: u32 = 1280;
/// The ports that the portal gives to pods first.
const FIRST_PORTS: std::ops::Range<u16> = 51820..51920;

pub(super) fn uplink(place: &Place) -> Finding {
    const NAME: &str = "uplink";
    match (uplink_v4(place), uplink_v6(place)) {
        (None, None) => {
            let advice = "The node has no default route, so nothing leaves it: set one up (`ip \
                          route add default via …`). Tunnels stand meanwhile.";
            Finding::bad(NAME, "no default route", advice)
        }
        (Some(v4), _) => Finding::ok(NAME, format!("packets leave by {v4}")),
        (None, Some(v6)) => {
            let advice = "Devices reach nothing by IPv4 through this node: give it an IPv4 default \
                          route.";
            Finding::warn(NAME, format!("only IPv6 has a default route, by {v6}"), advice)
        }
    }
}

pub(super) fn ipv6(place: &Place) -> Finding {
    const NAME: &str = "ipv6";
    if place.read("/proc/sys/net/ipv6/conf/all/disable_ipv6").is_some_and(|it| it == "1") {
        let advice = "Pods serve IPv4 only. Set net.ipv6.conf.all.disable_ipv6=0 to switch it on.";
        return Finding::warn(NAME, "IPv6 is switched off on this host", advice);
    }
    if let Some(uplink) = uplink_v6(place) {
        return Finding::ok(NAME, format!("packets leave by {uplink}"));
    }
    if !place.has("/proc/net/if_inet6") {
        let advice = "Pods serve IPv4 only. Boot without ipv6.disable=1, or take a kernel that has \
                      IPv6.";
        let found = "this kernel has no IPv6, or it is switched off";
        return Finding::warn(NAME, found, advice);
    }
    let advice = "Devices reach nothing by IPv6 through this node. It still goes into their tunnel, \
                  so nothing leaks past it.";
    Finding::warn(NAME, "no IPv6 default route", advice)
}

pub(super) fn mtu(place: &Place) -> Finding {
    const NAME: &str = "mtu";
    let Some(uplink) = uplink_v4(place).or_else(|| uplink_v6(place)) else {
        return Finding::unknown(NAME, "there is no uplink to look at", "See `uplink`.");
    };
    let read = place.read(&format!("/sys/class/net/{uplink}/mtu"));
    let Some(mtu) = read.and_then(|it| it.parse::<u32>().ok()) else {
        let found = format!("the MTU of {uplink} cannot be read");
        return Finding::unknown(NAME, found, "Is /sys mounted?");
    };
    let found = format!("{uplink} carries {mtu} bytes");
    if mtu < SMALLEST_MTU {
        let advice = "Below 1280 bytes IPv6 does not work, and tunnels hardly do: raise the MTU.";
        return Finding::bad(NAME, found, advice);
    }
    if mtu < MTU {
        let advice = "A full packet of a device needs 1500 bytes on the way; smaller links split \
                      it, which costs speed. Raise the MTU if the network allows.";
        return Finding::warn(NAME, found, advice);
    }
    Finding::ok(NAME, found)
}

pub(super) fn forwarding(place: &Place, status: Option<&(Status, bool)>) -> Finding {
    const NAME: &str = "forwarding";
    let on = |path: &str| place.read(path).map(|it| it == "1");
    let v4 = on("/proc/sys/net/ipv4/ip_forward");
    let v6 = on("/proc/sys/net/ipv6/conf/all/forwarding");
    let serves = status.is_some_and(|(status, running)| *running && !status.pods.is_empty());
    let advice = "Set net.ipv4.ip_forward=1 and net.ipv6.conf.all.forwarding=1 with sysctl; the \
                  agent does so itself where it may.";
    match (v4, v6) {
        (None, _) => Finding::unknown(NAME, "the switches cannot be read", "Is /proc mounted?"),
        (Some(true), Some(true) | None) => Finding::ok(NAME, "packets are forwarded"),
        (Some(false), _) if serves => {
            Finding::bad(NAME, "IPv4 packets are not forwarded, and there are pods", advice)
        }
        (_, Some(false)) if serves => Finding::warn(NAME, "IPv6 packets are not forwarded", advice),
        _ => Finding::ok(NAME, "off; the agent switches it on with the first pod"),
    }
}

pub(super) fn ports(place: &Place, status: Option<&(Status, bool)>) -> Finding {
    const NAME: &str = "ports";
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(|it| place.read(it));
    if tables[0].is_none() {
        return Finding::unknown(NAME, "/proc/net/udp cannot be read", "Is /proc mounted?");
    }
    let bound: BTreeSet<u16> =
        tables.iter().flatten().flat_map(|it| it.lines().filter_map(port)).collect();
    let (pods, running) = status.map_or((None, false), |(it, running)| (Some(&it.pods), *running));
    let wanted: BTreeSet<u16> = pods.into_iter().flatten().map(|(_, it)| it.port).collect();
    if !wanted.is_empty() {
        let in_use = |it: &&crate::status::PodStatus| {
            it.fault.as_deref().is_some_and(|it| it.contains("is in use"))
        };
        let taken: BTreeSet<u16> =
            pods.into_iter().flatten().map(|(_, it)| it).filter(in_use).map(|it| it.port).collect();
        if !taken.is_empty() {
            let advice = "Another program has them: find it with `ss -ulpn` and stop it.";
            return Finding::bad(NAME, format!("in use by another: {}", list(&taken)), advice);
        }
        let open = wanted.intersection(&bound).count();
        if running && open < wanted.len() {
            let closed: BTreeSet<u16> = wanted.difference(&bound).copied().collect();
            let advice = "Their pods do not listen: `myrelay-agent status` says why.";
            return Finding::bad(NAME, format!("not open: {}", list(&closed)), advice);
        }
        return Finding::ok(NAME, format!("{open} of {} pods' ports are open", wanted.len()));
    }
    let taken: BTreeSet<u16> = bound.into_iter().filter(|it| FIRST_PORTS.contains(it)).collect();
    if taken.is_empty() {
        let found = format!("UDP {} to {} are free", FIRST_PORTS.start, FIRST_PORTS.end - 1);
        return Finding::ok(NAME, found);
    }
    let advice = "Pods are given ports from 51820 on; one that meets a taken port does not serve. \
                  Find the other program with `ss -ulpn`.";
    Finding::warn(NAME, format!("in use already: {}", list(&taken)), advice)
}

fn list(ports: &BTreeSet<u16>) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = ports.iter().take(SHOWN).map(u16::to_string).collect();
    let more = ports.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("UDP {}{more}", shown.join(", "))
}

/// The port in a line of /proc/net/udp (proc_net_udp(5)): `sl local_address …`, in hexadecimal.
fn port(line: &str) -> Option<u16> {
    let local = line.split_whitespace().nth(1)?;
    u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()
}

/// The interface of the default route with the lowest metric: `Iface Destination Gateway Flags
/// RefCnt Use Metric Mask …` in /proc/net/route.
fn uplink_v4(place: &Place) -> Option<String> {
    let text = place.read("/proc/net/route")?;
    let routes = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (name, to, flags) = (fields.first()?, fields.get(1)?, fields.get(3)?);
        let (metric, mask) = (fields.get(6)?, fields.get(7)?);
        let up = u32::from_str_radix(flags, 16).ok()? & 1 == 1;
        let default = *to == "00000000" && *mask == "00000000" && up;
        default.then(|| (metric.parse::<u32>().unwrap_or(u32::MAX), (*name).to_owned()))
    });
    routes.min().map(|(_, name)| name)
}

/// The same of /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric,
/// counts, flags, interface.
fn uplink_v6(place: &Place) -> Option<String> {
    /// `RTF_UP` without `RTF_REJECT` (linux/route.h).
    const UP: u32 = 0x1;
    const REJECT: u32 = 0x200;
    let text = place.read("/proc/net/ipv6_route")?;
    let routes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (to, length) = (fields.first()?, fields.get(1)?);
        let (metric, flags, name) = (fields.get(5)?, fields.get(8)?, fields.get(9)?);
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let zero = to.bytes().all(|it| it == b'0') && *length == "00";
        let leads = zero && flags & UP != 0 && flags & REJECT == 0 && *name != "lo";
        leads.then(|| (u32::from_str_radix(metric, 16).unwrap_or(u32::MAX), (*name).to_owned()))
    });
    routes.min().map(|(_, name)| name)
}
