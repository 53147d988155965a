//! How pods stand with their quotas, from what this node counted itself.

use std::collections::BTreeMap;

use myrelay_domain::{ids::PodId, limits::QuotaEnd};
use myrelay_node_protocol::{DesiredPod, PodQuota, QuotaState, period_end_ms, period_start_ms};

use super::ledger::Ledger;

/// What a pod used of the month that holds this moment: bytes, both directions.
pub(super) fn used(ledger: &Ledger, pod: PodId, quota: &PodQuota, now_ms: i64) -> u64 {
    let start = period_start_ms(now_ms, quota.reset_day);
    let here = ledger.used(pod, start, period_end_ms(now_ms, quota.reset_day));
    let carried = if quota.carried.period_ms == start { quota.carried.bytes } else { 0 };
    here.saturating_add(carried)
}

/// The pods that used theirs up. Those that did not are not in it.
pub(super) fn used_up(
    pods: &BTreeMap<PodId, DesiredPod>,
    ledger: &Ledger,
    now_ms: i64,
) -> BTreeMap<PodId, QuotaState> {
    let states = pods.iter().filter_map(|(id, pod)| {
        let quota = pod.quota.as_ref()?;
        let state = match quota.limit.then {
            QuotaEnd::Stop => QuotaState::Stopped,
            QuotaEnd::Throttle(_) => QuotaState::Throttled,
        };
        (quota.limit.bytes <= used(ledger, *id, quota, now_ms)).then_some((*id, state))
    });
    states.collect()
}

#[cfg(test)]
mod tests {
    use myrelay_domain::{
        addresses::AddressPlan,
        limits::{Quota, Speed},
    };
    use myrelay_node_protocol::Carried;

    use super::*;
    use crate::backend::Counters;

    const APRIL: i64 = 1_775_001_600_000;
    const SECOND: i64 = 1000;

    fn pods(bytes: u64, then: QuotaEnd, carried: Carried) -> BTreeMap<PodId, DesiredPod> {
        let plan = AddressPlan::new("10.0.0.0/8".parse().unwrap(), AddressPlan::v6_site([1; 5]));
        let range = plan.unwrap().pod_range(1).unwrap();
        let name = "wg-pod1".parse().unwrap();
        let mut pod = DesiredPod::new(name, 20_001, range, BTreeMap::new());
        pod.quota = Some(PodQuota { limit: Quota { bytes, then }, reset_day: 1, carried });
        BTreeMap::from([(id(), pod)])
    }

    fn id() -> PodId {
        format!("pod_{:032x}", 1).parse().unwrap()
    }

    fn counted(ledger: &mut Ledger, now_ms: i64, received: u64, sent: u64) {
        let counters = Counters { pod: Some(id()), index: 1, received, sent };
        let readings = BTreeMap::from([("wg-pod1".parse().unwrap(), counters)]);
        ledger.take(now_ms, &[], &readings, || Ok("another".to_owned())).unwrap();
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::new("first".to_owned(), "boot");
        counted(&mut ledger, APRIL - 10 * SECOND, 0, 0);
        ledger
    }

    #[test]
    fn a_quota_is_used_up_at_its_last_byte_and_new_at_midnight() {
        let mut ledger = ledger();
        let pods = pods(1000, QuotaEnd::Stop, Carried::default());
        counted(&mut ledger, APRIL - 9 * SECOND, 600, 399);
        assert_eq!(used_up(&pods, &ledger, APRIL - 9 * SECOND), BTreeMap::new());
        counted(&mut ledger, APRIL - 8 * SECOND, 601, 399);
        let stopped = BTreeMap::from([(id(), QuotaState::Stopped)]);
        assert_eq!(used_up(&pods, &ledger, APRIL - 8 * SECOND), stopped);
        assert_eq!(used_up(&pods, &ledger, APRIL - 1), stopped);
        assert_eq!(used_up(&pods, &ledger, APRIL), BTreeMap::new());
        counted(&mut ledger, APRIL + SECOND, 601, 1398);
        assert_eq!(used(&ledger, id(), pods[&id()].quota.as_ref().unwrap(), APRIL + SECOND), 999);
        assert_eq!(used_up(&pods, &ledger, APRIL + SECOND), BTreeMap::new());
    }

    #[test]
    fn a_raised_quota_counts_at_once_and_a_throttle_throttles() {
        let mut ledger = ledger();
        counted(&mut ledger, APRIL - SECOND, 600, 400);
        let slow = QuotaEnd::Throttle(Speed::new(64_000, 64_000).unwrap());
        let throttled = BTreeMap::from([(id(), QuotaState::Throttled)]);
        assert_eq!(used_up(&pods(1000, slow, Carried::default()), &ledger, APRIL - 1), throttled);
        let raised = pods(1001, slow, Carried::default());
        assert_eq!(used_up(&raised, &ledger, APRIL - 1), BTreeMap::new());
    }

    #[test]
    fn what_was_used_elsewhere_counts_in_its_own_month_only() {
        let mut ledger = ledger();
        counted(&mut ledger, APRIL - SECOND, 10, 0);
        let march = period_start_ms(APRIL - 1, 1);
        let carried = pods(1000, QuotaEnd::Stop, Carried { period_ms: march, bytes: 990 });
        assert_eq!(used_up(&carried, &ledger, APRIL - 1).len(), 1);
        assert_eq!(used_up(&carried, &ledger, APRIL), BTreeMap::new());
    }
}
