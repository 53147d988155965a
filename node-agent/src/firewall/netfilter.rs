//! Talking to the kernel's nf_tables: attributes, transactions, answers.
//!
//! Written out here because libnftnl, which the crates for it link, is under the GPL. The numbers
//! are those of linux/netlink.h, linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h.

use std::io;

use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use rustix::net::sockopt::set_socket_send_buffer_size_force;

const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;
const NLA_F_NESTED: u16 = 0x8000;
const NLMSG_ERROR: u16 = 2;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NFPROTO_INET: u8 = 1;
const GET_GENERATION: u16 = 16;
const GENERATION_ID: u16 = 1;
/// `struct nlmsghdr`, and `struct nfgenmsg` after it.
const HEADER: usize = 16;
const HEADERS: usize = HEADER + 4;

/// What a message of a transaction does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    NewTable = 0,
    DeleteTable = 2,
    NewChain = 3,
    NewRule = 6,
    NewSet = 9,
    NewElements = 12,
    DeleteElements = 14,
}

/// A list of netlink attributes.
#[derive(Clone, Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        // What is put in here is a few hundred bytes, or cut to fit by the caller.
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn number(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    pub(super) fn nest(self, kind: u16, inside: &Self) -> Self {
        self.bytes(kind | NLA_F_NESTED, &inside.0)
    }

    /// A list of nests, as nf_tables wants lists.
    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        const ITEM: u16 = 1;
        items.into_iter().fold(Self::default(), |list, item| list.nest(ITEM, &item))
    }
}

/// A transaction: all of it happens at one moment, or nothing.
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Where the last message begins; none while there is only the beginning.
    last: Option<usize>,
    sequence: u32,
}

impl Batch {
    pub(super) fn new() -> Self {
        let mut batch = Self { bytes: Vec::new(), last: None, sequence: 0 };
        batch.message(BATCH_BEGIN, NLM_F_REQUEST, 0, SUBSYSTEM, &[]);
        batch
    }

    pub(super) fn add(&mut self, act: Act, attributes: &Attributes) {
        let more = match act {
            Act::NewRule => NLM_F_CREATE | NLM_F_APPEND,
            Act::DeleteTable | Act::DeleteElements => 0,
            _ => NLM_F_CREATE,
        };
        self.last = Some(self.bytes.len());
        let kind = SUBSYSTEM << 8 | act as u16;
        self.message(kind, NLM_F_REQUEST | more, NFPROTO_INET, 0, &attributes.0);
    }

    fn message(&mut self, kind: u16, flags: u16, family: u8, resource: u16, body: &[u8]) {
        let length = u32::try_from(HEADERS + body.len()).unwrap_or(u32::MAX);
        self.sequence += 1;
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(flags.to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        self.bytes.extend(body);
    }
}

/// A socket in the network namespace of the calling thread.
pub(super) struct Netfilter(Socket);

impl Netfilter {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    /// Sends a transaction and waits until the kernel took it, or says what it refused. After a
    /// refusal more of them may wait in the socket: open another.
    pub(super) fn send(&mut self, mut batch: Batch) -> io::Result<()> {
        let Some(last) = batch.last else { return Ok(()) };
        // Refusals come unasked; one yes, to the last message, says that there was none.
        let flags = last + 6;
        batch.bytes[flags] |= NLM_F_ACK.to_ne_bytes()[0];
        batch.bytes[flags + 1] |= NLM_F_ACK.to_ne_bytes()[1];
        let answered = batch.sequence;
        batch.message(BATCH_END, NLM_F_REQUEST, 0, SUBSYSTEM, &[]);
        // A transaction is one datagram, and the usual buffer holds one of a few hundred pods.
        set_socket_send_buffer_size_force(&self.0, batch.bytes.len().max(1 << 18))?;
        self.0.send(&batch.bytes, 0)?;
        loop {
            let (answer, _) = self.0.recv_from_full()?;
            for message in messages(&answer) {
                if message.kind != NLMSG_ERROR {
                    continue;
                }
                match message.body.first_chunk().map(|it| i32::from_ne_bytes(*it)) {
                    Some(0) if message.sequence == answered => return Ok(()),
                    Some(0) => {}
                    Some(error) => return Err(io::Error::from_raw_os_error(-error)),
                    None => return Err(io::Error::other("nf_tables answered too little")),
                }
            }
        }
    }

    /// How often the rule set of this namespace was changed, by anybody.
    pub(super) fn generation(&mut self) -> io::Result<u32> {
        let mut request = Batch { bytes: Vec::new(), last: None, sequence: 0 };
        request.message(SUBSYSTEM << 8 | GET_GENERATION, NLM_F_REQUEST, 0, 0, &[]);
        self.0.send(&request.bytes, 0)?;
        let (answer, _) = self.0.recv_from_full()?;
        let found = messages(&answer).find_map(|it| read_generation(it.body));
        found.ok_or_else(|| io::Error::other("nf_tables did not tell its generation"))
    }
}

struct Message<'a> {
    kind: u16,
    sequence: u32,
    /// What follows the netlink header.
    body: &'a [u8],
}

fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let [l0, l1, l2, l3, k0, k1, _, _, s0, s1, s2, s3, ..] = *rest else { return None };
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let body = rest.get(HEADER..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        let sequence = u32::from_ne_bytes([s0, s1, s2, s3]);
        Some(Message { kind: u16::from_ne_bytes([k0, k1]), sequence, body })
    })
}

fn read_generation(body: &[u8]) -> Option<u32> {
    let mut rest = body.get(HEADERS - HEADER..)?;
    while let [l0, l1, k0, k1, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        if u16::from_ne_bytes([k0, k1]) == GENERATION_ID {
            return Some(u32::from_be_bytes(value.try_into().ok()?));
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}
