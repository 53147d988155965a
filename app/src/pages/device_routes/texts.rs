//! The words of the page where a device's routes are chosen.

pub(crate) const LEDE: &str = "What this device sends through the tunnel. The choice becomes the \
     AllowedIPs line of its configuration: put the new configuration on the device afterwards.";
pub(crate) const MODE: &str = "Through the tunnel goes";
pub(crate) const EVERYTHING: &str = "Everything";
pub(crate) const EVERYTHING_HINT: &str = "Nothing leaves the device beside the tunnel.";
pub(crate) const EXCEPT_LOCAL: &str = "Everything but local networks";
pub(crate) const EXCEPT_LOCAL_HINT: &str = "Printers, file servers and other devices around it stay \
     in reach: private, link-local and multicast addresses go beside the tunnel.";
pub(crate) const EXCEPT: &str = "Everything but the networks below";
pub(crate) const ONLY: &str = "Only the networks below";
pub(crate) const ONLY_HINT: &str =
    "All other traffic goes beside the tunnel, as if it were not there.";
pub(crate) const NETWORKS: &str = "Networks";
pub(crate) const NETWORKS_HINT: &str = "IPv4 and IPv6, one a line, such as 192.168.0.0/16 or \
     fd00::/8; an address alone is that one host. At most 100.";
pub(crate) const INSIDE: &str = "The location's own addresses and its resolvers always go through the \
     tunnel, and its own endpoint beside it.";
pub(crate) const BLOCK_TITLE: &str = "Blocking traffic beside the tunnel";
pub(crate) const BLOCK: &str = "WireGuard apps can block all traffic that is not in the tunnel (kill \
     switch, \u{201c}block untunneled traffic\u{201d}). They do so only when everything goes through \
     it, so another choice here switches that off.";
pub(crate) const SUBMIT: &str = "Save the choice";

pub(crate) fn title(name: &str) -> String {
    format!("What goes through the tunnel of {name}")
}
