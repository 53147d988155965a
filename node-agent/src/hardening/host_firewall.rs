//! Whether the host's own firewall stands: asked of the kernel, since files do not stop packets.

use std::io;

use myrelay_node_protocol::HardeningState;
use rtnetlink::sys::protocols::NETLINK_NETFILTER;

use super::{missing, ok, place::Place, unknown, weak};
use crate::netlink::{Netlink, attribute};

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

/// Asks the kernel for its chains, in the network namespace of the calling thread.
fn guard() -> io::Result<Guard> {
    let all = Netlink::open(NETLINK_NETFILTER)?.dump(GET_CHAIN, &[NFPROTO_INET, 0, 0, 0])?;
    let mut chains = all.iter().filter_map(|it| it.get(HEADER..));
    let Some(chain) =
        chains.find(|it| is(attribute(it, OF_TABLE), TABLE) && is(attribute(it, NAME), CHAIN))
    else {
        return Ok(Guard::Absent);
    };
    let hook = attribute(chain, HOOK).and_then(|it| attribute(it, HOOK_NUMBER));
    let stands = number(hook) == Some(LOCAL_IN) && number(attribute(chain, POLICY)) == Some(DROP);
    Ok(if stands { Guard::Stands } else { Guard::Open })
}

/// Whether it is this text, with the zero at its end.
fn is(bytes: Option<&[u8]>, text: &str) -> bool {
    bytes.and_then(|it| it.strip_suffix(&[0])) == Some(text.as_bytes())
}

fn number(bytes: Option<&[u8]>) -> Option<u32> {
    bytes?.first_chunk().map(|it| u32::from_be_bytes(*it))
}
