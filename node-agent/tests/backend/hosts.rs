//! Hosts that lack something: pods serve with what is there, and the operator hears of the rest.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use ipnet::IpNet;
use myrelay_agent::backend::{Backend, BackendKind, Notice, peer_networks};

use crate::{
    Wishes,
    client::Client,
    keys, node, peer_key, pod, pod_id,
    probe::{By, EACH, Echo, PORT, passes},
    range, round, settle,
    world::{Namespace, eventually, kernel_has_ipv6, kind, open, own_mounts, run},
};

const INTERNET: [&str; 2] = ["198.18.1.2", "2001:db8:1::2"];
const NODE: &str = "198.18.1.1";
const PRIVATE: &str = "10.99.0.1";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Applies, and expects that the pods serve IPv4 and that the node says what it lacks.
async fn settle_v4(backend: &dyn Backend, wishes: &Wishes) -> usize {
    let done = round(backend, wishes).await;
    assert_eq!(done.faults, BTreeMap::new());
    let lack = if kernel_has_ipv6() { Notice::Ipv6Off } else { Notice::Ipv6 };
    assert_eq!(done.notices, [lack]);
    let observed = backend.observe().await.unwrap();
    for (id, pod) in wishes {
        let it = &observed.interfaces[&pod.interface];
        assert_eq!((it.pod, it.port, it.up, it.ipv6), (Some(*id), pod.port, true, false));
        let own: Vec<_> = it.addresses.iter().map(IpNet::addr).collect();
        assert_eq!(own, [IpAddr::from(pod.range.node().v4)]);
        let peers = pod.peers.values();
        let peers = peers.map(|peer| (peer.public_key, peer_networks(&peer.addresses)));
        assert_eq!(it.peers, peers.collect());
    }
    done.changed
}

#[test]
fn without_the_tun_device_new_pods_wait_for_it_and_the_others_go_on() {
    let Some(BackendKind::Userspace) = kind() else { return };
    let (node, _internet) = node();
    node.enter(|| {
        own_mounts();
        run("mount", &["-t", "tmpfs", "none", "/dev/net"], &[]);
        node.run(async |_| {
            let backend = open(BackendKind::Userspace).await;
            let mut wishes = Wishes::from([pod(1, []), pod(2, [])]);
            let missing = async |wishes: &Wishes, pods: &[u8], says: &str| {
                let faults = round(&*backend, wishes).await.faults;
                let ids: Vec<_> = pods.iter().map(|it| pod_id(*it)).collect();
                assert!(faults.keys().eq(&ids), "{faults:?}");
                for fault in faults.values() {
                    assert!(fault.contains("modprobe tun") && fault.contains(says), "{fault}");
                }
            };
            missing(&wishes, &[1, 2], "No such file").await;
            run("mknod", &["-m", "600", "/dev/net/tun", "c", "10", "200"], &[]);
            missing(&wishes, &[1, 2], "Permission denied").await;
            run("chmod", &["666", "/dev/net/tun"], &[]);
            settle(&*backend, &wishes).await;

            // It is taken away under pods that serve.
            run("rm", &["/dev/net/tun"], &[]);
            wishes.extend([pod(1, [(peer_key(1), 2)]), pod(3, [])]);
            missing(&wishes, &[3], "No such file").await;
            let there = backend.observe().await.unwrap().interfaces;
            assert_eq!(there[&wishes[&pod_id(1)].interface].peers.len(), 1);
            run("mknod", &["-m", "666", "/dev/net/tun", "c", "10", "200"], &[]);
            settle(&*backend, &wishes).await;
        });
    });
}

/// By the switch of its network; or, where a kernel without IPv6 runs this test, by its kernel.
#[test]
fn a_host_without_ipv6_serves_ipv4_and_says_so() {
    let Some(kind) = kind() else { return };
    let (node, internet) = (Namespace::new(), Namespace::new());
    node.switch_ipv6(false);
    node.connect(&internet, 1);
    node.default_route(1);
    internet.ip(&format!("addr add {PRIVATE}/32 dev lo"));
    let mut devices = [(1, 2), (2, 3)]
        .map(|(pod, cable)| Client::new(&node, cable, range(pod).device(2).unwrap()));
    let [first, other] = devices.each_ref().map(Client::public_key);
    let wishes = Wishes::from([pod(1, [(first, 2)]), pod(2, [(other, 2)])]);
    node.run(async |_| {
        let backend = open(kind).await;
        settle_v4(&*backend, &wishes).await;
        assert_eq!(settle_v4(&*backend, &wishes).await, 0, "there is nothing more to do");
        for (device, (number, cable)) in devices.iter_mut().zip([(1, 2), (2, 3)]) {
            let port = wishes[&pod_id(number)].port;
            let to = SocketAddr::new(address(&format!("198.18.{cable}.1")), port);
            device.connect(kind, &keys()[&pod_id(number)].public_key().unwrap(), to);
            let gateway = range(number).node().v4;
            eventually("the gateway answers", || device.namespace.pings(gateway));
        }
        let echo = Echo::start(&internet);
        let [device, neighbour] = &devices;
        let serves = |v6: bool| {
            for by in EACH {
                let [v4_internet, v6_internet] = INTERNET.map(address);
                assert!(passes(&device.namespace, v4_internet, by, true), "{by:?}");
                assert_eq!(passes(&device.namespace, v6_internet, by, v6), v6, "{by:?}");
                assert!(!passes(&device.namespace, neighbour.addresses.v4.into(), by, false));
                assert!(!passes(&device.namespace, address(PRIVATE), by, false), "{by:?}");
            }
        };
        serves(false);
        assert!(echo.heard_from("probe").iter().all(|it| *it == address(NODE)), "masquerade");
        if !kernel_has_ipv6() {
            return;
        }

        // It is switched on: the next round repairs what is missing, around the tunnel.
        let name = &wishes[&pod_id(1)].interface;
        let shaken = backend.handshake_age(name, &first).await.unwrap().unwrap();
        node.switch_ipv6(true);
        node.address_v6("a1", 1, 1);
        node.default_route(1);
        let done = settle(&*backend, &wishes).await;
        assert_eq!((done.changed, done.notices), (2, Vec::new()));
        serves(true);
        let age = backend.handshake_age(name, &first).await.unwrap().unwrap();
        assert!(shaken <= age, "it had to shake hands again: {shaken:?}, then {age:?}");

        // And off again, under pods that had it.
        node.switch_ipv6(false);
        assert_eq!(settle_v4(&*backend, &wishes).await, 0);
        assert!(passes(&device.namespace, address(INTERNET[0]), By::Udp(PORT), true));
        let walls = node.nft("list table inet myrelay");
        let own = range(1).v6.network().to_string();
        assert!(!walls.contains(&own), "nothing may come by IPv6: {walls}");
    });
}
