//! Talking to the kernel's nf_tables: transactions, and what stands in a set.
//!
//! Written out here because libnftnl, which the crates for it link, is under the GPL. The numbers
//! are those of linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h.

use std::{collections::BTreeSet, io};

use rtnetlink::sys::protocols::NETLINK_NETFILTER;

use crate::netlink::{
    Attributes, NLM_F_APPEND, NLM_F_CREATE, Netlink, Requests, attribute, attributes,
};

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NFPROTO_INET: u8 = 1;
const GET_CHAINS: u16 = 4;
const GET_RULES: u16 = 7;
const GET_ELEMENTS: u16 = 13;
const GET_GENERATION: u16 = 16;
const GENERATION_ID: u16 = 1;
/// `struct nfgenmsg`.
const HEADER: usize = 4;

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

/// A transaction: all of it happens at one moment, or nothing.
pub(super) struct Batch(Requests);

impl Batch {
    pub(super) fn new() -> Self {
        let mut requests = Requests::default();
        requests.add(BATCH_BEGIN, 0, &header(0, SUBSYSTEM));
        Self(requests)
    }

    pub(super) fn add(&mut self, act: Act, attributes: &Attributes) {
        let flags = match act {
            Act::NewRule => NLM_F_CREATE | NLM_F_APPEND,
            Act::DeleteTable | Act::DeleteElements => 0,
            _ => NLM_F_CREATE,
        };
        let body = [&header(NFPROTO_INET, 0), attributes.as_bytes()].concat();
        self.0.add(kind(act as u16), flags, &body);
    }

    /// Whether it does nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.count() == 1
    }
}

fn header(family: u8, resource: u16) -> [u8; HEADER] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

fn kind(message: u16) -> u16 {
    SUBSYSTEM << 8 | message
}

/// A socket in the network namespace of the calling thread.
pub(super) struct Netfilter(Netlink);

impl Netfilter {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self(Netlink::open(NETLINK_NETFILTER)?))
    }

    /// Sends a transaction and waits until the kernel took it, or says what it refused. After a
    /// refusal more of them may wait in the socket: open another.
    pub(super) fn send(&mut self, mut batch: Batch) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        // Refusals come unasked; one yes, to the last message, says that there was none.
        batch.0.acknowledge_last();
        let answered = batch.0.count();
        batch.0.add(BATCH_END, 0, &header(0, SUBSYSTEM));
        self.0.send(&batch.0, answered)
    }

    /// How often the rule set of this namespace was changed, by anybody.
    pub(super) fn generation(&mut self) -> io::Result<u32> {
        let answer = self.0.get(kind(GET_GENERATION), &header(0, 0))?;
        let found = answer
            .as_deref()
            .unwrap_or_default()
            .get(HEADER..)
            .and_then(|it| attribute(it, GENERATION_ID));
        let found = found.and_then(|it| it.first_chunk()).map(|it| u32::from_be_bytes(*it));
        found.ok_or_else(|| io::Error::other("nf_tables did not tell its generation"))
    }

    /// The chains and then the rules of an `inet` table as the kernel tells them, the numbers that it
    /// gave them included; none when there is no such table.
    pub(super) fn chains_and_rules(&mut self, table: &str) -> io::Result<Vec<Vec<u8>>> {
        /// Chains and rules both begin with their table's name.
        const OF_TABLE: u16 = 1;
        let which = Attributes::default().text(1, table);
        let body = [&header(NFPROTO_INET, 0), which.as_bytes()].concat();
        let mut told = Vec::new();
        for what in [GET_CHAINS, GET_RULES] {
            let answers = self.0.dump(kind(what), &body)?;
            // The header tells the generation, which is not the rule's. Chains come of all tables.
            let bodies = answers.iter().map(|it| it.get(HEADER..).unwrap_or_default());
            let name = |it: &&[u8]| {
                attribute(it, OF_TABLE).and_then(|it| it.strip_suffix(&[0]))
                    == Some(table.as_bytes())
            };
            told.extend(bodies.filter(name).map(<[u8]>::to_vec));
        }
        Ok(told)
    }

    /// The keys in a set of an `inet` table; none when there is no such set.
    pub(super) fn elements(
        &mut self,
        table: &str,
        set: &str,
    ) -> io::Result<Option<BTreeSet<Vec<u8>>>> {
        let which = Attributes::default().text(1, table).text(2, set);
        let body = [&header(NFPROTO_INET, 0), which.as_bytes()].concat();
        match self.0.dump(kind(GET_ELEMENTS), &body) {
            Ok(answers) => Ok(Some(answers.iter().flat_map(|it| keys(it)).collect())),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The keys in one message about a set's elements.
fn keys(message: &[u8]) -> Vec<Vec<u8>> {
    const ELEMENTS: u16 = 3;
    const KEY: u16 = 1;
    const VALUE: u16 = 1;
    let list = message.get(HEADER..).and_then(|it| attribute(it, ELEMENTS)).unwrap_or_default();
    let keys = attributes(list).filter_map(|(_, it)| attribute(attribute(it, KEY)?, VALUE));
    keys.map(<[u8]>::to_vec).collect()
}
