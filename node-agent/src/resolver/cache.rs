//! Answers that are still true, in memory only, each for the pod that asked.
//!
//! Pods share nothing here: by the time an answer takes, nobody learns what another pod asked.

use std::time::Duration;

use hashlink::LruCache;
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{RData, RecordType},
};
use myrelay_domain::ids::PodId;
use tokio::time::Instant;

use super::names::Wire;

/// What all answers take together, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// The longest answer that is kept, in bytes.
const MAX_ANSWER: usize = 4096;
/// What keeping one costs beside its name and its text, in bytes.
const OVERHEAD: usize = 160;
/// The longest that an answer is kept (RFC 8767 section 4 advises days, not more).
const LONGEST: u32 = 24 * 3600;
/// The longest that "no such name" is kept (RFC 2308 section 5 advises hours).
const LONGEST_NO: u32 = 900;

/// What was asked, and by which pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pod: PodId,
    pub(super) name: Wire,
    pub(super) kind: u16,
    pub(super) dnssec: bool,
}

struct Entry {
    answer: Box<[u8]>,
    since: Instant,
    lasts: Duration,
}

/// The answers.
pub(super) struct Cache {
    entries: LruCache<Key, Entry>,
    bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        // Bounded by bytes, in `put`.
        Self { entries: LruCache::new_unbounded(), bytes: 0 }
    }
}

impl Cache {
    /// An answer and its age in seconds.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<(Message, u32)> {
        let entry = self.entries.get(key)?;
        let age = now.saturating_duration_since(entry.since);
        if entry.lasts <= age {
            self.remove(key);
            return None;
        }
        // It lasts at most a day.
        let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        Some((Message::from_vec(&entry.answer).ok()?, age))
    }

    /// Keeps an answer as long as it says it is true.
    pub(super) fn put(&mut self, key: Key, answer: &Message, now: Instant) {
        let lasts = lasts(answer);
        let Ok(text) = answer.to_vec() else { return };
        if lasts == 0 || MAX_ANSWER < text.len() {
            return;
        }
        self.remove(&key);
        self.bytes += cost(&key, &text);
        let lasts = Duration::from_secs(lasts.into());
        self.entries.insert(key, Entry { answer: text.into(), since: now, lasts });
        while MAX_BYTES < self.bytes
            && let Some((key, entry)) = self.entries.remove_lru()
        {
            self.bytes -= cost(&key, &entry.answer);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= cost(key, &entry.answer);
        }
    }
}

fn cost(key: &Key, text: &[u8]) -> usize {
    OVERHEAD + key.name.len() + text.len()
}

/// For how many seconds an answer is true; 0 when it is not to be kept.
fn lasts(answer: &Message) -> u32 {
    if !matches!(answer.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return 0;
    }
    let records = answer.answers.iter().filter(|it| it.record_type() != RecordType::OPT);
    let positive = records.map(|it| it.ttl).min();
    // RFC 2308 section 5: "no" is true for the lesser of the SOA's own time and its last field.
    let negative = answer.authorities.iter().find_map(|it| match &it.data {
        RData::SOA(soa) => Some(it.ttl.min(soa.minimum).min(LONGEST_NO)),
        _ => None,
    });
    if answer.response_code == ResponseCode::NXDomain {
        // An alias may lead to a name that is not there: both must be true.
        return negative.unwrap_or(0).min(positive.unwrap_or(LONGEST));
    }
    positive.or(negative).unwrap_or(0).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::{
        op::OpCode,
        rr::{
            Name, Record,
            rdata::{A, SOA},
        },
    };

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn key(pod: u32, text: &str) -> Key {
        let pod = format!("pod_{pod:032x}").parse().unwrap();
        Key { pod, name: Wire::of(&name(text)), kind: 1, dnssec: false }
    }

    fn answer(ttls: &[u32]) -> Message {
        let mut message = Message::response(0, OpCode::Query);
        let a = RData::A(A(Ipv4Addr::new(192, 0, 2, 1)));
        message.add_answers(
            ttls.iter().map(|ttl| Record::from_rdata(name("example.org."), *ttl, a.clone())),
        );
        message
    }

    fn no(ttl: u32, minimum: u32) -> Message {
        let mut message = Message::response(0, OpCode::Query);
        message.metadata.response_code = ResponseCode::NXDomain;
        let soa = SOA::new(name("ns.org."), name("admin.org."), 1, 2, 3, 4, minimum);
        message.add_authority(Record::from_rdata(name("org."), ttl, RData::SOA(soa)));
        message
    }

    #[tokio::test]
    async fn an_answer_is_kept_while_it_is_true_for_the_pod_that_asked() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        cache.put(key(1, "Example.org."), &answer(&[300, 60]), start);
        assert_eq!(cache.get(&key(1, "example.ORG."), after(59)).unwrap().1, 59);
        assert!(cache.get(&key(2, "example.org."), start).is_none(), "another pod's");
        assert!(cache.get(&key(1, "www.example.org."), start).is_none());
        assert!(cache.get(&key(1, "example.org."), after(60)).is_none());
        assert_eq!(cache.bytes, 0, "and then it is gone");
    }

    #[test]
    fn how_long_an_answer_is_true() {
        assert_eq!(lasts(&answer(&[300, 60])), 60);
        assert_eq!(lasts(&answer(&[u32::MAX])), LONGEST);
        assert_eq!(lasts(&answer(&[])), 0, "no answer and no word how long");
        assert_eq!(lasts(&no(300, 60)), 60);
        assert_eq!(lasts(&no(60, 300)), 60);
        assert_eq!(lasts(&no(9000, 9000)), LONGEST_NO);
        let mut failed = answer(&[300]);
        failed.metadata.response_code = ResponseCode::ServFail;
        assert_eq!(lasts(&failed), 0);
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_goes_first() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        for count in 0..20_000_u32 {
            cache.put(key(1, &format!("a{count}.example.org.")), &answer(&[300]), now);
            cache.get(&key(1, "a0.example.org."), now).unwrap();
            assert!(cache.bytes <= MAX_BYTES);
        }
        assert!(cache.get(&key(1, "a1.example.org."), now).is_none());
        assert!(cache.get(&key(1, "a19999.example.org."), now).is_some());
        cache.clear();
        assert!(cache.get(&key(1, "a0.example.org."), now).is_none());
    }
}
