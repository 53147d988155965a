//! Netlink messages by hand (linux/netlink.h): attributes, requests, answers, one socket.
//!
//! For those parts of the kernel that no crate of a fitting licence speaks to: nf_tables, and the
//! queues of traffic control.

use std::{io, time::Duration};

use rtnetlink::sys::{Socket, SocketAddr};
use rustix::net::sockopt::{Timeout, set_socket_send_buffer_size_force, set_socket_timeout};

pub(crate) const NLM_F_REQUEST: u16 = 0x1;
pub(crate) const NLM_F_ACK: u16 = 0x4;
const NLM_F_ECHO: u16 = 0x8;
pub(crate) const NLM_F_REPLACE: u16 = 0x100;
pub(crate) const NLM_F_EXCL: u16 = 0x200;
pub(crate) const NLM_F_DUMP: u16 = 0x300;
pub(crate) const NLM_F_CREATE: u16 = 0x400;
pub(crate) const NLM_F_APPEND: u16 = 0x800;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLA_F_NESTED: u16 = 0x8000;
/// Without the flags of an attribute's kind (`NLA_TYPE_MASK`).
const NLA_KIND: u16 = 0x3fff;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// The kernel answers at once, or in a second when it is busy; without an answer this is an error.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a dump is tried again when something changed under it.
const DUMP_TRIES: usize = 16;

/// A list of netlink attributes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes(Vec<u8>);

impl Attributes {
    pub(crate) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        // What is put in here is a few hundred bytes, or cut to fit by the caller.
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// A number as nf_tables has it: of the network.
    pub(crate) fn number(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// A number as rtnetlink has it: of this machine.
    pub(crate) fn native(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    pub(crate) fn text(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    pub(crate) fn nest(self, kind: u16, inside: &Self) -> Self {
        self.bytes(kind | NLA_F_NESTED, &inside.0)
    }

    /// A list of nests, as nf_tables wants lists.
    pub(crate) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        const ITEM: u16 = 1;
        items.into_iter().fold(Self::default(), |list, item| list.nest(ITEM, &item))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The attributes in these bytes, as (kind, value). What is cut short ends the list.
pub(crate) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let [l0, l1, k0, k1, ..] = *rest else { return None };
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([k0, k1]) & NLA_KIND, value))
    })
}

/// The first attribute of this kind.
pub(crate) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(it, _)| *it == kind).map(|(_, value)| value)
}

/// A number of this machine at the beginning of these bytes.
pub(crate) fn native(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|it| u32::from_ne_bytes(*it))
}

/// Requests, one behind the other, sent as one datagram.
#[derive(Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// Where the last one begins.
    last: usize,
    count: u32,
}

impl Requests {
    /// Adds one; the body is the family's own header with what follows it.
    pub(crate) fn add(&mut self, kind: u16, flags: u16, body: &[u8]) {
        let length = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        self.last = self.bytes.len();
        self.count += 1;
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend(self.count.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// How many there are; also the number of the last.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Has the kernel say yes to the last one too, and not only no.
    pub(crate) fn acknowledge_last(&mut self) {
        let flags = self.last + 6;
        for (byte, bits) in self.bytes[flags..].iter_mut().zip(NLM_F_ACK.to_ne_bytes()) {
            *byte |= bits;
        }
    }
}

/// A message from the kernel.
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    flags: u16,
    sequence: u32,
    /// What follows the netlink header.
    pub(crate) body: &'a [u8],
}

impl Message<'_> {
    /// What the kernel says to a request: a yes, or why not. None when this says something else.
    fn answer(&self) -> Option<io::Result<()>> {
        if self.kind != NLMSG_ERROR && self.kind != NLMSG_DONE {
            return None;
        }
        Some(match self.body.first_chunk().map(|it| i32::from_ne_bytes(*it)) {
            Some(error) if error < 0 => Err(io::Error::from_raw_os_error(-error)),
            Some(_) => Ok(()),
            None => Err(io::Error::other("the kernel answered too little")),
        })
    }
}

fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *rest else { return None };
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let body = rest.get(HEADER..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            body,
        })
    })
}

/// A socket in the network namespace of the calling thread. It waits for the kernel, so it is
/// not for async threads. After an error more answers may wait in it: open another.
pub(crate) struct Netlink(Socket);

impl Netlink {
    pub(crate) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// Sends requests and waits for the yes to the one of this number, or for the first no.
    pub(crate) fn send(&mut self, requests: &Requests, answered: u32) -> io::Result<()> {
        // They are one datagram, and the usual buffer holds one of a few hundred pods.
        set_socket_send_buffer_size_force(&self.0, requests.bytes.len().max(1 << 18))?;
        self.0.send(&requests.bytes, 0)?;
        loop {
            let (answer, _) = self.0.recv_from_full()?;
            for message in messages(&answer) {
                match message.answer() {
                    Some(Ok(())) if message.sequence == answered => return Ok(()),
                    Some(Err(error)) => return Err(error),
                    _ => {}
                }
            }
        }
    }

    /// Sends one request and waits for the yes or the no.
    pub(crate) fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let mut requests = Requests::default();
        requests.add(kind, flags | NLM_F_ACK, body);
        self.send(&requests, 1)
    }

    /// Sends one request and reads the message that answers it; to some the kernel says yes alone.
    pub(crate) fn get(&mut self, kind: u16, body: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut request = Requests::default();
        // Some answers go to whoever listens, and to who asked only with this.
        request.add(kind, NLM_F_ECHO | NLM_F_ACK, body);
        self.0.send(&request.bytes, 0)?;
        let mut found = None;
        loop {
            let (answer, _) = self.0.recv_from_full()?;
            for message in messages(&answer) {
                match message.answer() {
                    Some(end) => return end.map(|()| found),
                    None => found = Some(message.body.to_vec()),
                }
            }
        }
    }

    /// Everything of one kind: the bodies of all answers. Tried again while something changes
    /// under it.
    pub(crate) fn dump(&mut self, kind: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        for _ in 0..DUMP_TRIES {
            if let Some(found) = self.dump_once(kind, body)? {
                return Ok(found);
            }
        }
        Err(io::Error::other("it changes all the time; trying again later"))
    }

    fn dump_once(&mut self, kind: u16, body: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>> {
        let mut request = Requests::default();
        request.add(kind, NLM_F_DUMP, body);
        self.0.send(&request.bytes, 0)?;
        let (mut found, mut interrupted) = (Vec::new(), false);
        loop {
            let (answer, _) = self.0.recv_from_full()?;
            for message in messages(&answer) {
                interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                match message.answer() {
                    Some(end) => return end.map(|()| (!interrupted).then_some(found)),
                    None => found.push(message.body.to_vec()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_read_back_as_they_were_written() {
        let inside = Attributes::default().native(7, 9).text(8, "abc");
        let all = Attributes::default().number(1, 0x0102_0304).nest(2, &inside);
        assert_eq!(attribute(all.as_bytes(), 1), Some(&[1, 2, 3, 4][..]));
        let nested = attribute(all.as_bytes(), 2).unwrap();
        assert_eq!(attribute(nested, 7).and_then(native), Some(9));
        assert_eq!(attribute(nested, 8), Some(&b"abc\0"[..]));
        assert_eq!(attribute(nested, 9), None);
        let cut = &all.as_bytes()[..all.as_bytes().len() - 1];
        assert_eq!(attributes(cut).count(), 1);
    }
}
