//! From the request to the first ping that comes back, with a stock WireGuard client.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::{
    network::{End, Network},
    program::run_line,
    vpn_client::VpnClient,
};
use serde_json::Value;

use crate::{
    measure::{Effort, Metric},
    place::Added,
    real::RealPlace,
};

const PINGS: usize = 20;

/// `provision_ping`: adding a device, telling a client that runs already, and its first ping.
pub(crate) async fn provision_ping(real: &mut RealPlace, effort: Effort) -> Result<Metric> {
    let mut customer = real.customer().await?;
    let folder = crate::place::folder()?;
    let key_file = folder.path().join("key");
    let network = real.network();
    let [server, _] = network.server();

    let first = new_key(&key_file).await?;
    let added = customer.add_key(&first).await?;
    let addresses = text(&added, "/config/addresses/v4")?.to_owned();
    let file = folder.path().join("client.conf");
    std::fs::write(&file, configuration(&added, std::fs::read_to_string(&key_file)?.trim())?)?;
    let client = VpnClient::connect(network, &file).await?;
    client.reaches(server, Duration::from_secs(10)).await?;
    let pod_key = text(&added, "/config/pod_key")?.to_owned();
    let endpoint = text(&added, "/config/endpoint")?.to_owned();
    customer.clear(vec![added.peer]).await?;

    let mut times = Vec::new();
    for _ in 0..effort.times(PINGS) {
        set(network, &format!("peer {pod_key} remove")).await?;
        let key = new_key(&key_file).await?;
        set(network, &format!("private-key {}", key_file.display())).await?;
        let started = Instant::now();
        let added = customer.add_key(&key).await?;
        set(network, &format!("peer {pod_key} endpoint {endpoint} allowed-ips 0.0.0.0/0")).await?;
        let came_back = client.ping(server, 1).await?;
        times.push(started.elapsed());
        ensure!(came_back == 1, "the first ping was lost");
        let same = text(&added, "/config/addresses/v4")? == addresses;
        ensure!(same, "the address of a removed device was not given out again");
        customer.clear(vec![added.peer]).await?;
    }
    let setup = format!(
        "POST /call/add_device, then `wg set … peer` on a wireguard-go client that runs already \
         and has the key, then one `ping` through the tunnel to a server beyond the node: with the \
         handshake and the start of the processes `wg` and `ping`, each through `ip netns exec`; \
         {} backend",
        real.backend().await?
    );
    Ok(Metric::of_times("provision_ping", &times, setup))
}

/// Writes a new private key to a file; answers its public key.
async fn new_key(file: &std::path::Path) -> Result<String> {
    std::fs::write(file, run_line("wg genkey").await?)?;
    let file = file.to_str().context("a path in UTF-8")?;
    let mut pubkey = tokio::process::Command::new("sh");
    pubkey.args(["-c", "wg pubkey < \"$0\"", file]);
    Ok(myrelay_tests::program::run(pubkey).await?.trim().to_owned())
}

async fn set(network: &Network, words: &str) -> Result<()> {
    let line = format!("wg set {} {words}", network.client_interface());
    network.inside(End::Client, &line).await.map(drop)
}

fn configuration(added: &Added, private_key: &str) -> Result<String> {
    let [v4, v6] = ["/config/addresses/v4", "/config/addresses/v6"].map(|it| text(added, it));
    Ok(format!(
        "[Interface]\nPrivateKey = {private_key}\nAddress = {}/32, {}/128\n\n\
         [Peer]\nPublicKey = {}\nEndpoint = {}\nAllowedIPs = 0.0.0.0/0\n",
        v4?,
        v6?,
        text(added, "/config/pod_key")?,
        text(added, "/config/endpoint")?
    ))
}

fn text<'a>(added: &'a Added, path: &str) -> Result<&'a str> {
    let value = added.answer.pointer(path).and_then(Value::as_str);
    value.with_context(|| format!("no {path} in {}", added.answer))
}
