//! What pods reach and what reaches them: every pair of places, each protocol, both families.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use myrelay_agent::{
    backend::{Backend, BackendKind, InterfaceSpec},
    plan::{Quotas, converge},
};
use myrelay_domain::addresses::PodRange;
use myrelay_node_protocol::QuotaState;

use crate::{
    Wishes,
    client::Client,
    keys, node, pod, pod_id,
    probe::{By, DNS, EACH, Echo, PORT, passes, udp},
    range, settle, spec,
    world::{Namespace, eventually, kind, open},
};

/// The far end of the uplink, as the internet is; and what lies there that is not the internet.
const INTERNET: [&str; 2] = ["198.18.1.2", "2001:db8:1::2"];
const PRIVATE: [&str; 7] = [
    "10.99.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "fd99::1",
    "fd00:ec2::254",
];
/// The node's own addresses towards the internet.
const NODE: [&str; 2] = ["198.18.1.1", "2001:db8:1::1"];

/// The node, the internet beyond it, and three devices: two of pod 1 and one of pod 2.
struct Place {
    node: Arc<Namespace>,
    internet: Namespace,
    devices: [Client; 3],
    wishes: Wishes,
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn addresses<const N: usize>(texts: [&str; N]) -> Vec<IpAddr> {
    texts.map(address).into()
}

impl Place {
    fn new() -> Self {
        let (node, internet) = node();
        for there in PRIVATE {
            let length = if there.contains(':') { 128 } else { 32 };
            internet.ip(&format!("addr add {there}/{length} dev lo"));
        }
        let [first, second] = [2, 3].map(|host| range(1).device(host).unwrap());
        let other = range(2).device(2).unwrap();
        let devices = [(2, first), (3, second), (4, other)]
            .map(|(cable, addresses)| Client::new(&node, cable, addresses));
        let key = |index: usize| devices[index].public_key();
        let wishes = Wishes::from([pod(1, [(key(0), 2), (key(1), 3)]), pod(2, [(key(2), 2)])]);
        // The internet knows the way to pods, so that nothing but the walls is in it.
        for number in [1, 2] {
            let PodRange { v4, v6 } = range(number);
            internet.ip(&format!("route add {v4} via {}", NODE[0]));
            internet.ip(&format!("-6 route add {v6} via {}", NODE[1]));
        }
        Self { node: Arc::new(node), internet, devices, wishes }
    }

    /// Connects the devices and waits until the tunnels stand.
    fn connect(&mut self, kind: BackendKind) {
        for (device, (number, cable)) in self.devices.iter_mut().zip([(1, 2), (1, 3), (2, 4)]) {
            let to = SocketAddr::new(
                address(&format!("198.18.{cable}.1")),
                self.wishes[&pod_id(number)].port,
            );
            device.connect(kind, &keys()[&pod_id(number)].public_key().unwrap(), to);
            let gateway = range(number).node().v4;
            eventually("the gateway answers", || device.namespace.pings(gateway));
        }
    }

    /// Tries everything at once, and tells what was not as it must be.
    fn expect(&self, cases: &[(&Namespace, Vec<IpAddr>, &[By], bool)]) {
        let wrong: Vec<String> = thread::scope(|scope| {
            let mut tries = Vec::new();
            for (from, to, ways, expected) in cases {
                for (to, by) in to.iter().flat_map(|to| ways.iter().map(move |by| (*to, *by))) {
                    let tried = scope.spawn(move || passes(from, to, by, *expected) == *expected);
                    tries.push((tried, format!("{by:?} to {to} must pass: {expected}")));
                }
            }
            let wrong = tries
                .into_iter()
                .filter_map(|(tried, what)| (!tried.join().unwrap()).then_some(what));
            wrong.collect()
        });
        assert_eq!(wrong, [""; 0]);
    }

    async fn apply(&self, backend: &dyn Backend, quotas: &Quotas) {
        let done = converge(&self.wishes, &keys(), quotas, backend).await;
        assert_eq!((done.faults.len(), done.node_faults.len()), (0, 0), "{done:?}");
    }
}

#[test]
fn p08_a_pod_reaches_the_internet_and_nothing_else_and_nothing_reaches_it() {
    let Some(kind) = kind() else { return };
    let mut place = Place::new();
    let node = Arc::clone(&place.node);
    node.run(async |_| {
        let backend = open(kind).await;
        settle(&*backend, &place.wishes).await;
        place.connect(kind);
        let echoes = [&place.node, &place.internet].map(Echo::start);
        for device in &place.devices {
            Echo::start(&device.namespace);
        }
        let [first, second, other] = &place.devices;
        let (from, icmp) = (&first.namespace, [By::Icmp]);
        let gateways = |number| range(number).node().all().to_vec();
        place.expect(&[
            (from, addresses(INTERNET), &EACH, true),
            (&other.namespace, addresses(INTERNET), &EACH, true),
            // What is on the node answers a ping at the pod's own gateway, and is silent else.
            (from, gateways(1), &icmp, true),
            (&other.namespace, gateways(2), &icmp, true),
        ]);
        place.expect(&[
            (from, other.addresses.all().into(), &EACH, false),
            (&other.namespace, first.addresses.all().into(), &EACH, false),
            (from, second.addresses.all().into(), &EACH, false),
            (&second.namespace, first.addresses.all().into(), &EACH, false),
            (from, gateways(1), &[By::Udp(PORT), By::Tcp, By::Udp(DNS)], false),
            (from, gateways(2), &EACH, false),
            (from, addresses(NODE), &EACH, false),
            (&other.namespace, addresses(NODE), &EACH, false),
            (from, addresses(PRIVATE), &EACH, false),
            (&other.namespace, addresses(PRIVATE), &EACH, false),
            (&place.internet, first.addresses.all().into(), &EACH, false),
            (&place.internet, other.addresses.all().into(), &EACH, false),
        ]);
        let [on_node, beyond] = echoes;
        assert_eq!(on_node.heard_from("probe"), [] as [IpAddr; 0]);
        let seen = beyond.heard_from("probe");
        assert!(!seen.is_empty() && seen.iter().all(|it| addresses(NODE).contains(it)), "{seen:?}");
    });
}

#[test]
fn p08_devices_of_one_pod_meet_when_its_owner_says_so() {
    let Some(kind) = kind() else { return };
    let mut place = Place::new();
    let node = Arc::clone(&place.node);
    node.run(async |_| {
        let backend = open(kind).await;
        settle(&*backend, &place.wishes).await;
        place.connect(kind);
        for device in &place.devices {
            Echo::start(&device.namespace);
        }
        for meet in [true, false] {
            place.wishes.get_mut(&pod_id(1)).unwrap().devices_meet = meet;
            let done = settle(&*backend, &place.wishes).await;
            assert_eq!(done.changed, 1);
            let [first, second, other] = &place.devices;
            place.expect(&[
                (&first.namespace, second.addresses.all().into(), &EACH, meet),
                (&second.namespace, first.addresses.all().into(), &EACH, meet),
            ]);
            place.expect(&[
                (&first.namespace, other.addresses.all().into(), &EACH, false),
                (&other.namespace, second.addresses.all().into(), &EACH, false),
            ]);
        }
    });
}

#[test]
fn a_pod_whose_quota_is_used_up_stops_and_goes_on_in_the_next_month() {
    let Some(kind) = kind() else { return };
    let mut place = Place::new();
    let node = Arc::clone(&place.node);
    node.run(async |_| {
        let backend = open(kind).await;
        settle(&*backend, &place.wishes).await;
        place.connect(kind);
        Echo::start(&place.internet);
        let used_up = Quotas::from([(pod_id(1), QuotaState::Stopped)]);
        for quotas in [used_up, Quotas::new()] {
            place.apply(&*backend, &quotas).await;
            let [first, second, other] = &place.devices;
            let goes_on = quotas.is_empty();
            place.expect(&[
                (&first.namespace, addresses(INTERNET), &EACH, goes_on),
                (&second.namespace, addresses(INTERNET), &EACH, goes_on),
                (&first.namespace, range(1).node().all().into(), &[By::Icmp], goes_on),
                (&other.namespace, addresses(INTERNET), &EACH, true),
            ]);
            // A new agent reads from the kernel what the old one set.
            let found = open(kind).await.observe().await.unwrap().interfaces;
            let stopped = found.values().filter(|it| it.traffic.unwrap().stopped).count();
            assert_eq!(stopped, usize::from(!goes_on));
        }
    });
}

#[test]
fn p11_a_device_cannot_speak_for_another() {
    let Some(kind) = kind() else { return };
    let mut place = Place::new();
    let node = Arc::clone(&place.node);
    node.run(async |_| {
        let backend = open(kind).await;
        settle(&*backend, &place.wishes).await;
        place.connect(kind);
        let internet = Echo::start(&place.internet);
        let [first, second, other] = &place.devices;
        // WireGuard itself knows which device may be which.
        let lies = |text: &str, as_whom: [IpAddr; 2]| {
            for (lie, to) in as_whom.into_iter().zip(INTERNET.map(address)) {
                let length = if lie.is_ipv4() { "32" } else { "128 nodad" };
                first.namespace.ip(&format!("addr add {lie}/{length} dev lo"));
                let to = SocketAddr::new(to, PORT);
                let second = Duration::from_secs(1);
                first.namespace.enter(|| udp(to, Some(lie), text, second));
            }
            assert_eq!(internet.heard_from(text), [] as [IpAddr; 0], "{text}");
        };
        lies("as another device", second.addresses.all());
        lies("as another pod's", other.addresses.all());
        // And should it be told wrong, the walls know which pod may be which.
        let wrong = [(first.public_key(), range(2).device(9).unwrap())];
        let name = &place.wishes[&pod_id(1)].interface;
        backend.set_peers(name, &wrong.into()).await.unwrap();
        lies("past the tunnel", range(2).device(9).unwrap().all());
    });
}

/// Where a resolver runs, it answers at the pods' gateways and nowhere else.
#[test]
fn p08_questions_of_names_go_to_the_nodes_resolver_alone() {
    let Some(kind) = kind() else { return };
    let mut place = Place::new();
    let resolver_port = 10_053;
    let node = Arc::clone(&place.node);
    node.run(async |_| {
        let backend = open(kind).await;
        backend.set_resolver(Some(resolver_port)).await.unwrap();
        settle(&*backend, &place.wishes).await;
        place.connect(kind);
        // Whatever listens there: here it says what it hears.
        Echo::at(&place.node, resolver_port);
        let [first, _, other] = &place.devices;
        let gateways = |number| range(number).node().all().to_vec();
        let (question, behind) = ([By::Udp(DNS)], [By::Udp(resolver_port)]);
        place.expect(&[
            (&first.namespace, gateways(1), &question, true),
            (&other.namespace, gateways(2), &question, true),
        ]);
        place.expect(&[
            (&first.namespace, gateways(2), &question, false),
            (&first.namespace, gateways(1), &behind, false),
            (&first.namespace, addresses(NODE), &question, false),
            (&first.namespace, addresses(NODE), &behind, false),
            (&place.internet, addresses(NODE), &behind, false),
            (&place.internet, addresses(NODE), &question, false),
        ]);
        backend.set_resolver(None).await.unwrap();
        place.expect(&[(&first.namespace, gateways(1), &question, false)]);
    });
}

#[test]
fn p38_the_rule_set_looks_into_no_packet() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        backend.set_resolver(Some(10_053)).await.unwrap();
        settle(&*backend, &Wishes::from([pod(1, [])])).await;
        let rules = node.nft("list ruleset");
        assert!(rules.contains("table inet myrelay"));
        let words = rules.split(|it: char| !it.is_ascii_alphanumeric());
        for word in words {
            assert!(
                !["log", "queue", "tproxy", "dup", "fwd", "nftrace"].contains(&word),
                "{rules}"
            );
        }
    });
}

/// A pod may have more addresses than one unit of the walls.
#[test]
fn p08_a_large_pod_is_one_pod() {
    let Some(kind) = kind() else { return };
    let (node, internet) = node();
    let large = PodRange { v4: "10.71.4.0/24".parse().unwrap(), ..range(1) };
    let hosts = [2, 100, 254];
    let mut devices: Vec<_> = (2..5)
        .zip(hosts)
        .map(|(cable, host)| Client::new(&node, cable, large.device(host).unwrap()))
        .collect();
    let peers = devices.iter().map(|it| (it.public_key(), it.addresses)).collect();
    node.run(async |_| {
        let backend = open(kind).await;
        let spec = InterfaceSpec { range: large, ..spec(1) };
        backend.create_interface(&spec).await.unwrap();
        backend.set_peers(&spec.interface, &peers).await.unwrap();
        backend.ensure_forwarding().await.unwrap();
        Echo::start(&internet);
        for (device, cable) in devices.iter_mut().zip(2..) {
            let to = SocketAddr::new(address(&format!("198.18.{cable}.1")), spec.port);
            device.connect(kind, &spec.private_key.public_key().unwrap(), to);
            eventually("the gateway answers", || device.namespace.pings(large.node().v4));
            for there in INTERNET.map(address) {
                assert!(passes(&device.namespace, there, By::Udp(PORT), true), "{there}");
            }
        }
        let (first, last) = (&devices[0], &devices[2]);
        assert!(!passes(&first.namespace, last.addresses.v4.into(), By::Icmp, false));
        let traffic = myrelay_agent::backend::Traffic { devices_meet: true, ..spec.traffic };
        backend.set_traffic(&spec.interface, &traffic).await.unwrap();
        assert!(passes(&first.namespace, last.addresses.v4.into(), By::Icmp, true));
    });
}
