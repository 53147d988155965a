//! Whether the host's own firewall stands: asked of the kernel, since files do not stop packets.

use std::io;

use myrelay_node_protocol::HardeningState;
use rtnetlink::sys::protocols::NETLINK_NETFILTER;

use super::{missing, ok, place::Place, unknown, weak};
use crate::netlink::{Attributes, Netlink, attribute};

/// As in `deploy/hardening/host-firewall.nft`.
const TABLE: &str = "myrelay_host";
const CHAIN: &str = "input";

/// `NFNL_SUBSYS_NFTABLES` and `NFT_MSG_GETCHAIN`.
const GET_CHAIN: u16 = 10 << 8 | 4;
const NFPROTO_INET: u8 = 1;
/// `struct nfgenmsg`.
const HEADER: usize = 4;

/// Attributes of a chain (`enum nft_chain_attributes`) and of its hook.
const OF_TABLE: u16 = 1;
const NAME: u16 = 3;
const HOOK: u16 = 4;
const POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;

/// `NF_INET_LOCAL_IN` and `NF_DROP`.
const LOCAL_IN: u32 = 1;
const DROP: u32 = 0;

/// Whether what is for the machine is refused unless a rule lets it in.
pub(super) fn inspect(place: &Place) -> HardeningState {
    if !place.is_this_machine() {
        return unknown("only the machine itself can tell");
    }
    match guard() {
        Ok(Guard::Stands) => {
            ok("the table inet myrelay_host drops what is not SSH or a live pod's")
        }
        Ok(Guard::Open) => weak(
            "the table inet myrelay_host was changed and drops nothing: systemctl reload \
             myrelay-firewall",
        ),
        Ok(Guard::Absent) => missing(
            "there is no table inet myrelay_host: run install.sh again, or look at systemctl \
             status myrelay-firewall",
        ),
        Err(error) => unknown(format!("nf_tables did not tell: {error}")),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Guard {
    Stands,
    Open,
    Absent,
}

/// Asks the kernel for the chain, in the network namespace of the calling thread.
fn guard() -> io::Result<Guard> {
    let chain = Attributes::default().text(OF_TABLE, TABLE).text(NAME, CHAIN);
    let body = [&[NFPROTO_INET, 0, 0, 0], chain.as_bytes()].concat();
    let answer = match Netlink::open(NETLINK_NETFILTER)?.get(GET_CHAIN, &body) {
        Ok(answer) => answer,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(Guard::Absent),
        Err(error) => return Err(error),
    };
    let chain = answer.get(HEADER..).unwrap_or_default();
    let hook = attribute(chain, HOOK).and_then(|it| attribute(it, HOOK_NUMBER));
    let stands = number(hook) == Some(LOCAL_IN) && number(attribute(chain, POLICY)) == Some(DROP);
    Ok(if stands { Guard::Stands } else { Guard::Open })
}

fn number(bytes: Option<&[u8]>) -> Option<u32> {
    bytes?.first_chunk().map(|it| u32::from_be_bytes(*it))
}
