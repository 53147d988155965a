//! The host's own firewall, if the installer made one: it opens exactly the pods' ports.

use std::{collections::BTreeSet, io};

use super::{
    netfilter::{Act, Batch, Netfilter},
    sets,
};

/// The table of `deploy/hardening/host-firewall.nft`, and its set of UDP ports.
const TABLE: &str = "myrelay_host";
const SET: &str = "pod_ports";

/// Makes the set hold exactly these ports and tells whether it had to be changed. Where there is
/// no such set, there is nothing to do.
pub(super) fn open_ports(netfilter: &mut Netfilter, wanted: &BTreeSet<u16>) -> io::Result<bool> {
    let Some(present) = netfilter.elements(TABLE, SET)? else { return Ok(false) };
    let wanted: BTreeSet<_> = wanted.iter().map(|it| it.to_be_bytes().to_vec()).collect();
    let mut batch = Batch::new();
    sets::change(&mut batch, Act::DeleteElements, TABLE, SET, present.difference(&wanted));
    sets::change(&mut batch, Act::NewElements, TABLE, SET, wanted.difference(&present));
    let changes = !batch.is_empty();
    netfilter.send(batch)?;
    Ok(changes)
}
