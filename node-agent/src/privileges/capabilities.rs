//! The five sets of capabilities of a thread (capabilities(7)), and how all but one go.

use rustix::{
    io::Errno,
    thread::{
        CapabilitySet, CapabilitySets, capabilities, capability_is_in_ambient_set,
        capability_is_in_bounding_set, clear_ambient_capability_set,
        configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    },
};

use super::PrivilegeError;

/// All the agent ever uses: links, addresses, routes, WireGuard, nftables, TUN devices and the
/// switches below /proc/sys/net ask for it and for nothing else.
const KEPT: CapabilitySet = CapabilitySet::NET_ADMIN;

/// What the calling thread has.
#[derive(Clone, Copy)]
pub(super) struct Held {
    sets: CapabilitySets,
    bounding: CapabilitySet,
    ambient: CapabilitySet,
}

impl Held {
    pub(super) fn read() -> Result<Self, PrivilegeError> {
        let read = || {
            let mut bounding = CapabilitySet::empty();
            let mut ambient = CapabilitySet::empty();
            for capability in every() {
                bounding.set(capability, capability_is_in_bounding_set(capability)?);
                ambient.set(capability, capability_is_in_ambient_set(capability)?);
            }
            Ok(Self { sets: capabilities(None)?, bounding, ambient })
        };
        read().map_err(|errno: Errno| PrivilegeError::Read(errno.into()))
    }

    pub(super) fn net_admin(&self) -> bool {
        self.sets.effective.contains(KEPT)
    }

    pub(super) fn nothing_else(&self) -> bool {
        let CapabilitySets { effective, permitted, inheritable } = self.sets;
        let all = [effective, permitted, inheritable, self.bounding, self.ambient];
        all.into_iter().all(|set| KEPT.contains(set))
    }
}

/// Every capability that this kernel knows; it may know more than we do.
fn every() -> impl Iterator<Item = CapabilitySet> {
    (0..u64::BITS)
        .map(|bit| CapabilitySet::from_bits_retain(1 << bit))
        .take_while(|capability| capability_is_in_bounding_set(*capability).is_ok())
}

/// Leaves CAP_NET_ADMIN in each of the five sets, and nothing else; a thread that does not have it
/// does not get it.
pub(super) fn narrow() -> Result<(), PrivilegeError> {
    let refused = |what| move |errno: Errno| PrivilegeError::Refused { what, source: errno.into() };
    let held = Held::read()?;
    // First, for it takes a capability to do so.
    if held.sets.effective.contains(CapabilitySet::SETPCAP) {
        for capability in every().filter(|it| held.bounding.contains(*it) && *it != KEPT) {
            remove_capability_from_bounding_set(capability)
                .map_err(refused("capabilities (bounding set)"))?;
        }
    }
    let kept = held.sets.permitted & KEPT;
    let wanted = CapabilitySets { effective: kept, permitted: kept, inheritable: kept };
    if held.sets != wanted {
        set_capabilities(None, wanted).map_err(refused("capabilities"))?;
    }
    if held.ambient != kept {
        let clear = clear_ambient_capability_set();
        clear.map_err(refused("capabilities (ambient set)"))?;
        if !kept.is_empty() {
            let raise = configure_capability_in_ambient_set(kept, true);
            raise.map_err(refused("capabilities (ambient set)"))?;
        }
    }
    Ok(())
}
