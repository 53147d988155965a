//! The sums equal the bytes, whatever happens to agent, machine, clock and portal.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::Config};

use super::*;
use crate::{memory, usage::spool};

type Readings = BTreeMap<InterfaceName, Counters>;
/// What the portal keeps: the larger of two records with the same counter, pod and hour.
type Portal = BTreeMap<(String, PodId, i64), (u64, u64)>;

const DAY: i64 = 24 * HOUR_MS;
/// 2026-03-15 10:30 UTC.
const NOON: i64 = 1_773_570_600_000;

fn pod(number: u8) -> PodId {
    format!("pod_{number:032x}").parse().unwrap()
}

fn reading(number: u8, index: u32, received: u64, sent: u64) -> (InterfaceName, Counters) {
    let name = format!("wg-pod{number}").parse().unwrap();
    (name, Counters { pod: Some(pod(number)), index, received, sent })
}

fn readings(of: &[(u8, u32, u64, u64)]) -> Readings {
    of.iter()
        .map(|(number, index, received, sent)| reading(*number, *index, *received, *sent))
        .collect()
}

/// A ledger that began on a machine without interfaces.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new("first".to_owned(), "boot");
    take(&mut ledger, NOON, &Readings::new());
    ledger
}

fn take(ledger: &mut Ledger, now_ms: i64, readings: &Readings) {
    let name = format!("at {now_ms}");
    ledger.take(now_ms, &[], readings, || Ok(name)).unwrap();
}

fn report_all(ledger: &mut Ledger, portal: &mut Portal) {
    for report in ledger.due() {
        add(portal, &report);
        ledger.taken(&report);
    }
}

fn add(portal: &mut Portal, report: &UsageReport) {
    assert!(report.records.len() <= MAX_USAGE_RECORDS);
    for record in &report.records {
        assert_eq!(record.hour_ms % HOUR_MS, 0);
        let key = (report.counter.clone(), record.pod, record.hour_ms);
        let kept = portal.entry(key).or_default();
        *kept = (kept.0.max(record.received), kept.1.max(record.sent));
    }
}

fn sum(portal: &Portal, pod: PodId) -> (u64, u64) {
    let of = portal.iter().filter(|((_, it, _), _)| *it == pod);
    of.fold((0, 0), |sum, (_, it)| (sum.0 + it.0, sum.1 + it.1))
}

fn used(ledger: &Ledger, number: u8) -> u64 {
    ledger.used(pod(number), 0, NOON + 4000 * DAY)
}

/// What another run of the agent reads from the disk.
fn kept(ledger: &Ledger) -> Ledger {
    serde_json::from_slice(memory::unseal(&spool::text(ledger)).unwrap()).unwrap()
}

#[test]
fn an_interface_with_another_index_or_less_than_before_is_a_new_one() {
    let mut ledger = ledger();
    for (index, received, all) in [(1, 100, 100), (1, 250, 250), (2, 40, 290), (2, 10, 300)] {
        take(&mut ledger, NOON, &readings(&[(1, index, received, 0)]));
        assert_eq!(used(&ledger, 1), all);
    }
}

#[test]
fn a_list_that_misses_an_interface_once_counts_nothing_twice() {
    let mut ledger = ledger();
    take(&mut ledger, NOON, &readings(&[(1, 1, 100, 0)]));
    take(&mut ledger, NOON, &Readings::new());
    take(&mut ledger, NOON, &readings(&[(1, 1, 150, 0)]));
    assert_eq!(used(&ledger, 1), 150);
}

#[test]
fn an_interface_that_went_is_counted_to_its_end_also_when_another_took_its_name() {
    let mut ledger = ledger();
    take(&mut ledger, NOON, &readings(&[(1, 1, 100, 0)]));
    let gone = [reading(1, 1, 120, 5)];
    ledger.take(NOON, &gone, &readings(&[(1, 2, 3, 0)]), || Ok(String::new())).unwrap();
    assert_eq!(used(&ledger, 1), 128);
    // One that came and went between two readings.
    ledger
        .take(NOON, &[reading(2, 3, 9, 0)], &readings(&[(1, 2, 4, 0)]), || Ok(String::new()))
        .unwrap();
    assert_eq!((used(&ledger, 1), used(&ledger, 2)), (129, 9));
}

#[test]
fn what_a_lost_counter_counted_is_not_counted_again() {
    let mut ledger = Ledger::new("second".to_owned(), "boot");
    take(&mut ledger, NOON, &readings(&[(1, 1, 5000, 5000)]));
    assert_eq!(used(&ledger, 1), 0);
    take(&mut ledger, NOON, &readings(&[(1, 1, 5000, 5007), (2, 2, 3, 0)]));
    assert_eq!((used(&ledger, 1), used(&ledger, 2)), (7, 3));
}

#[test]
fn after_a_reboot_every_interface_started_at_zero() {
    let mut before = ledger();
    take(&mut before, NOON, &readings(&[(1, 1, 100, 0)]));
    let mut after = kept(&before);
    after.resume("another boot");
    // The index is the same, and the count is higher than before.
    take(&mut after, NOON, &readings(&[(1, 1, 130, 0)]));
    assert_eq!(used(&after, 1), 230);
    let mut again = kept(&after);
    again.resume("another boot");
    take(&mut again, NOON, &readings(&[(1, 1, 131, 0)]));
    assert_eq!(used(&again, 1), 231);
}

#[test]
fn every_byte_is_in_the_hour_in_which_it_passed() {
    let mut ledger = ledger();
    let full = NOON.div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS;
    take(&mut ledger, full - 900, &readings(&[(1, 1, 10, 0)]));
    // The reading at the full hour comes a little late: nearly all of it passed before.
    take(&mut ledger, full + 3, &readings(&[(1, 1, 17, 0)]));
    take(&mut ledger, full + 1000, &readings(&[(1, 1, 20, 0)]));
    let records = ledger.due().remove(0).records;
    let of = |record: &UsageRecord| (record.hour_ms, record.received);
    assert_eq!(records.iter().map(of).collect::<Vec<_>>(), [(full - HOUR_MS, 17), (full, 3)]);
}

#[test]
fn a_clock_set_back_behind_what_the_portal_has_counts_under_another_name() {
    let mut ledger = ledger();
    let mut portal = Portal::new();
    for (index, day) in [0, 1, -1, 0, 1, 30, 0].into_iter().enumerate() {
        let bytes = 10 * (index as u64 + 1);
        take(&mut ledger, NOON + day * DAY, &readings(&[(1, 1, bytes, 0)]));
        report_all(&mut ledger, &mut portal);
        assert_eq!(sum(&portal, pod(1)), (bytes, 0), "at {day}");
        assert_eq!(used(&ledger, 1), bytes);
    }
    assert_eq!(ledger.former, [], "the portal has all of them");
}

/// Else a node that joined anew with its folder would look as if it had lost it.
#[test]
fn a_counter_is_told_once_more_when_another_one_begins() {
    let mut ledger = ledger();
    let mut portal = Portal::new();
    for day in [0, 1] {
        take(&mut ledger, NOON + day * DAY, &readings(&[(1, 1, 10, 0)]));
        report_all(&mut ledger, &mut portal);
    }
    assert!(ledger.due().is_empty());
    take(&mut ledger, NOON, &readings(&[(1, 1, 17, 0)]));
    let mut ledger = kept(&ledger);
    let due = ledger.due();
    let told: Vec<_> = due.iter().map(|it| (it.counter.as_str(), it.records.len())).collect();
    assert_eq!(told, [("first", 0), (&*format!("at {NOON}"), 1)]);
    ledger.taken(&due[0]);
    assert_eq!((ledger.former.len(), ledger.due()), (0, due[1..].to_vec()));
}

#[test]
fn what_the_portal_does_not_want_waits_and_the_rest_gets_there() {
    let mut ledger = ledger();
    take(&mut ledger, NOON, &readings(&[(1, 1, 1, 0), (2, 2, 2, 0)]));
    let mut bad = ledger.due().remove(0);
    bad.records.retain(|it| it.pod == pod(1));
    ledger.refuse(&bad);
    assert_eq!((ledger.waiting(), ledger.refused()), (2, 1));
    let mut portal = Portal::new();
    report_all(&mut ledger, &mut portal);
    assert_eq!((sum(&portal, pod(1)), sum(&portal, pod(2))), ((0, 0), (2, 0)));
    ledger.offer_again();
    report_all(&mut ledger, &mut portal);
    assert_eq!(sum(&portal, pod(1)), (1, 0));
    assert!(ledger.due().is_empty());
}

#[test]
fn it_does_not_grow_for_ever() {
    let mut ledger = ledger();
    for hour in 0..2 * USAGE_KEPT_HOURS {
        let bytes = u64::try_from(hour).unwrap() + 1;
        take(&mut ledger, NOON + hour * HOUR_MS, &readings(&[(1, 1, bytes, 0), (2, 2, bytes, 0)]));
    }
    let most = 2 * usize::try_from(USAGE_KEPT_HOURS).unwrap();
    assert!(ledger.waiting() <= most + 2 && most <= ledger.waiting(), "{}", ledger.waiting());
    assert!(ledger.days[&pod(1)].len() <= KEPT_DAYS + 1);
    let oldest = ledger.due()[0].records[0].hour_ms;
    assert!(NOON + (USAGE_KEPT_HOURS - 2) * HOUR_MS < oldest, "the oldest went");
    for hour in 0..2 {
        take(&mut ledger, NOON + (200 + hour) * DAY, &readings(&[(1, 1, 2000, 0)]));
    }
    assert!(!ledger.days.contains_key(&pod(2)), "a pod that is long gone");
}

#[derive(Clone, Debug)]
enum Event {
    Traffic { pod: u8, received: u64, sent: u64 },
    Read,
    Keep,
    KillAndStart,
    Reboot,
    Report { arrives: bool, answered: bool },
    RepeatAnOldReport(prop::sample::Index),
    DeleteAndCreate { pod: u8 },
    Pass { ms: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    let pods = 0..3_u8;
    prop_oneof![
        4 => (pods.clone(), 0..5000_u64, 0..5000_u64)
            .prop_map(|(pod, received, sent)| Event::Traffic { pod, received, sent }),
        4 => Just(Event::Read),
        2 => Just(Event::Keep),
        2 => Just(Event::KillAndStart),
        1 => Just(Event::Reboot),
        3 => any::<(bool, bool)>()
            .prop_map(|(arrives, answered)| Event::Report { arrives, answered }),
        1 => any::<prop::sample::Index>().prop_map(Event::RepeatAnOldReport),
        1 => pods.prop_map(|pod| Event::DeleteAndCreate { pod }),
        2 => prop_oneof![1..10_000_i64, Just(HOUR_MS), 1..DAY, -DAY..0_i64]
            .prop_map(|ms| Event::Pass { ms }),
    ]
}

/// A node with three pods, its disk, and its portal.
struct World {
    now_ms: i64,
    boots: u32,
    indexes: u32,
    interfaces: Readings,
    ledger: Ledger,
    disk: Ledger,
    portal: Portal,
    sent_once: Vec<UsageReport>,
    passed: BTreeMap<PodId, (u64, u64)>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now_ms: NOON,
            boots: 0,
            indexes: 0,
            interfaces: Readings::new(),
            ledger: Ledger::new("first".to_owned(), "boot 0"),
            disk: Ledger::new("first".to_owned(), "boot 0"),
            portal: Portal::new(),
            sent_once: Vec::new(),
            passed: BTreeMap::new(),
        };
        // As before the first round.
        world.read();
        world.keep();
        (0..3).for_each(|pod| world.create(pod));
        world
    }

    fn create(&mut self, number: u8) {
        self.indexes += 1;
        self.interfaces.extend([reading(number, self.indexes, 0, 0)]);
    }

    fn read(&mut self) {
        take(&mut self.ledger, self.now_ms, &self.interfaces);
    }

    fn keep(&mut self) {
        self.disk = kept(&self.ledger);
    }

    fn start(&mut self) {
        self.ledger = kept(&self.disk);
        self.ledger.resume(&format!("boot {}", self.boots));
    }

    fn report(&mut self, arrives: bool, answered: bool) {
        self.keep();
        for report in self.ledger.due() {
            if arrives {
                add(&mut self.portal, &report);
                if answered {
                    self.ledger.taken(&report);
                }
                self.sent_once.push(report);
            }
        }
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Traffic { pod: number, received, sent } => {
                let passes = |it: &mut Counters| {
                    it.received += received;
                    it.sent += sent;
                };
                self.interfaces
                    .values_mut()
                    .filter(|it| it.pod == Some(pod(*number)))
                    .for_each(passes);
                let passed = self.passed.entry(pod(*number)).or_default();
                *passed = (passed.0 + received, passed.1 + sent);
            }
            Event::Read => self.read(),
            Event::Keep => self.keep(),
            Event::KillAndStart => self.start(),
            Event::Reboot => {
                self.read();
                self.keep();
                self.boots += 1;
                self.indexes = 0;
                self.interfaces.clear();
                (0..3).for_each(|pod| self.create(pod));
                self.start();
            }
            Event::Report { arrives, answered } => self.report(*arrives, *answered),
            Event::RepeatAnOldReport(index) => {
                if !self.sent_once.is_empty() {
                    let again = index.get(&self.sent_once).clone();
                    add(&mut self.portal, &again);
                }
            }
            Event::DeleteAndCreate { pod } => {
                self.read();
                self.keep();
                self.create(*pod);
            }
            Event::Pass { ms } => self.now_ms += ms,
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 512, ..Config::default() })]

    #[test]
    fn p46_the_portal_has_exactly_the_bytes_of_each_pod_in_the_end(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happens(event);
        }
        world.read();
        world.report(true, true);
        for (pod, passed) in &world.passed {
            prop_assert_eq!(sum(&world.portal, *pod), *passed);
            prop_assert_eq!(world.ledger.used(*pod, 0, NOON + 4000 * DAY), passed.0 + passed.1);
        }
        prop_assert!(world.ledger.due().is_empty());
    }
}
