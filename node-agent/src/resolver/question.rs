//! What a device asks, and the answers to it: reading and writing messages (RFC 1035, RFC 6891).

use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Record, RecordType, rdata::opt::EdnsOption},
};

/// The longest answer, in bytes. The tunnel is one hop that puts fragments together again, so it is
/// longer than what passes the internet in one piece.
pub(super) const MAX_ANSWER: usize = 4096;
/// The longest answer to somebody who says nothing about it, in bytes (RFC 1035 section 4.2.1).
const PLAIN_ANSWER: u16 = 512;
/// What passes every network in one piece, in bytes (RFC 9715 section 3).
const SAFE_PAYLOAD: u16 = 1232;
/// Bytes of a header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;
/// Queries by TLS are filled up to a multiple of this, in bytes (RFC 8467 section 4.1).
const BLOCK: usize = 128;
/// The option that fills them up (RFC 7830 section 3), and the bytes of its head.
const PADDING: (u16, usize) = (12, 4);

/// A well-formed question of a device.
#[derive(Clone, Debug)]
pub(super) struct Question {
    id: u16,
    query: Query,
    recursion: bool,
    checking_disabled: bool,
    edns: bool,
    dnssec: bool,
    /// The longest answer the device takes, in bytes.
    room: usize,
}

/// What to do about a packet.
#[derive(Debug)]
pub(super) enum Reading {
    /// Nothing: it is no question.
    Drop,
    /// This is the answer.
    Refuse(Vec<u8>),
    Ask(Question),
}

/// Reads what a device sent.
pub(super) fn read(packet: &[u8]) -> Reading {
    let Some(counts) = counts(packet) else { return Reading::Drop };
    // Before anything is made for what it says: a question, and at most an OPT and a signature.
    if !matches!(counts, [1, 0, 0, 0..=2]) {
        return Reading::Drop;
    }
    let Ok(mut message) = Message::from_vec(packet) else { return Reading::Drop };
    let Some(query) = message.queries.pop() else { return Reading::Drop };
    if message.message_type != MessageType::Query {
        return Reading::Drop;
    }
    let edns = message.edns.as_ref();
    let room = edns.map_or(PLAIN_ANSWER, Edns::max_payload).max(PLAIN_ANSWER);
    let question = Question {
        id: message.id,
        recursion: message.recursion_desired,
        checking_disabled: message.checking_disabled,
        edns: edns.is_some(),
        dnssec: edns.is_some_and(|it| it.flags().dnssec_ok),
        room: usize::from(room).min(MAX_ANSWER),
        query,
    };
    let refusal = match message.op_code {
        OpCode::Query if edns.is_some_and(|it| 0 < it.version()) => Some(ResponseCode::BADVERS),
        OpCode::Query if question.is_for_nobody() => Some(ResponseCode::Refused),
        OpCode::Query => None,
        _ => Some(ResponseCode::NotImp),
    };
    match refusal {
        None => Reading::Ask(question),
        Some(code) => question.no(code).map_or(Reading::Drop, Reading::Refuse),
    }
}

/// The four counts of a header: questions, answers, authorities, additional records.
fn counts(packet: &[u8]) -> Option<[u16; 4]> {
    let header = packet.get(..HEADER)?;
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    Some([count(4), count(6), count(8), count(10)])
}

/// Reads what an upstream answered to a question with this id.
pub(super) fn read_answer(question: &Question, id: u16, packet: &[u8]) -> Option<Message> {
    if counts(packet)?[0] != 1 {
        return None;
    }
    let message = Message::from_vec(packet).ok()?;
    let asked = message.queries.first()?;
    let fits = message.id == id
        && message.message_type == MessageType::Response
        && asked.name() == question.query.name()
        && asked.query_type() == question.query.query_type()
        && asked.query_class() == question.query.query_class();
    fits.then_some(message)
}

impl Question {
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// Whether signatures are wanted (RFC 3225).
    pub(super) fn dnssec(&self) -> bool {
        self.dnssec
    }

    /// Classes but the internet's, and kinds that are not of one name's records: all records at
    /// once (RFC 8482), transfers, and what belongs to a message only.
    fn is_for_nobody(&self) -> bool {
        let kind = u16::from(self.query.query_type());
        self.query.query_class() != DNSClass::IN || matches!(kind, 0 | 41 | 249..=255)
    }

    /// The question as an upstream is asked it. Nothing else of the device's message goes along.
    pub(super) fn for_upstream(&self, id: u16, padded: bool) -> Option<Vec<u8>> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        let name = self.query.name().to_lowercase();
        message.add_query(Query::query(name, self.query.query_type()));
        let mut edns = Edns::new();
        edns.set_max_payload(SAFE_PAYLOAD).set_dnssec_ok(self.dnssec);
        message.set_edns(edns);
        let text = message.to_vec().ok()?;
        if !padded {
            return Some(text);
        }
        let (code, head) = PADDING;
        let missing = BLOCK - (text.len() + head) % BLOCK;
        let option = EdnsOption::Unknown(code, vec![0; missing % BLOCK]);
        message.edns.as_mut()?.options_mut().insert(option);
        message.to_vec().ok()
    }

    /// An answer without records.
    pub(super) fn no(&self, code: ResponseCode) -> Option<Vec<u8>> {
        self.reply(code).to_vec().ok()
    }

    /// What an upstream said so many seconds ago, in as many bytes as the device takes.
    pub(super) fn answer(&self, said: &Message, age: u32) -> Option<Vec<u8>> {
        let mut reply = self.reply(said.response_code);
        let aged = |records: &[Record]| -> Vec<Record> {
            let mut records = records.to_vec();
            for record in &mut records {
                record.ttl = record.ttl.saturating_sub(age);
            }
            records
        };
        reply.answers = aged(&said.answers);
        // Where it is "no", the authority says for how long; else nobody asked for it.
        let no = said.answers.is_empty() || said.response_code == ResponseCode::NXDomain;
        if no || self.dnssec {
            reply.authorities = aged(&said.authorities);
        }
        if !self.dnssec {
            reply.authorities.retain(|it| it.record_type() == RecordType::SOA);
        }
        let text = reply.to_vec().ok()?;
        if text.len() <= self.room { Some(text) } else { self.shortened(&reply) }
    }

    /// Some addresses are better than none: devices have nobody to ask by TCP. Whatever else does
    /// not fit is said to be cut.
    fn shortened(&self, reply: &Message) -> Option<Vec<u8>> {
        let kind = self.query.query_type();
        let is_address = |it: &&Record| it.record_type() == kind;
        if matches!(kind, RecordType::A | RecordType::AAAA) && !self.dnssec {
            let with = |addresses: usize| {
                let mut some = reply.clone();
                let others = reply.answers.iter().filter(|it| !is_address(it));
                let first = reply.answers.iter().filter(is_address).take(addresses);
                some.answers = others.chain(first).cloned().collect();
                some.to_vec().ok().filter(|it| it.len() <= self.room)
            };
            // The most that fit are between none, and all, which did not.
            let (mut fit, mut all) = (0, reply.answers.iter().filter(is_address).count());
            while 1 < all - fit {
                let middle = fit.midpoint(all);
                if with(middle).is_some() { fit = middle } else { all = middle }
            }
            if 0 < fit {
                return with(fit);
            }
        }
        let mut cut = self.reply(reply.response_code);
        cut.metadata.truncation = true;
        cut.to_vec().ok()
    }

    fn reply(&self, code: ResponseCode) -> Message {
        let mut reply = Message::response(self.id, OpCode::Query);
        reply.metadata.response_code = code;
        reply.metadata.recursion_desired = self.recursion;
        reply.metadata.recursion_available = true;
        reply.metadata.checking_disabled = self.checking_disabled;
        // As it was written, for devices that hide chance in the case of letters.
        reply.add_query(self.query.clone());
        if self.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(SAFE_PAYLOAD).set_dnssec_ok(self.dnssec);
            reply.set_edns(edns);
        }
        reply
    }
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
