//! Packets through pods: what must pass, and what must not.

use std::{
    io::{Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use myrelay_domain::addresses::HostAddresses;

use crate::{
    Wishes,
    client::Client,
    keys, node, peer_key, pod, pod_id, range, settle,
    world::{Namespace, eventually, kind, open},
};

/// Where the node's uplink leads: the far end of cable 1.
pub(crate) const OUTSIDE: [&str; 2] = ["198.18.1.2", "2001:db8:1::2"];
/// The node's own end of it: what the internet sees of a pod.
const NODE_OUTSIDE: [&str; 2] = ["198.18.1.1", "2001:db8:1::1"];

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Sends back what a client sends, once it is complete, and tells where the client seemed to be.
pub(crate) fn serve(
    namespace: &Namespace,
    connections: usize,
) -> (u16, thread::JoinHandle<Vec<IpAddr>>) {
    let listener = namespace.enter(|| TcpListener::bind("[::]:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let mut seen = Vec::new();
        for _ in 0..connections {
            let (mut stream, from) = listener.accept().unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            stream.write_all(&received).unwrap();
            seen.push(from.ip().to_canonical());
        }
        seen
    });
    (port, serving)
}

/// Sends so many bytes, no two stretches of them alike; they come back as they were.
pub(crate) fn there_and_back(namespace: &Namespace, to: SocketAddr, bytes: usize) {
    let sent: Vec<u8> = (0..bytes.div_ceil(4))
        .scan(1_u32, |state, _| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(state.to_be_bytes())
        })
        .flatten()
        .collect();
    let back = namespace.enter(|| {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        back
    });
    assert!(back == sent, "{to}: {} bytes came back of {}, or others", back.len(), sent.len());
}

fn connects(namespace: &Namespace, to: SocketAddr) -> bool {
    namespace.enter(|| TcpStream::connect_timeout(&to, Duration::from_secs(2)).is_ok())
}

#[test]
fn p02_a_stock_client_reaches_the_internet_through_its_pod_and_nothing_else() {
    let Some(kind) = kind() else { return };
    let (node, outside) = node();
    // Two devices of one pod, one over IPv4 and one over IPv6, and one of another pod.
    let [first, second] = [2, 3].map(|host| range(1).device(host).unwrap());
    let stranger = range(2).device(2).unwrap();
    let mut clients = [
        Client::new(&node, 2, first),
        Client::new(&node, 3, second),
        Client::new(&node, 4, stranger),
    ];
    let key = |index: usize| clients[index].public_key();
    let mut wishes = Wishes::from([pod(1, [(key(0), 2), (key(1), 3)]), pod(2, [(key(2), 2)])]);
    wishes.get_mut(&pod_id(1)).unwrap().devices_meet = true;
    node.run(async |node| {
        let backend = open(kind).await;
        settle(&*backend, &wishes).await;
        for (client, (number, endpoint)) in
            clients.iter_mut().zip([(1, "198.18.2.1"), (1, "2001:db8:3::1"), (2, "198.18.4.1")])
        {
            let endpoint = SocketAddr::new(address(endpoint), wishes[&pod_id(number)].port);
            let pod = keys()[&pod_id(number)].public_key().unwrap();
            client.connect(kind, &pod, endpoint);
            for gateway in range(number).node().all() {
                eventually("the gateway answers", || client.namespace.pings(gateway));
            }
        }
        reaches_the_internet(&clients[0], &outside);
        let HostAddresses { v4, v6 } = clients[1].addresses;
        assert!(clients[0].namespace.pings(v4) && clients[0].namespace.pings(v6));
        is_walled_in(&clients[0], &clients[2], node);

        // The walls were torn down: the next round rebuilds them.
        node.nft("delete table inet myrelay");
        settle(&*backend, &wishes).await;
        is_walled_in(&clients[2], &clients[0], node);

        // The uplink moves to another interface: the next round follows.
        let elsewhere = Namespace::new();
        node.connect(&elsewhere, 9);
        node.default_route(9);
        settle(&*backend, &wishes).await;
        for far in ["198.18.9.2", "2001:db8:9::2"] {
            eventually("the world elsewhere answers", || clients[0].namespace.pings(far));
        }
    });
}

fn reaches_the_internet(client: &Client, outside: &Namespace) {
    let (port, server) = serve(outside, 2);
    for far in OUTSIDE.map(address) {
        eventually("the world outside answers", || client.namespace.pings(far));
        there_and_back(&client.namespace, SocketAddr::new(far, port), 150_000);
    }
    assert_eq!(server.join().unwrap(), NODE_OUTSIDE.map(address), "the pod is hidden");
}

/// From one pod to another, and to what listens on the node: nothing, in either family.
fn is_walled_in(client: &Client, other: &Client, node: &Namespace) {
    let service = node.enter(|| TcpListener::bind("[::]:0").unwrap());
    let port = service.local_addr().unwrap().port();
    let own = client.addresses;
    let gateways = [1, 2].map(|number| range(number).node().all()).concat();
    for gateway in gateways.into_iter().chain(NODE_OUTSIDE.map(address)) {
        let to = SocketAddr::new(gateway, port);
        assert!(!connects(&client.namespace, to), "{own:?} reached the node at {gateway}");
    }
    for address in other.addresses.all() {
        assert!(!client.namespace.pings(address), "{own:?} reached {address} of another pod");
    }
}

#[test]
fn a_peer_that_stays_keeps_its_session_whatever_happens_around_it() {
    let Some(kind) = kind() else { return };
    let (node, _outside) = node();
    let mut client = Client::new(&node, 2, range(1).device(2).unwrap());
    let key = client.public_key();
    node.run(async |_| {
        let backend = open(kind).await;
        let before = Wishes::from([pod(1, [(key, 2), (peer_key(1), 3)]), pod(2, [])]);
        settle(&*backend, &before).await;
        let (name, port) = (before[&pod_id(1)].interface.clone(), before[&pod_id(1)].port);
        assert_eq!(backend.handshake_age(&name, &key).await.unwrap(), None);

        let endpoint = SocketAddr::new(address("198.18.2.1"), port);
        client.connect(kind, &keys()[&pod_id(1)].public_key().unwrap(), endpoint);
        let gateway = range(1).node().v4;
        eventually("the gateway answers", || client.namespace.pings(gateway));
        let shaken = backend.handshake_age(&name, &key).await.unwrap().unwrap();

        // Peers come, move and go around it; pods come and go beside it.
        for host in 3..13u16 {
            let peers = [(key, 2), (peer_key(host), u32::from(host) + 1), (peer_key(1), 20)];
            let number = u8::try_from(host).unwrap();
            let wishes = if host % 2 == 0 {
                Wishes::from([pod(1, peers)])
            } else {
                Wishes::from([pod(1, peers), pod(2 + number % 3, [(peer_key(5), 4)])])
            };
            settle(&*backend, &wishes).await;
            assert!(client.namespace.pings(gateway), "no packet is lost");
        }
        let age = backend.handshake_age(&name, &key).await.unwrap().unwrap();
        assert!(shaken <= age, "it had to shake hands again: {shaken:?}, then {age:?}");

        // Removed, it is gone at once; back again, it connects again.
        settle(&*backend, &Wishes::from([pod(1, [])])).await;
        assert_eq!(backend.handshake_age(&name, &key).await.unwrap(), None);
        assert!(!client.namespace.pings(gateway));
        settle(&*backend, &Wishes::from([pod(1, [(key, 2)])])).await;
        client.disconnect();
        client.connect(kind, &keys()[&pod_id(1)].public_key().unwrap(), endpoint);
        eventually("the gateway answers", || client.namespace.pings(gateway));
    });
}
