//! One behaviour for every backend that moves packets: run as root, in namespaces of its own.
//!
//! `MYRELAY_BACKEND=kernel` tests the kernel's WireGuard; otherwise the userspace library is
//! tested. `MYRELAY_IP` and `MYRELAY_NFT` name those programs where they are not on the path.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod changes;
mod client;
mod disk;
mod flows;
mod hosts;
mod limits;
mod power;
mod probe;
mod rounds;
#[path = "../support/mod.rs"]
mod support;
mod tunnels;
mod walls;
mod wires;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::UdpSocket,
};

use myrelay_agent::{
    backend::{
        Backend, BackendError, BackendKind, InterfaceSpec, Observed, Traffic, node_addresses,
        peer_networks,
    },
    keys::PrivateKey,
    plan::{Converged, Quotas, converge},
};
use myrelay_domain::{
    addresses::{AddressPlan, HostAddresses, PodRange},
    ids::{PeerId, PodId},
    interface::InterfaceName,
    keys::PublicKey,
};
use myrelay_node_protocol::{DesiredPeer, DesiredPod};
use uuid::Uuid;
use world::{Namespace, eventually, kind, open, run, text};

pub(crate) type Wishes = BTreeMap<PodId, DesiredPod>;
pub(crate) type Keys = BTreeMap<PodId, PrivateKey>;

/// A pod's number stands for its id, name, port, range and key.
pub(crate) fn pod_id(number: u8) -> PodId {
    Uuid::from_u128(number.into()).into()
}

pub(crate) fn range(number: u8) -> PodRange {
    let site = AddressPlan::v6_site([7; 5]);
    let plan = AddressPlan::new("10.64.0.0/10".parse().unwrap(), site).unwrap();
    plan.pod_range(number.into()).unwrap()
}

pub(crate) fn peer_key(number: u16) -> PublicKey {
    let mut bytes = [9; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    PublicKey::from_bytes(bytes).unwrap()
}

pub(crate) fn keys() -> Keys {
    (0..8).map(|it| (pod_id(it), PrivateKey::from_random([it + 50; 32]))).collect()
}

/// A pod with the peers given as key → host number.
pub(crate) fn pod(
    number: u8,
    peers: impl IntoIterator<Item = (PublicKey, u32)>,
) -> (PodId, DesiredPod) {
    let range = range(number);
    let peers = peers.into_iter().map(|(public_key, host)| {
        let addresses = range.device(host).unwrap();
        let id = PeerId::from(Uuid::from_u128(host.into()));
        (id, DesiredPeer { public_key, addresses })
    });
    let pod = DesiredPod::new(
        InterfaceName::from_random([number; 10]),
        51_000 + u16::from(number),
        range,
        peers.collect(),
    );
    (pod_id(number), pod)
}

pub(crate) fn spec(number: u8) -> InterfaceSpec {
    let (id, pod) = pod(number, []);
    InterfaceSpec {
        pod: id,
        interface: pod.interface,
        port: pod.port,
        range: pod.range,
        traffic: Traffic::default(),
        private_key: keys()[&id].clone(),
    }
}

/// Applies; every pod is within its quota.
pub(crate) async fn round(backend: &dyn Backend, wishes: &Wishes) -> Converged {
    converge(wishes, &keys(), &Quotas::new(), backend).await
}

/// Applies and expects that nothing is wrong with any pod.
pub(crate) async fn settle(backend: &dyn Backend, wishes: &Wishes) -> Converged {
    let done = round(backend, wishes).await;
    assert_eq!(done.faults, BTreeMap::new());
    ensure_node_is(&backend.observe().await.unwrap(), wishes);
    done
}

fn ensure_node_is(node: &Observed, wishes: &Wishes) {
    assert_eq!(node.interfaces.len(), wishes.len());
    for (id, pod) in wishes {
        let it = &node.interfaces[&pod.interface];
        assert_eq!((it.pod, it.port, it.up), (Some(*id), pod.port, true));
        assert_eq!(it.public_key, keys()[id].public_key().ok());
        assert_eq!(it.addresses, node_addresses(&pod.range));
        let (devices_meet, speed) = (pod.devices_meet, pod.speed);
        assert_eq!(it.traffic, Some(Traffic { devices_meet, speed, stopped: false }));
        let peers = pod.peers.values();
        let peers = peers.map(|peer| (peer.public_key, peer_networks(&peer.addresses)));
        assert_eq!(it.peers, peers.collect());
    }
}

/// A node with an uplink to nowhere in particular.
pub(crate) fn node() -> (Namespace, Namespace) {
    let (node, outside) = (Namespace::new(), Namespace::new());
    node.connect(&outside, 1);
    node.default_route(1);
    (node, outside)
}

#[test]
fn p09_p34_pods_and_peers_come_change_and_go() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let one = pod(1, [(peer_key(1), 2), (peer_key(2), 3)]);
        let two = pod(2, [(peer_key(1), 2)]);
        let done = settle(&*backend, &Wishes::from([one.clone(), two.clone()])).await;
        assert_eq!((done.changed, done.node_faults.len()), (4, 0));

        // What anybody at the node sees: names that fit, and which pod each is.
        let links = node.ip("-o link show");
        let names: Vec<_> = links
            .lines()
            .filter_map(|line| line.split(": ").nth(1)?.split('@').next())
            .filter(|name| name.starts_with("wg-"))
            .collect();
        assert_eq!(names.len(), 2);
        for name in names {
            assert!(name.len() <= 15 && InterfaceName::parse(name).is_ok(), "{name}");
        }
        assert!(links.contains(&format!("alias myrelay:{}", pod_id(1))), "{links}");

        // Again: nothing to do.
        let same = settle(&*backend, &Wishes::from([one.clone(), two.clone()])).await;
        assert_eq!(same.changed, 0);

        // A peer goes, one comes with its address, one moves; the other pod's port changes.
        let one = pod(1, [(peer_key(3), 3), (peer_key(1), 9)]);
        let mut moved = two.clone();
        moved.1.port += 100;
        settle(&*backend, &Wishes::from([one.clone(), moved])).await;

        // Two pods swap their ports and two peers their addresses.
        let (mut one, mut two) = (pod(1, [(peer_key(3), 9), (peer_key(1), 3)]), two);
        settle(&*backend, &Wishes::from([one.clone(), two.clone()])).await;
        std::mem::swap(&mut one.1.port, &mut two.1.port);
        settle(&*backend, &Wishes::from([one.clone(), two])).await;

        // Somebody took an interface down, and an address away.
        let name = one.1.interface.as_str();
        node.ip(&format!("link set {name} down"));
        node.ip(&format!("addr flush dev {name}"));
        node.ip(&format!("addr add 10.1.2.3/24 dev {name}"));
        settle(&*backend, &Wishes::from([one.clone()])).await;
        // Somebody took one away.
        node.ip(&format!("link del {name}"));
        settle(&*backend, &Wishes::from([one])).await;

        settle(&*backend, &Wishes::new()).await;
        eventually("all is gone", || !node.ip("-o link show").contains("wg-"));
    });
}

/// The kernel's dump does not fit one message, and splits peers between two.
#[test]
fn hundreds_of_dual_stack_peers_are_read_back_whole() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    node.run(async |_| {
        let backend = open(kind).await;
        let wide = PodRange { v4: "10.70.0.0/22".parse().unwrap(), ..range(3) };
        let spec = InterfaceSpec { range: wide, ..spec(3) };
        let peers: BTreeMap<PublicKey, HostAddresses> =
            (2..702).map(|it| (peer_key(it), wide.device(it.into()).unwrap())).collect();
        backend.create_interface(&spec).await.unwrap();
        backend.set_peers(&spec.interface, &peers).await.unwrap();

        let expected: BTreeMap<_, _> =
            peers.iter().map(|(key, it)| (*key, peer_networks(it))).collect();
        let seen = backend.observe().await.unwrap().interfaces.remove(&spec.interface).unwrap();
        assert_eq!(seen.peers, expected);

        let gone: BTreeSet<_> = (2..402).map(peer_key).collect();
        backend.remove_peers(&spec.interface, &gone).await.unwrap();
        backend.remove_peers(&spec.interface, &gone).await.unwrap();
        let seen = backend.observe().await.unwrap().interfaces.remove(&spec.interface).unwrap();
        let left: BTreeSet<_> = seen.peers.into_keys().collect();
        assert_eq!(left, (402..702).map(peer_key).collect());
    });
}

/// The tunnels of the kernel outlive an agent, and so do the interfaces of the library.
#[test]
fn a_new_agent_finds_or_takes_over_everything() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    let wishes = Wishes::from([pod(1, [(peer_key(1), 2)]), pod(2, [(peer_key(2), 3)])]);
    let indexes = node.run(async |_| {
        let backend = open(kind).await;
        settle(&*backend, &wishes).await;
        backend.counters().await.unwrap()
    });
    // Without its process a TUN device has nobody at the other end.
    let ends = || node.ip("-o link show").matches("NO-CARRIER").count();
    eventually("the first agent is gone", || kind == BackendKind::Kernel || ends() == 2);

    node.run(async |_| {
        let backend = open(kind).await;
        let done = settle(&*backend, &wishes).await;
        if kind == BackendKind::Kernel {
            assert_eq!(done.changed, 0, "the kernel kept the tunnels");
        }
        let now = backend.counters().await.unwrap();
        assert!(now.iter().all(|(name, it)| it.index == indexes[name].index), "{now:?}");
        assert!(now.iter().all(|(name, it)| it.sent >= indexes[name].sent));
    });
    let other = Wishes::from([pod(2, [(peer_key(2), 3)])]);
    eventually("the second agent is gone", || kind == BackendKind::Kernel || ends() == 2);
    node.run(async |node| {
        let backend = open(kind).await;
        settle(&*backend, &other).await;
        eventually("what nobody wants is gone", || {
            node.ip("-o link show").matches("wg-").count() == 1
        });
    });
}

#[test]
fn what_is_not_ours_is_reported_and_left_alone() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let taken = pod(1, []);
        for name in ["wg-home", taken.1.interface.as_str()] {
            node.ip(&format!("link add {name} type veth peer name v{}", world::unique()));
            node.ip(&format!("link set {name} alias mine"));
        }
        let wishes = Wishes::from([taken.clone(), pod(2, [])]);
        let done = round(&*backend, &wishes).await;
        assert_eq!(done.faults.keys().collect::<Vec<_>>(), [&pod_id(1)]);
        let foreign = ["wg-home".to_owned(), taken.1.interface.to_string()];
        assert_eq!(done.foreign, foreign.into());

        let done = round(&*backend, &Wishes::new()).await;
        assert_eq!(done.faults, BTreeMap::new());
        assert_eq!(node.ip("-o link show").matches("alias mine").count(), 2);
    });
}

#[test]
fn a_port_that_another_program_has_is_a_fault_of_that_pod_alone() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let wishes = Wishes::from([pod(1, []), pod(2, [])]);
        let socket = UdpSocket::bind(("::", wishes[&pod_id(1)].port)).unwrap();
        let error = backend.create_interface(&spec(1)).await.unwrap_err();
        assert!(matches!(error, BackendError::PortInUse { port: 51_001 }), "{error}");
        eventually("it is rolled back", || !node.ip("-o link show").contains("wg-"));

        let done = round(&*backend, &wishes).await;
        assert_eq!(done.faults.keys().collect::<Vec<_>>(), [&pod_id(1)]);
        drop(socket);
        settle(&*backend, &wishes).await;

        // A pod that cannot move stays where it is, and moves when it can.
        let mut moved = pod(1, []);
        moved.1.port = 52_000;
        let moved = Wishes::from([moved, pod(2, [])]);
        let socket = UdpSocket::bind(("::", 52_000)).unwrap();
        let done = round(&*backend, &moved).await;
        assert!(done.faults[&pod_id(1)].contains("52000"), "{done:?}");
        ensure_node_is(&backend.observe().await.unwrap(), &wishes);
        drop(socket);
        settle(&*backend, &moved).await;
    });
}

#[test]
fn without_an_uplink_the_tunnels_stand_and_the_node_says_so() {
    let Some(kind) = kind() else { return };
    let node = Namespace::new();
    node.run(async |_| {
        let backend = open(kind).await;
        let wishes = Wishes::from([pod(1, [(peer_key(1), 2)])]);
        let done = round(&*backend, &wishes).await;
        let fault = BackendError::NoUplink.to_string();
        assert_eq!(done.faults, BTreeMap::from([(pod_id(1), fault.clone())]));
        assert_eq!(done.node_faults, [fault]);
        ensure_node_is(&backend.observe().await.unwrap(), &wishes);
    });
}

#[test]
fn p11_the_rule_set_is_afterwards_as_it_was_before() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    node.run(async |node| {
        node.nft("add table inet theirs");
        node.nft("add chain inet theirs c { type filter hook forward priority 0 ; }");
        let before = node.nft("list ruleset");
        let backend = open(kind).await;
        settle(&*backend, &Wishes::from([pod(1, [])])).await;
        let one = node.nft("list table inet myrelay");
        settle(&*backend, &Wishes::from([pod(1, []), pod(2, [])])).await;
        let two = node.nft("list table inet myrelay");
        assert_ne!(one, two);
        settle(&*backend, &Wishes::from([pod(1, [])])).await;
        eventually("the second is gone", || node.nft("list table inet myrelay") == one);

        // Somebody emptied our table: the next round puts it back.
        node.nft("flush table inet myrelay");
        settle(&*backend, &Wishes::from([pod(1, [])])).await;
        assert_eq!(node.nft("list table inet myrelay"), one);

        settle(&*backend, &Wishes::new()).await;
        eventually("all is gone", || node.nft("list ruleset") == before);
    });
}

#[test]
fn p02_public_keys_are_those_that_wg_computes() {
    let Some(BackendKind::Userspace) = kind() else {
        // Where the kernel's WireGuard is tested, the other tests compare with what it computes.
        return;
    };
    use base64::{Engine, prelude::BASE64_STANDARD};
    for seed in 0..20 {
        let key = PrivateKey::from_random(std::array::from_fn(|it| {
            seed * 11 + u8::try_from(it).unwrap()
        }));
        let private = BASE64_STANDARD.encode(key.expose());
        let public = text(run("wg", &["pubkey"], private.as_bytes()));
        assert_eq!(public.trim(), key.public_key().unwrap().to_string());
    }
}
