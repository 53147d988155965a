//! The sums: what every pod moved in every hour, and the readings that they were made from.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use myrelay_domain::{ids::PodId, interface::InterfaceName};
use myrelay_node_protocol::{
    HOUR_MS, MAX_USAGE_RECORDS, USAGE_KEPT_HOURS, UsageRecord, UsageReport,
};
use serde::{Deserialize, Serialize};

use crate::backend::Counters;

const DAY_MS: i64 = 24 * HOUR_MS;
/// Hours that the portal has stay this long, so that a clock that is set back meets its own sums.
const REPORTED_HOURS: i64 = 3;
/// A month has at most 31 days, and a clock may be wrong by some.
const KEPT_DAYS: usize = 40;
/// After so many days without traffic a pod that has no interface any more is forgotten.
const FORGOTTEN_DAYS: i64 = 62;
/// The most hours of pods that are kept; each is about 70 bytes on the disk.
const KEPT_RECORDS: usize = 200_000;
/// With more interfaces than that, those that are gone are forgotten.
const KEPT_BASES: usize = 4_000;
/// Readings this close to each other are told apart at the full hour.
const CLOSE_MS: i64 = 5_000;

/// Everything counted in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    present: Counter,
    /// Counters that count no more, the oldest first, until the portal has all of them.
    former: Vec<Counter>,
    /// Bytes of each pod, both directions, by days since 1970-01-01 UTC: a month of a quota is
    /// made of them.
    days: BTreeMap<PodId, BTreeMap<i64, u64>>,
    /// Which run of the machine the last readings are of.
    boot_id: String,
    /// The last reading of each interface, by its index: all up to there is in the sums.
    bases: BTreeMap<u32, Base>,
    /// The clock at the last reading.
    read_ms: i64,
    /// What is there at the first reading was counted before, by a counter that was lost.
    adopting: bool,
    /// Counts what should come to the disk.
    #[serde(skip)]
    changes: u64,
}

/// One name under which the portal adds up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    name: String,
    /// By hours since 1970-01-01 UTC.
    pods: BTreeMap<PodId, BTreeMap<i64, Sums>>,
    /// The latest hour of which something was forgotten because the portal has it. In such an
    /// hour this name cannot count again: it would start at zero, and the portal keeps the larger.
    forgotten: Option<i64>,
    /// The portal heard it since it counts no more. Before that the next name would look to it like
    /// that of a folder in which nothing of this one is left.
    #[serde(default)]
    told: bool,
}

/// What one pod moved in one hour: bytes received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    received: u64,
    sent: u64,
    /// What of it the portal said it has.
    taken: (u64, u64),
    /// The portal does not want it.
    #[serde(skip)]
    refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Base {
    interface: InterfaceName,
    pod: PodId,
    received: u64,
    sent: u64,
    /// Whether it was there at the last reading. One that was not is remembered all the same: a
    /// list that misses one by mistake must not make it look new.
    #[serde(skip)]
    there: bool,
}

impl Ledger {
    /// Starts with nothing. What interfaces that are there counted so far is not this ledger's.
    pub(super) fn new(name: String, boot_id: &str) -> Self {
        Self {
            present: Counter::new(name),
            former: Vec::new(),
            days: BTreeMap::new(),
            boot_id: boot_id.to_owned(),
            bases: BTreeMap::new(),
            read_ms: 0,
            adopting: true,
            changes: 1,
        }
    }

    /// Goes on in this run of the machine: after a reboot every interface started at zero.
    pub(super) fn resume(&mut self, boot_id: &str) {
        if self.boot_id != boot_id {
            boot_id.clone_into(&mut self.boot_id);
            self.bases.clear();
            self.adopting = false;
            self.changes += 1;
        }
    }

    /// Adds what every interface moved since the reading before. Readings come in the order in
    /// which they were made, and `gone` before them: what interfaces had in the end that are not
    /// there any more. `name` makes the name of a new counter.
    ///
    /// An interface that is not known, or counted less than before, is a new one: it started at
    /// zero.
    pub(super) fn take(
        &mut self,
        now_ms: i64,
        gone: &[(InterfaceName, Counters)],
        readings: &BTreeMap<InterfaceName, Counters>,
        name: impl FnOnce() -> io::Result<String>,
    ) -> io::Result<()> {
        let hour = hour_of(self.read_ms, now_ms);
        if self.present.forgotten.is_some_and(|it| hour <= it) {
            let next = Counter::new(name()?);
            let mut former = std::mem::replace(&mut self.present, next);
            former.forget_taken();
            self.former.push(former);
            self.changes += 1;
        }
        for (interface, reading) in gone {
            self.take_one(hour, interface, reading);
        }
        self.bases.values_mut().for_each(|it| it.there = false);
        for (interface, reading) in readings {
            self.take_one(hour, interface, reading);
        }
        if self.adopting {
            self.adopting = false;
            self.changes += 1;
        }
        if self.read_ms.div_euclid(HOUR_MS) != now_ms.div_euclid(HOUR_MS) {
            self.forget(now_ms);
        }
        self.read_ms = now_ms;
        Ok(())
    }

    fn take_one(&mut self, hour: i64, interface: &InterfaceName, reading: &Counters) {
        let Counters { pod, index, received, sent } = *reading;
        let known = self.bases.get(&index).filter(|it| it.leads_to(interface, reading));
        let Some(pod) = pod.or(known.map(|it| it.pod)) else { return };
        let (before_received, before_sent) = match known {
            Some(it) => (it.received, it.sent),
            None if self.adopting => (received, sent),
            None => (0, 0),
        };
        if known.is_none_or(|it| (it.received, it.sent) != (received, sent)) {
            self.changes += 1;
        }
        let interface = interface.clone();
        self.bases.insert(index, Base { interface, pod, received, sent, there: true });
        self.add(pod, hour, received - before_received, sent - before_sent);
    }

    fn add(&mut self, pod: PodId, hour: i64, received: u64, sent: u64) {
        if received == 0 && sent == 0 {
            return;
        }
        let sums = self.present.pods.entry(pod).or_default().entry(hour).or_default();
        sums.received = sums.received.saturating_add(received);
        sums.sent = sums.sent.saturating_add(sent);
        let day = self.days.entry(pod).or_default().entry(hour.div_euclid(24)).or_default();
        *day = day.saturating_add(received).saturating_add(sent);
    }

    /// Bytes of a pod from one midnight up to another, in milliseconds since 1970-01-01 UTC.
    pub(super) fn used(&self, pod: PodId, from_ms: i64, to_ms: i64) -> u64 {
        let days = from_ms.div_euclid(DAY_MS)..to_ms.div_euclid(DAY_MS);
        let counted = self.days.get(&pod).into_iter().flat_map(|it| it.range(days.clone()));
        counted.fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// Everything that the portal does not have, in reports of a size that it takes.
    ///
    /// A counter of before that is told the last time is dropped. The present one is told with it,
    /// though nothing stands in it yet: a portal that knows none of a node's counters takes it that
    /// the node forgot all it counted.
    pub(super) fn due(&self) -> Vec<UsageReport> {
        let is_due = |it: &Counter| !it.told || it.all().any(|(.., sums)| sums.is_due());
        let tells_a_former = self.counters().any(|it| it.name != self.present.name && is_due(it));
        let reports = self.counters().flat_map(|counter| {
            let waiting = counter.all().filter(|(.., it)| it.is_due());
            let record = |(pod, hour, it): (PodId, i64, &Sums)| UsageRecord {
                pod,
                hour_ms: hour * HOUR_MS,
                received: it.received,
                sent: it.sent,
            };
            let records: Vec<_> = waiting.map(record).collect();
            let mut parts: Vec<_> = records.chunks(MAX_USAGE_RECORDS).map(<[_]>::to_vec).collect();
            let is_former = counter.name != self.present.name;
            if parts.is_empty() && !counter.told && (is_former || tells_a_former) {
                parts.push(Vec::new());
            }
            let report = |records| UsageReport { counter: counter.name.clone(), records };
            parts.into_iter().map(report)
        });
        reports.collect()
    }

    /// Whether something was read last of a pod that is none of these.
    pub(super) fn counts_other_than(&self, wanted: impl Fn(&PodId) -> bool) -> bool {
        self.bases.values().any(|it| it.there && !wanted(&it.pod))
    }

    /// Grows with whatever should come to the disk.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// How many records the portal does not have.
    pub(super) fn waiting(&self) -> usize {
        self.counters().flat_map(Counter::all).filter(|(.., it)| !it.is_taken()).count()
    }

    /// How many records the portal does not want.
    pub(super) fn refused(&self) -> usize {
        self.counters().flat_map(Counter::all).filter(|(.., it)| it.refused).count()
    }

    /// Remembers that the portal has these. That needs no disk: it may have them twice.
    pub(super) fn taken(&mut self, report: &UsageReport) {
        self.each_of(report, |sums, record| {
            sums.taken.0 = sums.taken.0.max(record.received);
            sums.taken.1 = sums.taken.1.max(record.sent);
        });
        if let Some(former) = self.former.iter_mut().find(|it| it.name == report.counter) {
            former.told = true;
        }
        self.former.iter_mut().for_each(Counter::forget_taken);
        self.former.retain(Counter::is_needed);
    }

    /// Remembers that the portal does not want these, until [`Self::offer_again`].
    pub(super) fn refuse(&mut self, report: &UsageReport) {
        self.each_of(report, |sums, _| sums.refused = true);
    }

    /// Makes what was refused due again.
    pub(super) fn offer_again(&mut self) {
        for counter in self.former.iter_mut().chain([&mut self.present]) {
            counter.pods.values_mut().flat_map(BTreeMap::values_mut).for_each(|it| {
                it.refused = false;
            });
        }
    }

    fn each_of(&mut self, report: &UsageReport, act: impl Fn(&mut Sums, &UsageRecord)) {
        let mut counters = self.former.iter_mut().chain([&mut self.present]);
        let Some(counter) = counters.find(|it| it.name == report.counter) else { return };
        for record in &report.records {
            let hours = counter.pods.get_mut(&record.pod);
            if let Some(sums) = hours.and_then(|it| it.get_mut(&(record.hour_ms / HOUR_MS))) {
                act(sums, record);
            }
        }
    }

    fn counters(&self) -> impl Iterator<Item = &Counter> {
        self.former.iter().chain([&self.present])
    }

    /// Lets go of what nobody needs, and of the oldest where there is too much of something. By
    /// number and not by age: a clock that is wrong for a moment must not cost anything.
    fn forget(&mut self, now_ms: i64) {
        self.present.forget_before(now_ms.div_euclid(HOUR_MS) - REPORTED_HOURS);
        let there: BTreeSet<PodId> =
            self.bases.values().filter(|it| it.there).map(|it| it.pod).collect();
        let end = now_ms.div_euclid(DAY_MS) - FORGOTTEN_DAYS;
        self.days.retain(|pod, days| {
            while KEPT_DAYS < days.len() {
                days.pop_first();
            }
            there.contains(pod) || days.last_key_value().is_some_and(|(day, _)| end < *day)
        });
        if KEPT_BASES < self.bases.len() {
            self.bases.retain(|_, it| it.there);
        }
        let records: usize = self.counters().map(Counter::len).sum();
        let hours = self.present.pods.values().map(BTreeMap::len).max().unwrap_or_default();
        let most = usize::try_from(USAGE_KEPT_HOURS).unwrap_or(usize::MAX);
        if KEPT_RECORDS < records || most < hours {
            self.drop_oldest(records, most);
        }
    }

    fn drop_oldest(&mut self, mut records: usize, most: usize) {
        let hours: BTreeSet<i64> = self.counters().flat_map(Counter::all).map(|it| it.1).collect();
        let mut left = hours.len();
        for hour in hours {
            if records <= KEPT_RECORDS && left <= most {
                break;
            }
            left -= 1;
            for counter in self.former.iter_mut().chain([&mut self.present]) {
                records -= counter.drop_hour(hour);
            }
            tracing::error!(hour, "usage that never reached the portal is dropped");
        }
        self.former.retain(Counter::is_needed);
        self.changes += 1;
    }
}

impl Counter {
    fn new(name: String) -> Self {
        Self { name, pods: BTreeMap::new(), forgotten: None, told: false }
    }

    /// Whether one that counts no more has something to tell.
    fn is_needed(&self) -> bool {
        !self.told || !self.pods.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = (PodId, i64, &Sums)> {
        let of = |(pod, hours)| std::iter::repeat(pod).zip(hours);
        self.pods
            .iter()
            .flat_map(of)
            .map(|(pod, (hour, it)): (&PodId, (&i64, _))| (*pod, *hour, it))
    }

    fn len(&self) -> usize {
        self.pods.values().map(BTreeMap::len).sum()
    }

    fn forget_before(&mut self, end: i64) {
        let forgotten = &mut self.forgotten;
        self.pods.retain(|_, hours| {
            hours.retain(|hour, it| {
                let goes = *hour < end && it.is_taken();
                if goes {
                    *forgotten = (*forgotten).max(Some(*hour));
                }
                !goes
            });
            !hours.is_empty()
        });
    }

    /// For a counter that counts no more.
    fn forget_taken(&mut self) {
        self.forget_before(i64::MAX);
    }

    /// Returns how many records went.
    fn drop_hour(&mut self, hour: i64) -> usize {
        let before = self.len();
        self.pods.retain(|_, hours| {
            hours.remove(&hour);
            !hours.is_empty()
        });
        self.forgotten = self.forgotten.max(Some(hour));
        before - self.len()
    }
}

impl Sums {
    fn is_taken(&self) -> bool {
        self.taken == (self.received, self.sent)
    }

    fn is_due(&self) -> bool {
        !self.is_taken() && !self.refused
    }
}

impl Base {
    /// Whether a reading goes on from this one.
    fn leads_to(&self, interface: &InterfaceName, reading: &Counters) -> bool {
        self.interface == *interface
            && self.received <= reading.received
            && self.sent <= reading.sent
    }
}

/// The hour of what passed between two readings: that of the later one. Only where the two are
/// close and the hour changed between them, and most of the time lay before that, the earlier one.
fn hour_of(before_ms: i64, now_ms: i64) -> i64 {
    let hour = now_ms.div_euclid(HOUR_MS);
    let start = hour * HOUR_MS;
    let close = (0..=CLOSE_MS).contains(&now_ms.saturating_sub(before_ms));
    if close && now_ms - start < start - before_ms { hour - 1 } else { hour }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
