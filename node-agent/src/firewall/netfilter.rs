//! The netlink socket to the kernel's nf_tables (linux/netfilter/nf_tables.h).

use std::io;

use nftnl::FinalizedBatch;

/// `struct nlmsghdr` and, after it, `struct nfgenmsg`.
const HEADERS: usize = 16 + 4;

/// A socket in the network namespace of the calling thread.
pub(super) struct Netfilter {
    socket: mnl::Socket,
    buffer: Vec<u8>,
}

impl Netfilter {
    pub(super) fn open() -> io::Result<Self> {
        let size = usize::try_from(nftnl::nft_nlmsg_maxsize()).map_err(io::Error::other)?;
        Ok(Self { socket: mnl::Socket::new(mnl::Bus::Netfilter)?, buffer: vec![0; size] })
    }

    /// Sends a transaction and waits until the kernel took it, or says what it refused.
    pub(super) fn send(&mut self, batch: &FinalizedBatch) -> io::Result<()> {
        self.socket.send_all(batch)?;
        let port = self.socket.portid();
        let mut expected = batch.sequence_numbers();
        while !expected.is_empty() {
            for message in self.socket.recv(&mut self.buffer)? {
                let Some(sequence) = expected.next() else {
                    return Err(io::Error::other("one answer too many from nf_tables"));
                };
                mnl::cb_run(message?, sequence, port)?;
            }
        }
        Ok(())
    }

    /// How often the rule set of this namespace was changed, by anybody (`NFT_MSG_GETGEN`).
    pub(super) fn generation(&mut self) -> io::Result<u32> {
        let kind = libc::NFNL_SUBSYS_NFTABLES << 8 | libc::NFT_MSG_GETGEN;
        let mut message = Vec::with_capacity(HEADERS);
        message.extend(u32::try_from(HEADERS).map_err(io::Error::other)?.to_ne_bytes());
        message.extend(u16::try_from(kind).map_err(io::Error::other)?.to_ne_bytes());
        message.extend(u16::try_from(libc::NLM_F_REQUEST).map_err(io::Error::other)?.to_ne_bytes());
        // Sequence, port, then family, version and resource of the nfgenmsg: all zero.
        message.resize(HEADERS, 0);
        self.socket.send(&message)?;
        for answer in self.socket.recv(&mut self.buffer)? {
            if let Some(generation) = read_generation(answer?) {
                return Ok(generation);
            }
        }
        Err(io::Error::other("nf_tables did not tell its generation"))
    }
}

/// Finds `NFTA_GEN_ID` among the attributes of an answer.
fn read_generation(message: &[u8]) -> Option<u32> {
    const NFTA_GEN_ID: u16 = 1;
    let mut rest = message.get(HEADERS..)?;
    while let [l0, l1, k0, k1, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes([k0, k1]) == NFTA_GEN_ID {
            return Some(u32::from_be_bytes(value.try_into().ok()?));
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}
