//! Who may ask, and how much: the pods of this node, each its part.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use ipnet::{Ipv4Net, Ipv6Net};
use myrelay_domain::{addresses::PodRange, ids::PodId};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// Queries of each pod that may wait for an upstream whatever others do: enough to load a page.
const OWN: usize = 4;
/// Queries that may wait beside those, of all pods together.
const SHARED: usize = 512;
/// How many of these one pod may have: an eighth.
const SHARED_OF_POD: usize = SHARED / 8;
/// Queries of one pod in a second.
const MAX_A_SECOND: u32 = 500;

/// The addresses of the pods that may ask.
#[derive(Debug, Default)]
pub struct Pods {
    /// In the order of their addresses; ranges never overlap.
    v4: Vec<(Ipv4Net, PodId)>,
    v6: Vec<(Ipv6Net, PodId)>,
}

impl Pods {
    /// Pods by their ranges.
    pub fn new(pods: impl IntoIterator<Item = (PodId, PodRange)>) -> Self {
        let mut all = Self::default();
        for (pod, range) in pods {
            all.v4.push((range.v4, pod));
            all.v6.push((range.v6, pod));
        }
        all.v4.sort_unstable_by_key(|(net, _)| net.network());
        all.v6.sort_unstable_by_key(|(net, _)| net.network());
        all
    }

    fn of(&self, address: IpAddr) -> Option<PodId> {
        match address {
            IpAddr::V4(address) => self.of_v4(address),
            IpAddr::V6(address) => self.of_v6(address),
        }
    }

    fn of_v4(&self, address: Ipv4Addr) -> Option<PodId> {
        let after = self.v4.partition_point(|(net, _)| net.network() <= address);
        let (net, pod) = self.v4.get(after.checked_sub(1)?)?;
        net.contains(&address).then_some(*pod)
    }

    fn of_v6(&self, address: Ipv6Addr) -> Option<PodId> {
        let after = self.v6.partition_point(|(net, _)| net.network() <= address);
        let (net, pod) = self.v6.get(after.checked_sub(1)?)?;
        net.contains(&address).then_some(*pod)
    }
}

/// What each pod uses just now.
#[derive(Debug)]
pub(super) struct Askers {
    pods: Arc<Pods>,
    shared: Arc<Semaphore>,
    used: HashMap<PodId, Used>,
}

#[derive(Debug)]
struct Used {
    own: Arc<Semaphore>,
    more: Arc<Semaphore>,
    second: Instant,
    queries: u32,
}

/// The right to wait for an upstream; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_pod: OwnedSemaphorePermit,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Default for Askers {
    fn default() -> Self {
        let shared = Arc::new(Semaphore::new(SHARED));
        Self { pods: Arc::default(), shared, used: HashMap::new() }
    }
}

impl Askers {
    /// Only these may ask from now on.
    pub(super) fn become_pods(&mut self, pods: Arc<Pods>) {
        self.used.retain(|pod, _| pods.v4.iter().any(|(_, it)| it == pod));
        self.pods = pods;
    }

    /// Whose query this is. None: nobody's who may ask, or one too many in this second.
    pub(super) fn admit(&mut self, from: IpAddr, now: Instant) -> Option<PodId> {
        let pod = self.pods.of(from)?;
        let used = self.used.entry(pod).or_insert_with(|| Used {
            own: Arc::new(Semaphore::new(OWN)),
            more: Arc::new(Semaphore::new(SHARED_OF_POD)),
            second: now,
            queries: 0,
        });
        if Duration::from_secs(1) <= now.saturating_duration_since(used.second) {
            (used.second, used.queries) = (now, 0);
        }
        used.queries = used.queries.saturating_add(1);
        (used.queries <= MAX_A_SECOND).then_some(pod)
    }

    /// A place among those who wait for an upstream: one of the pod's own, else one of those that
    /// are there for all, if the pod and the node have one left.
    pub(super) fn place(&self, pod: PodId) -> Option<Place> {
        let used = self.used.get(&pod)?;
        if let Ok(own) = used.own.clone().try_acquire_owned() {
            return Some(Place { _of_pod: own, _of_all: None });
        }
        let more = used.more.clone().try_acquire_owned().ok()?;
        let all = self.shared.clone().try_acquire_owned().ok()?;
        Some(Place { _of_pod: more, _of_all: Some(all) })
    }
}

#[cfg(test)]
mod tests {
    use myrelay_domain::addresses::AddressPlan;

    use super::*;

    fn pod(number: u32) -> PodId {
        format!("pod_{number:032x}").parse().unwrap()
    }

    fn pods(numbers: &[u32]) -> Arc<Pods> {
        let plan =
            AddressPlan::new("10.0.0.0/8".parse().unwrap(), AddressPlan::v6_site([1; 5])).unwrap();
        let range = |number| plan.pod_range(number).unwrap();
        Arc::new(Pods::new(numbers.iter().map(|it| (pod(*it), range(*it)))))
    }

    fn device(pods: &Pods, at: usize) -> [IpAddr; 2] {
        let last = |it: u128| Ipv6Addr::from(it + 2);
        [
            Ipv4Addr::from(u32::from(pods.v4[at].0.network()) + 2).into(),
            last(pods.v6[at].0.network().into()).into(),
        ]
    }

    #[tokio::test]
    async fn only_pods_of_the_node_may_ask() {
        let (mut askers, now) = (Askers::default(), Instant::now());
        let both = pods(&[7, 3]);
        assert_eq!(askers.admit(device(&both, 0)[0], now), None, "no pods yet");
        askers.become_pods(both.clone());
        for address in device(&both, 0) {
            assert_eq!(askers.admit(address, now), Some(pod(3)));
        }
        for address in device(&both, 1) {
            assert_eq!(askers.admit(address, now), Some(pod(7)));
        }
        for elsewhere in ["192.0.2.1", "127.0.0.1", "10.255.0.1", "::1", "2001:db8::1", "0.0.0.0"] {
            assert_eq!(askers.admit(elsewhere.parse().unwrap(), now), None, "{elsewhere}");
        }
        askers.become_pods(pods(&[7]));
        assert_eq!(askers.admit(device(&both, 0)[0], now), None, "it was deleted");
    }

    #[tokio::test]
    async fn p14_however_many_pods_take_all_they_can_get_others_get_a_place() {
        for greedy in [1, 8, 9, 600] {
            let (mut askers, now) = (Askers::default(), Instant::now());
            let all = pods(&(0..=greedy).collect::<Vec<_>>());
            askers.become_pods(all.clone());
            for at in 0..all.v4.len() {
                assert!(askers.admit(device(&all, at)[0], now).is_some());
            }
            let take = |number| std::iter::from_fn(|| askers.place(pod(number))).collect();
            let held: Vec<Vec<Place>> = (0..greedy).map(take).collect();
            assert!(held.iter().all(|it| (OWN..=OWN + SHARED_OF_POD).contains(&it.len())));
            let last: Vec<Place> = take(greedy);
            assert!(OWN <= last.len(), "beside {greedy}");
            // What they give back is there for the next.
            drop(held);
            assert_eq!(last.len() + take(greedy).len(), OWN + SHARED_OF_POD);
        }
    }

    #[tokio::test]
    async fn one_pod_cannot_use_up_what_all_have() {
        let (mut askers, now) = (Askers::default(), Instant::now());
        let both = pods(&[1, 2]);
        askers.become_pods(both.clone());
        let (busy, other) = (device(&both, 0)[0], device(&both, 1)[0]);
        for _ in 0..MAX_A_SECOND {
            assert!(askers.admit(busy, now).is_some());
        }
        assert!(askers.admit(busy, now).is_none());
        assert!(askers.admit(other, now).is_some());
        assert!(askers.admit(busy, now + Duration::from_secs(1)).is_some());

        let held: Vec<_> =
            (0..OWN + SHARED_OF_POD).map(|_| askers.place(pod(1)).unwrap()).collect();
        assert!(askers.place(pod(1)).is_none());
        assert!(askers.place(pod(2)).is_some());
        drop(held);
        assert!(askers.place(pod(1)).is_some());
    }
}
