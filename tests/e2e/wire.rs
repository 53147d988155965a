//! What is on the wires while a customer uses a tunnel, and what stays of it afterwards.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    time::Duration,
};

use myrelay_tests::{
    browser::{Browser, Scripts},
    capture::{Capture, Packet},
    network::{End, Network},
    node::Node,
    program::until,
    root,
    story::Stage,
    vpn_client::{VpnClient, values},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a WireGuard session is used for (REKEY_AFTER_TIME, 120 s, in the WireGuard paper,
/// section 6.1), at five pings a second.
const PINGS: u32 = 680;

/// A customer with a device, and everything that belongs to it.
struct Scene {
    stage: Stage,
    node: Node,
    file: std::path::PathBuf,
    folder: TempDir,
}

impl Scene {
    async fn set(name: &str, number: u8, verbose: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let stage = match verbose {
            true => Stage::set_verbose(name, number, folder.path()).await.unwrap(),
            false => Stage::set(name, number, folder.path()).await.unwrap(),
        };
        let pictures = root().join("target/pictures").join(name);
        let browser = Browser::start(Scripts::On, &pictures).await.unwrap();
        stage.become_owner(&browser).await.unwrap();
        let node = stage.add_node(&browser, "osl-1", "Oslo").await.unwrap();
        stage.sign_up(&browser, "ana@example.org").await.unwrap();
        stage.create_pod(&browser).await.unwrap();
        let downloaded = stage.add_device(&browser, "phone").await.unwrap();
        // What the browser downloads goes with it.
        let file = folder.path().join("phone.conf");
        std::fs::copy(downloaded, &file).unwrap();
        browser.close().await.unwrap();
        Self { stage, node, file, folder }
    }

    fn network(&self) -> &Network {
        &self.stage.network
    }

    async fn capture(&self, end: End) -> Capture {
        let file = self.folder.path().join(format!("{}.pcap", Network::port(end)));
        Capture::start(self.network(), end, &file).await.unwrap()
    }

    /// The node's address and the pod's port.
    fn endpoint(&self) -> SocketAddr {
        let text = std::fs::read_to_string(&self.file).unwrap();
        values(&text, "Endpoint").next().unwrap().parse().unwrap()
    }
}

/// Something that no encryption leaves readable and nothing else on the wire says.
fn marker() -> Vec<u8> {
    b"the-quick-brown-marker-0123456789".repeat(3000)
}

#[tokio::test]
async fn p01_p03_p16_p39_a_tunnel_is_wireguard_with_changing_keys_and_unchanged_bytes() {
    let scene = Scene::set("mrw", 31, false).await;
    let capture = scene.capture(End::Client).await;
    let client = VpnClient::connect(scene.network(), &scene.file).await.unwrap();
    let server = scene.network().server()[0];
    client.reaches(server, PATIENCE).await.unwrap();
    // What comes back is what was sent, byte for byte.
    client.transfer(server, marker()).await.unwrap();
    assert_eq!(client.ping(server, PINGS).await.unwrap(), PINGS, "a new key costs no ping");

    let seen = capture.stop().await.unwrap();
    let (own, endpoint) = (scene.network().v4(End::Client).into(), scene.endpoint());
    let of_tunnel = |it: &&Packet| it.concerns(own) && it.concerns(endpoint.ip());
    let messages: Vec<_> = seen.iter().filter(of_tunnel).collect();
    assert!(2 * usize::try_from(PINGS).unwrap() < messages.len());
    for packet in &messages {
        let start = &packet.payload[..packet.payload.len().min(16)];
        assert!(packet.wireguard().is_some(), "not WireGuard: {:?} {start:?}", packet.ports);
        let (from, to) = packet.ports.unwrap();
        assert!(from == endpoint.port() || to == endpoint.port());
    }
    let marker = &marker()[..16];
    for packet in &seen {
        assert!(!packet.payload.windows(16).any(|it| it == marker), "readable: {packet:?}");
        assert!(!packet.concerns(server), "past the tunnel: {packet:?}");
    }
    let of_kind = |kind| messages.iter().filter(move |it| it.wireguard() == Some(kind));
    assert!(2 <= of_kind(1).count() && 2 <= of_kind(2).count(), "keys change in use");
    // Data names the session that the receiver chose for it.
    let sessions: BTreeSet<_> =
        of_kind(4).map(|it| (it.source, it.payload[4..8].to_vec())).collect();
    assert!(4 <= sessions.len(), "two sessions each way: {sessions:?}");
}

/// Sends datagrams to the node from a port of their own, and answers that port.
fn probe(network: &Network, endpoint: SocketAddr, datagrams: Vec<Vec<u8>>) -> u16 {
    let send = move || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        for datagram in &datagrams {
            socket.send_to(datagram, endpoint)?;
        }
        Ok(socket.local_addr()?.port())
    };
    network.within(End::Client, send).unwrap()
}

/// The TCP ports of an address that somebody on the wire can connect to.
fn open_ports(network: &Network, address: IpAddr) -> Vec<u16> {
    let scan = move || {
        let brief = Duration::from_millis(500);
        let answers = |port: &u16| {
            let target = SocketAddr::new(address, *port);
            std::net::TcpStream::connect_timeout(&target, brief).is_ok()
        };
        Ok((1..=u16::MAX).filter(answers).collect())
    };
    network.within(End::Client, scan).unwrap()
}

#[tokio::test]
async fn p04_a_node_is_silent_to_whoever_has_no_key() {
    let scene = Scene::set("mrs", 32, false).await;
    let capture = scene.capture(End::Client).await;
    let client = VpnClient::connect(scene.network(), &scene.file).await.unwrap();
    let server = scene.network().server()[0];
    client.reaches(server, PATIENCE).await.unwrap();
    let seen = async || {
        let seen = capture.packets()?;
        let has = |kind| seen.iter().any(|it| it.wireguard() == Some(kind));
        Ok([1, 2, 4].into_iter().all(has).then_some(seen))
    };
    let seen = until("the packets to be captured", PATIENCE, seen).await.unwrap();
    let real = |kind| seen.iter().find(|it| it.wireguard() == Some(kind)).unwrap().payload.clone();

    let mut datagrams = vec![Vec::new(), vec![0], vec![0xff; 1400], marker()[..148].to_vec()];
    for message in [real(1), real(2), real(4)] {
        // As it was, from somewhere else; then with each kind of damage.
        datagrams.push(message.clone());
        for at in [0, 4, 8, 40, message.len() - 1] {
            let mut damaged = message.clone();
            damaged[at.min(message.len() - 1)] ^= 1;
            datagrams.push(damaged);
        }
        datagrams.push(message[..message.len() - 1].to_vec());
    }
    let endpoint = scene.endpoint();
    let port = probe(scene.network(), endpoint, datagrams.clone());
    // By the time this comes back, the node has read what was sent before.
    assert_eq!(client.ping(server, 5).await.unwrap(), 5, "and the tunnel goes on");
    let seen = capture.stop().await.unwrap();
    let sent = seen.iter().filter(|it| it.ports == Some((port, endpoint.port()))).count();
    assert_eq!(sent, datagrams.len(), "all of it was on the wire");
    // The replay of a message of data from a new address is no reason to answer either.
    let to_probe = |it: &&Packet| it.ports.is_some_and(|(_, to)| to == port);
    let replies: Vec<_> = seen.iter().filter(to_probe).collect();
    assert!(replies.is_empty(), "{replies:?}");

    // From outside there is nothing else.
    for address in scene.network().addresses(End::Node) {
        assert_eq!(open_ports(scene.network(), address), Vec::<u16>::new(), "{address}");
    }
    let listening = scene.network().inside(End::Node, "ss -Hlntu").await.unwrap();
    for line in listening.lines() {
        let pod = format!(":{} ", endpoint.port());
        assert!(line.starts_with("udp") && line.contains(&pod), "also open: {line}");
    }
}

/// Everything in the files below a folder.
fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.is_file() {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    files
}

#[tokio::test]
async fn p12_p37_p40_p41_nothing_is_kept_of_a_session_and_nobody_else_is_told() {
    let mut scene = Scene::set("mrh", 33, true).await;
    let (at_node, at_portal) = (scene.capture(End::Node).await, scene.capture(End::Host).await);
    let client = VpnClient::connect(scene.network(), &scene.file).await.unwrap();
    for server in scene.network().server() {
        client.reaches(server, PATIENCE).await.unwrap();
        client.transfer(server, marker()).await.unwrap();
    }
    let status = scene.node.status(scene.network()).await.unwrap();
    assert!(status.contains("userspace") || status.contains("kernel"), "{status}");
    drop(client);
    scene.node.stop().await.unwrap();
    scene.stage.portal.stop().await.unwrap();

    // Addresses of the client on the wire, and of what it went to, as text and as bytes.
    let network = scene.network();
    let secrets: Vec<IpAddr> =
        [network.addresses(End::Client), network.server()].concat().into_iter().collect();
    let kept = [scene.folder.path().join("portal"), scene.folder.path().join("osl-1")];
    let logs = ["portal.log", "osl-1.log"].map(|it| scene.folder.path().join(it));
    let mut places: Vec<_> = kept.iter().flat_map(|it| files_below(it)).collect();
    places.extend(logs.map(|it| (it.display().to_string(), std::fs::read(it).unwrap())));
    assert!(places.iter().any(|(name, bytes)| name.ends_with("osl-1.log") && !bytes.is_empty()));
    for (place, bytes) in &places {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            assert!(!text.contains(&secret.to_string()), "{secret} is in {place}");
        }
        assert!(!text.contains("brown-marker"), "what was said is in {place}");
    }

    // The node speaks with the portal, with the device, and for the device; the portal with the
    // node. Neighbour discovery stays on the wire.
    let (portal, node) = (network.addresses(End::Host), network.addresses(End::Node));
    let mut known = [portal, network.addresses(End::Client), network.server()].concat();
    let is_local = |it: &IpAddr| match it {
        IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unicast_link_local(),
    };
    let told = |seen: &[Packet], from: &[IpAddr], known: &[IpAddr]| -> BTreeSet<IpAddr> {
        let sent = seen.iter().filter(|it| from.contains(&it.source) && it.protocol != 58);
        let to = sent.map(|it| it.destination);
        to.filter(|it| !known.contains(it) && !is_local(it)).collect()
    };
    let seen = at_node.stop().await.unwrap();
    assert_eq!(told(&seen, &node, &known), BTreeSet::new(), "the node told somebody else");
    known = node.to_vec();
    let seen = at_portal.stop().await.unwrap();
    assert!(!seen.is_empty(), "the portal and the node did not speak");
    assert_eq!(told(&seen, &portal, &known), BTreeSet::new(), "the portal told somebody else");
}
