//! A pod's connections: as many as are its own, and no more.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::Range,
    time::{Duration, Instant},
};

use myrelay_agent::backend::{BackendKind, MOST_FLOWS};

use crate::{
    Wishes,
    client::Client,
    keys, node, pod, pod_id,
    probe::{By, EACH, Echo, PORT, passes},
    range, settle,
    world::{Namespace, eventually, kind, open},
};

const INTERNET: &str = "198.18.1.2";
const INTERNET_V6: &str = "2001:db8:1::2";
/// Long enough for one answer on a machine that is emulated and busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough where none may come.
const SILENCE: Duration = Duration::from_millis(300);

/// A device's own UDP ports: each is a connection.
struct Ports<'a>(&'a Client);

impl Ports<'_> {
    /// Has each answered in turn, up to the first that is not. Tells how many were.
    fn answered(&self, ports: Range<u16>, patience: Duration) -> usize {
        let own = self.0.addresses.v4;
        self.0
            .namespace
            .enter(|| ports.take_while(|port| answers((own, *port).into(), patience)).count())
    }
}

/// Whether what is sent from here comes back; what is lost on the way is sent again.
fn answers(from: SocketAddr, patience: Duration) -> bool {
    let socket = UdpSocket::bind(from).unwrap();
    socket.connect((INTERNET, PORT)).unwrap();
    let tries = 4;
    socket.set_read_timeout(Some(patience / tries)).unwrap();
    (0..tries).any(|_| socket.send(b"?").is_ok() && socket.recv(&mut [0; 9]).is_ok())
}

fn connect(device: &mut Client, kind: BackendKind, wishes: &Wishes, number: u8, cable: u8) {
    let node: IpAddr = format!("198.18.{cable}.1").parse().unwrap();
    let to = SocketAddr::new(node, wishes[&pod_id(number)].port);
    device.connect(kind, &keys()[&pod_id(number)].public_key().unwrap(), to);
    let gateway = range(number).node().v4;
    eventually("the gateway answers", || device.namespace.pings(gateway));
}

/// How long the node remembers a connection by UDP, in seconds. An echo it remembers for longer than
/// the test takes.
fn remember(node: &Namespace, seconds: u32) {
    node.set("netfilter/nf_conntrack_icmp_timeout", "3600");
    for switch in ["nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"] {
        node.set(&format!("netfilter/{switch}"), &seconds.to_string());
    }
}

#[test]
fn p14_a_pod_cannot_fill_the_hosts_table_of_connections() {
    let Some(kind) = kind() else { return };
    let (node, internet) = node();
    let new = |number, host, cable| Client::new(&node, cable, range(number).device(host).unwrap());
    let (mut first, mut second, mut other) = (new(1, 2, 2), new(1, 3, 3), new(2, 2, 4));
    let one = pod(1, [(first.public_key(), 2), (second.public_key(), 3)]);
    let two = pod(2, [(other.public_key(), 2)]);
    node.run(async |node| {
        let backend = open(kind).await;
        let alone = Wishes::from([two.clone()]);
        settle(&*backend, &alone).await;
        // Nothing of this test is over before it is.
        remember(node, 3600);
        Echo::start(&internet);
        connect(&mut other, kind, &alone, 2, 4);
        assert_eq!(Ports(&other).answered(20_000..20_002, PATIENCE), 2);
        let rules = node.nft("list ruleset");

        let wishes = Wishes::from([one, two]);
        settle(&*backend, &wishes).await;
        connect(&mut first, kind, &wishes, 1, 2);
        connect(&mut second, kind, &wishes, 1, 3);
        let most = usize::try_from(MOST_FLOWS).unwrap();
        let asked = 20_000..20_000 + u16::try_from(MOST_FLOWS).unwrap();
        let next = asked.end..asked.end + 1;
        // Some are the pings that said that the tunnels stand.
        let opened = Ports(&first).answered(asked.clone(), Duration::from_secs(4));
        assert!((most - 20..=most).contains(&opened), "{opened} of {most}");

        // No device of the pod opens another one, in any way.
        let refused = || {
            assert_eq!(Ports(&first).answered(next.clone(), SILENCE), 0);
            assert_eq!(Ports(&second).answered(next.clone(), SILENCE), 0);
            for by in EACH {
                assert!(!passes(&second.namespace, INTERNET.parse().unwrap(), by, false), "{by:?}");
            }
            assert!(!passes(&first.namespace, range(1).node().v4.into(), By::Icmp, false));
        };
        refused();
        // A round changes nothing about that, nor does what somebody does to a table of their own.
        assert_eq!(settle(&*backend, &wishes).await.changed, 0);
        refused();
        node.nft("add table ip theirs");
        assert_eq!(settle(&*backend, &wishes).await.changed, 0);
        refused();
        node.nft("delete table ip theirs");
        // Those that are open go on, IPv6 has its own, and nobody else is touched.
        assert_eq!(Ports(&first).answered(20_000..20_100, PATIENCE), 100);
        assert!(passes(&first.namespace, INTERNET_V6.parse().unwrap(), By::Udp(PORT), true));
        for by in EACH {
            assert!(passes(&other.namespace, INTERNET.parse().unwrap(), by, true), "{by:?}");
        }

        // What is over makes room: those that were asked for once more are over soon.
        remember(node, 1);
        assert_eq!(Ports(&first).answered(20_000..20_500, PATIENCE), 500);
        eventually("there is room", || Ports(&second).answered(next.clone(), SILENCE) == 1);

        // And of a pod that is gone nothing is left.
        settle(&*backend, &alone).await;
        assert_eq!(Ports(&other).answered(20_000..20_002, PATIENCE), 2);
        eventually("the rules are as before", || node.nft("list ruleset") == rules);
    });
}

/// What was closed is not open, and still fills the host's table for a while: so it cannot be opened
/// any faster either.
#[test]
fn p14_a_pod_cannot_fill_the_hosts_table_by_opening_and_closing() {
    let Some(kind) = kind() else { return };
    let (node, internet) = node();
    let mut device = Client::new(&node, 2, range(1).device(2).unwrap());
    let mut other = Client::new(&node, 3, range(2).device(2).unwrap());
    node.run(async |node| {
        let backend = open(kind).await;
        let wishes =
            Wishes::from([pod(1, [(device.public_key(), 2)]), pod(2, [(other.public_key(), 2)])]);
        settle(&*backend, &wishes).await;
        // What is over makes room after a second, and for more than is opened here.
        remember(node, 1);
        let echo = Echo::start(&internet);
        connect(&mut device, kind, &wishes, 1, 2);
        connect(&mut other, kind, &wishes, 2, 3);
        let (start, own) = (Instant::now(), device.addresses.v4);
        device.namespace.enter(|| {
            for port in (20_000..26_000).cycle().take(16_000) {
                let socket = UdpSocket::bind((own, port)).unwrap();
                socket.set_read_timeout(Some(Duration::from_micros(500))).unwrap();
                socket.send_to(b"opened", (INTERNET, PORT)).unwrap();
                drop(socket.recv(&mut [0; 9]));
            }
        });
        let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
        let (passed, most) =
            (echo.heard_from("opened").len(), usize::try_from(MOST_FLOWS).unwrap() + 100 * seconds);
        assert!(passed <= most, "{passed} in {seconds} s, of {most}");
        assert!(500 < passed, "{passed}: nothing was tried");
        for by in EACH {
            assert!(passes(&other.namespace, INTERNET.parse().unwrap(), by, true), "{by:?}");
        }
    });
}
