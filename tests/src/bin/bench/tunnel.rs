//! What goes through a pod in a second, next to no tunnel and to a stock one.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use myrelay_domain::{addresses::HostAddresses, keys::PublicKey};
use myrelay_node_protocol::DesiredPod;
use myrelay_tests::{
    network::{End, Network},
    vpn_client::VpnClient,
};

use crate::{
    measure::Metric,
    node::{NodePlace, STOCK, base64, pod, pod_id, private_key},
};

const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(10);
const PORTION: usize = 128 * 1024;

/// To the client, and from it, in Mbit/s.
struct Speeds {
    down: f64,
    up: f64,
}

/// `tunnel_down`, `tunnel_up`, and both with wireguard-go and with no tunnel.
pub(crate) async fn tunnel() -> Result<Vec<Metric>> {
    let plain = plain().await?;
    let ours = through_pod().await?;
    let stock = through_stock().await?;
    let how = "one TCP connection between a client and a server beyond the node, 4 s after 1 s; \
               client, node and server in namespaces on the same cores";
    let client = "the client is wireguard-go";
    let mut metrics = Vec::new();
    for (names, speeds, what) in [
        (
            ["tunnel_down", "tunnel_up"],
            ours,
            format!("through a pod of `myrelay-agent run --backend userspace`; {client}"),
        ),
        (
            ["tunnel_down_wireguard_go", "tunnel_up_wireguard_go"],
            stock,
            format!("the same with wireguard-go on the node, without walls and NAT; {client}"),
        ),
        (
            ["tunnel_down_plain", "tunnel_up_plain"],
            plain,
            "the node only forwards, over the same veths; no tunnel".to_owned(),
        ),
    ] {
        for (name, speed, way) in
            [(names[0], speeds.down, "to the client"), (names[1], speeds.up, "from the client")]
        {
            let setup = format!("{way}, {what}; {how}");
            metrics.push(Metric::of_value(name, "Mbit/s", speed, 1, setup));
        }
    }
    Ok(metrics)
}

async fn plain() -> Result<Speeds> {
    let place = NodePlace::start().await?;
    let network = &place.network;
    forward(network).await?;
    // There and back by the node, so that the way is that of the tunnels.
    let (node, client, server) = (network.v4(End::Node), network.v4(End::Client), network.server());
    let to_server = format!("ip route add {} via {node}", server[0]);
    network.inside(End::Client, &to_server).await?;
    network.inside(End::Wan, &format!("ip route add {client}/32 via {node}")).await?;
    speeds(network)
}

async fn through_pod() -> Result<Speeds> {
    let place = NodePlace::start().await?;
    let key = private_key()?;
    let mut pod = pod(0, 1)?;
    for peer in pod.peers.values_mut() {
        peer.public_key = key.public_key()?;
    }
    let id = pod_id(0)?;
    let keys = place.remember([(id, pod.clone())].into())?;
    let (mut agent, _took) = place.run_agent("agent").await?;
    let client = connect(&place, &base64(&key), &pod, keys[&id]).await?;
    let speeds = speeds(&place.network)?;
    drop(client);
    agent.stop().await?;
    Ok(speeds)
}

async fn through_stock() -> Result<Speeds> {
    let place = NodePlace::start().await?;
    let network = &place.network;
    let (key, node_key) = (private_key()?, private_key()?);
    let pod = pod(0, 1)?;
    let stock = place.stock().await?;
    let HostAddresses { v4, v6 } = device(&pod)?;
    let conf = format!(
        "[Interface]\nPrivateKey = {}\nListenPort = {}\n\n[Peer]\nPublicKey = {}\nAllowedIPs = \
         {v4}/32, {v6}/128\n",
        base64(&node_key),
        pod.port,
        key.public_key()?
    );
    let conf = place.write("stock.conf", &conf)?;
    let range = pod.range.v4;
    for line in [
        format!("wg setconf {STOCK} {}", conf.display()),
        format!("ip address add {}/{} dev {STOCK}", pod.range.node().v4, range.prefix_len()),
        format!("ip link set {STOCK} mtu 1420 up"),
    ] {
        network.inside(End::Node, &line).await?;
    }
    forward(network).await?;
    let back = format!("ip route add {range} via {}", network.v4(End::Node));
    network.inside(End::Wan, &back).await?;
    let client = connect(&place, &base64(&key), &pod, node_key.public_key()?).await?;
    let speeds = speeds(network)?;
    drop((client, stock));
    Ok(speeds)
}

async fn forward(network: &Network) -> Result<()> {
    for setting in ["ip_forward=1", "conf.all.send_redirects=0", "conf.eth0.send_redirects=0"] {
        network.inside(End::Node, &format!("sysctl -q -w net.ipv4.{setting}")).await?;
    }
    Ok(())
}

fn device(pod: &DesiredPod) -> Result<HostAddresses> {
    let peer = pod.peers.values().next();
    peer.map(|it| it.addresses).ok_or_else(|| anyhow::anyhow!("a pod without devices"))
}

async fn connect<'a>(
    place: &'a NodePlace,
    key: &str,
    pod: &DesiredPod,
    pod_key: PublicKey,
) -> Result<VpnClient<'a>> {
    let HostAddresses { v4, v6 } = device(pod)?;
    let (endpoint, port) = (place.network.v4(End::Node), pod.port);
    let text = format!(
        "[Interface]\nPrivateKey = {key}\nAddress = {v4}/32, {v6}/128\n\n[Peer]\nPublicKey = \
         {pod_key}\nEndpoint = {endpoint}:{port}\nAllowedIPs = 0.0.0.0/0\n"
    );
    let file = place.write("client.conf", &text)?;
    let client = VpnClient::connect(&place.network, &file).await?;
    client.reaches(place.network.server()[0], PATIENCE).await?;
    Ok(client)
}

fn speeds(network: &Network) -> Result<Speeds> {
    Ok(Speeds { down: speed(network, true)?, up: speed(network, false)? })
}

/// Nothing else of this program runs meanwhile: it waits on its sockets.
fn speed(network: &Network, down: bool) -> Result<f64> {
    let [server, _] = network.server();
    let listener = network.within(End::Wan, move || TcpListener::bind((server, 0)))?;
    let target = listener.local_addr()?;
    let client =
        network.within(End::Client, move || TcpStream::connect_timeout(&target, PATIENCE))?;
    let (served, _from) = listener.accept()?;
    let (mut sender, mut receiver) = if down { (served, client) } else { (client, served) };
    receiver.set_read_timeout(Some(PATIENCE))?;
    let sending = std::thread::spawn(move || {
        let portion = vec![0x5a; PORTION];
        // Until the other end has enough.
        while sender.write_all(&portion).is_ok() {}
    });
    let mut portion = vec![0; PORTION];
    let mut read_for = |time: Duration| -> Result<f64> {
        let (started, mut bytes) = (Instant::now(), 0.0);
        while started.elapsed() < time {
            let read = receiver.read(&mut portion)?;
            ensure!(read > 0, "the other end hung up");
            bytes += f64::from(u32::try_from(read)?);
        }
        Ok(bytes * 8.0 / 1e6 / started.elapsed().as_secs_f64())
    };
    let measured = read_for(WARM_UP).and_then(|_warm_up| read_for(MEASURED));
    // What is still on its way is thrown away, and the sender ends.
    drop(receiver);
    sending.join().map_err(|_panic| anyhow::anyhow!("the sender panicked"))?;
    measured
}
