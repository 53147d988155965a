//! The power goes, at any moment: the node comes back as it was, without its portal.

use std::{collections::BTreeMap, net::UdpSocket, path::Path, sync::Arc, time::Duration};

use myrelay_agent::{
    backend::{self, Backend, BackendKind, Observed},
    enrol, memory,
    private_dir::PrivateDir,
    system::System,
};
use myrelay_domain::{ids::PodId, keys::PublicKey};
use myrelay_node_protocol::{Delta, DesiredPod, DesiredState, StateMessage, UsageReport};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    client::Client,
    disk::{Disk, Record},
    node,
    support::{
        eventually,
        machine::{Running, SetClock, quick},
        pods::{pod_id, state},
        portal::Portal,
    },
    world::{Namespace, kind},
};

/// How many states the portal wants, one after the other, and how many cuts are made among them:
/// so many right behind something that was said to be done, and so many anywhere.
const STATES: u64 = 20;
const CUTS: usize = 7;
/// Long enough for a machine that is emulated and busy.
const DEADLINE: Duration = Duration::from_secs(60);

/// A node that serves a device of pod 1 while its record is written, and is cut off afterwards,
/// again and again.
struct Story {
    kind: BackendKind,
    clock: Arc<SetClock>,
    portal: Portal,
    /// What was certain at each mark.
    sure: Vec<Sure>,
    /// All reports of traffic.
    told: Vec<UsageReport>,
}

/// What was certain at a mark on the disk's record.
struct Sure {
    /// The state that the agent said it has applied.
    generation: u64,
    /// The keys that it said its pods have.
    keys: BTreeMap<PodId, PublicKey>,
    /// How many reports of traffic the portal had taken.
    reports: usize,
    /// What had passed through pod 1 a moment after the mark.
    passed: (u64, u64),
}

#[test]
fn a_node_whose_power_goes_comes_back_as_it_was() {
    let Some(kind) = kind() else { return };
    let Some(disk) = Disk::new() else {
        println!("skipped: needs a machine of its own, `cargo xtask test kernel` makes one");
        return;
    };
    let mut story = {
        let (node, mut client, _outside) = place();
        node.enter(|| Runtime::new().unwrap().block_on(serve(kind, &disk, &mut client)))
    };
    let record = disk.finish();
    let mut with_a_log = 0;
    for moment in record.moments(CUTS) {
        let (node, mut client, _outside) = place();
        let back = story.comes_back(&record, moment, &mut client);
        with_a_log += usize::from(node.enter(|| Runtime::new().unwrap().block_on(back)));
    }
    assert!(0 < with_a_log, "no cut met a log of changes");
}

/// A node that was just switched on, and a device at its cable.
fn place() -> (Namespace, Client, Namespace) {
    let (node, outside) = node();
    let range = pod_1().range;
    let client = Client::new(&node, 2, range.device(2).unwrap());
    (node, client, outside)
}

fn pod_1() -> DesiredPod {
    state(1, &[(1, 1)]).pods[&pod_id(1)].clone()
}

/// Pods come, go and change; pod 1 and its device stay.
fn wanted(generation: u64, device: PublicKey) -> DesiredState {
    let number = u32::try_from(generation).unwrap();
    let pods = [(1, 1), (2 + number % 3, 1 + number % 2), (6, number % 5)];
    let mut state = state(generation, &pods);
    let pod = state.pods.get_mut(&pod_id(1)).unwrap();
    pod.peers.values_mut().for_each(|it| it.public_key = device);
    state
}

/// The device's tunnel to a pod with this key, which answers nobody who has another.
fn connect(client: &mut Client, kind: BackendKind, pod: &PublicKey) {
    let endpoint = format!("198.18.2.1:{}", pod_1().port);
    client.connect(kind, pod, endpoint.parse().unwrap());
    let gateway = pod_1().range.node().v4;
    crate::world::eventually("the gateway answers", || client.namespace.pings(gateway));
}

/// Something for the node to count.
fn send(client: &Client) {
    client.namespace.enter(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(&[7; 1000], (pod_1().range.node().v4, 9)).unwrap();
    });
}

/// What passed through pod 1 since it is there.
async fn passed(backend: &dyn Backend) -> (u64, u64) {
    let counters = backend.counters().await.unwrap()[&pod_1().interface];
    (counters.received, counters.sent)
}

/// The life that is cut: changes without a pause, traffic, and everything on the disk's record.
async fn serve(kind: BackendKind, disk: &Disk, client: &mut Client) -> Story {
    let (clock, portal) = (Arc::<SetClock>::default(), Portal::start().await);
    let folder = disk.path().join("state");
    let system: Arc<dyn System> = clock.clone();
    let address = portal.url().parse().unwrap();
    enrol::join(address, portal.invite(), &folder, false, &system).await.unwrap();
    let backend = backend::open(kind).await.unwrap();
    let agent = Running::start(&folder, quick(), backend.clone(), clock.clone());
    let mut sure: Vec<Sure> = Vec::new();
    for generation in 1..=STATES {
        tell(&portal, generation, client.public_key());
        let mut keys = None;
        eventually("it says that it applied this", || {
            keys = applied(&portal, generation);
            keys.is_some()
        })
        .await;
        let (keys, reports) = (keys.unwrap(), portal.records().usage.len());
        disk.mark();
        if sure.is_empty() {
            connect(client, kind, &keys[&pod_id(1)]);
        }
        send(client);
        sure.push(Sure { generation, keys, reports, passed: passed(&*backend).await });
    }
    assert!(sure.last().is_some_and(|it| it.reports != 0), "traffic was reported meanwhile");
    agent.kill(&folder).await;
    let told = std::mem::take(&mut portal.records().usage);
    let mut portal = portal;
    portal.stop().await;
    Story { kind, clock, portal, sure, told }
}

/// Tells the node of a state: the first as a whole, each other by what is different in it, so that
/// the disk has a log beside the state.
fn tell(portal: &Portal, generation: u64, device: PublicKey) {
    let (before, now) = (wanted(generation - 1, device), wanted(generation, device));
    if generation == 1 {
        return portal.want(now);
    }
    portal.set(now.clone());
    let removed = before.pods.keys().filter(|it| !now.pods.contains_key(*it)).copied().collect();
    let mut pods = now.pods;
    pods.retain(|id, pod| before.pods.get(id) != Some(pod));
    let (after, resolver) = (before.generation, now.resolver);
    let delta =
        Delta { epoch: now.epoch, after, generation: now.generation, resolver, pods, removed };
    portal.push(&StateMessage::Delta { delta });
}

/// The keys of all pods, once the node reports this state without a fault.
fn applied(portal: &Portal, generation: u64) -> Option<BTreeMap<PodId, PublicKey>> {
    let records = portal.records();
    let node = records.observed.last().filter(|it| it.generation.0 == generation)?;
    let key =
        |it: &myrelay_node_protocol::ObservedPod| it.public_key.filter(|_| it.fault.is_none());
    node.pods.iter().map(|(id, it)| Some((*id, key(it)?))).collect()
}

impl Story {
    /// The machine starts with what this moment left on the disk: another boot, a kernel that
    /// knows of nothing, and no portal. Answers whether changes were in a log there.
    async fn comes_back(&mut self, record: &Record, moment: usize, client: &mut Client) -> bool {
        let (disk, marks) = (record.cut(moment), record.marks(moment));
        let [before, after] = &self.sure[marks - 1..=marks] else { unreachable!() };
        let folder = disk.path().join("state");
        let logged = std::fs::metadata(folder.join("state.log")).is_ok_and(|it| 0 < it.len());
        let state = whole_state(&folder);
        let generation = state.generation.0;
        let possible = before.generation..=after.generation;
        assert!(possible.contains(&generation), "{generation} is none of {possible:?}");
        assert_eq!(state, wanted(generation, client.public_key()));

        self.clock.reboot();
        let backend = backend::open(self.kind).await.unwrap();
        let agent = Running::start(&folder, quick(), backend.clone(), self.clock.clone());
        let node = until_it_is(&*backend, &state).await;
        for (id, pod) in &state.pods {
            let key = node.interfaces[&pod.interface].public_key;
            let known = before.keys.get(id);
            assert!(known.is_none_or(|it| Some(*it) == key), "{id} has another key");
        }

        // The portal is back, and has what it was told before.
        self.portal.records().usage = self.told[..before.reports].to_vec();
        let told = self.portal.usage_of(pod_id(1));
        self.portal.set(state);
        self.portal.start_again().await;
        connect(client, self.kind, &before.keys[&pod_id(1)]);
        send(client);
        client.disconnect();
        let now = passed(&*backend).await;
        eventually("no byte that was reported is lost", || {
            let (received, sent) = self.portal.usage_of(pod_id(1));
            told.0 + now.0 <= received && told.1 + now.1 <= sent
        })
        .await;
        agent.stop().await;
        let (received, sent) = self.portal.usage_of(pod_id(1));
        let most = (after.passed.0 + now.0, after.passed.1 + now.1);
        assert!(received <= most.0 && sent <= most.1, "{received}, {sent} of {most:?}: twice");
        self.portal.stop().await;
        let left = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name());
        let damaged: Vec<_> = left.filter(|it| it.to_string_lossy().contains("corrupt")).collect();
        assert!(damaged.is_empty(), "{damaged:?}");
        logged
    }
}

/// What the folder remembers, which must be undamaged.
fn whole_state(folder: &Path) -> DesiredState {
    let dir = PrivateDir::open_existing(folder).unwrap();
    memory::load(&dir).unwrap().expect("the state is whole")
}

/// Waits until the node has exactly these pods, with their devices.
async fn until_it_is(backend: &dyn Backend, state: &DesiredState) -> Observed {
    let is = |node: &Observed| {
        let stands = |(id, pod): (&PodId, &DesiredPod)| {
            node.interfaces.get(&pod.interface).is_some_and(|it| {
                let peers = pod.peers.values().map(|it| it.public_key);
                let there = it.peers.keys().copied();
                it.pod == Some(*id)
                    && it.up
                    && there.eq(std::collections::BTreeSet::from_iter(peers))
            })
        };
        node.interfaces.len() == state.pods.len() && state.pods.iter().all(stands)
    };
    let looking = async {
        loop {
            let node = backend.observe().await.unwrap();
            if is(&node) {
                return node;
            }
            // Not everything that changes is heard of.
            drop(timeout(Duration::from_millis(100), backend.changed()).await);
        }
    };
    timeout(DEADLINE, looking).await.expect("the pods are back")
}
