//! A stock WireGuard client: `wireguard-go` and `wg` with a configuration file, in a namespace.

use std::{net::IpAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use crate::{
    network::{End, Network},
    program::{Program, run, until},
};

/// A client that is connected.
#[derive(Debug)]
pub struct VpnClient<'a> {
    network: &'a Network,
    _program: Program,
}

impl<'a> VpnClient<'a> {
    /// Takes a configuration file as `wg-quick` would: the addresses, the routes, the rest.
    pub async fn connect(network: &'a Network, file: &Path) -> Result<Self> {
        let interface = network.client_interface();
        let log = file.with_extension("log");
        let mut command = network.command(End::Client, "wireguard-go");
        command.args(["--foreground", &interface]).env("LOG_LEVEL", "error");
        let mut program = Program::start(command, &log)?;
        wireguard_go_listens(&mut program, &interface).await?;
        let mut strip = tokio::process::Command::new("wg-quick");
        let stripped = run({
            strip.arg("strip").arg(file);
            strip
        })
        .await?;
        let for_wg = file.with_extension("wg");
        std::fs::write(&for_wg, stripped)?;
        let line = format!("wg setconf {interface} {}", for_wg.display());
        network.inside(End::Client, &line).await?;
        let text = std::fs::read_to_string(file)?;
        for address in values(&text, "Address") {
            let line = format!("ip address add {address} dev {interface}");
            network.inside(End::Client, &line).await?;
        }
        let mtu = values(&text, "MTU").next().unwrap_or("1420").to_owned();
        network.inside(End::Client, &format!("ip link set {interface} mtu {mtu} up")).await?;
        // The endpoint is on the wire, so its route is narrower than these.
        for family in ["-4", "-6"] {
            let line = format!("ip {family} route replace default dev {interface}");
            network.inside(End::Client, &line).await?;
        }
        Ok(Self { network, _program: program })
    }

    /// Sends so many pings, one every 200 ms, and answers how many came back.
    pub async fn ping(&self, address: IpAddr, count: u32) -> Result<u32> {
        let mut command = self.network.command(End::Client, "ping");
        let count = count.to_string();
        command.args(["-i", "0.2", "-W", "2", "-c", &count, &address.to_string()]);
        let output = command.stdin(std::process::Stdio::null()).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().find(|line| line.contains("packets transmitted"));
        let received =
            line.and_then(|line| line.split(", ").nth(1)?.split(' ').next()?.parse().ok());
        received.with_context(|| format!("ping said: {said}"))
    }

    /// Waits until a ping comes back.
    pub async fn reaches(&self, address: IpAddr, patience: Duration) -> Result<()> {
        until(&format!("a ping to {address}"), patience, async || {
            Ok((self.ping(address, 1).await? == 1).then_some(()))
        })
        .await
    }

    /// Waits until pings do not come back any more, and sees that they stay away.
    pub async fn goes_silent(&self, address: IpAddr, patience: Duration) -> Result<()> {
        until(&format!("pings to {address} to stop"), patience, async || {
            Ok((self.ping(address, 1).await? == 0).then_some(()))
        })
        .await?;
        anyhow::ensure!(self.ping(address, 5).await? == 0, "pings to {address} come back again");
        Ok(())
    }

    /// Sends bytes to a server beyond the node over TCP and gets them back; they must be the same.
    pub async fn transfer(&self, address: IpAddr, bytes: Vec<u8>) -> Result<()> {
        let server = self.network.listen(End::Wan, address)?;
        let target = server.local_addr()?;
        let echo = async move {
            let (mut stream, from) = server.accept().await?;
            let (mut reader, mut writer) = stream.split();
            tokio::io::copy(&mut reader, &mut writer).await?;
            writer.shutdown().await?;
            Ok::<_, anyhow::Error>(from)
        };
        let patience = Duration::from_secs(10);
        let stream = self.network.within(End::Client, move || {
            let stream = std::net::TcpStream::connect_timeout(&target, patience)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        })?;
        let sent = bytes.clone();
        let exchange = async move {
            let (mut reader, mut writer) = TcpStream::from_std(stream)?.into_split();
            let send = async move {
                writer.write_all(&sent).await?;
                writer.shutdown().await
            };
            let mut back = Vec::new();
            let (sent, got) = tokio::join!(send, reader.read_to_end(&mut back));
            sent?;
            got?;
            Ok::<_, anyhow::Error>(back)
        };
        let both = async { tokio::try_join!(echo, exchange) };
        let (from, back) = tokio::time::timeout(Duration::from_secs(60), both).await??;
        ensure!(back == bytes, "the bytes came back changed");
        let own = self.network.addresses(End::Client);
        ensure!(!own.contains(&from.ip()), "it went past the tunnel: seen as {from}");
        Ok(())
    }

    /// When the last handshake was, in seconds since 1970; 0 for never.
    pub async fn latest_handshake(&self) -> Result<u64> {
        let line = format!("wg show {} latest-handshakes", self.network.client_interface());
        let said = self.network.inside(End::Client, &line).await?;
        said.split_whitespace().nth(1).and_then(|it| it.parse().ok()).context("no peer")
    }
}

/// Waits until a wireguard-go that was started takes orders for its interface.
///
/// Not by `wg show`: it removes a socket that nobody listens on, and would do so under a
/// wireguard-go that is about to take the place of one that was killed.
pub async fn wireguard_go_listens(program: &mut Program, interface: &str) -> Result<()> {
    let socket = format!("/var/run/wireguard/{interface}.sock");
    until("wireguard-go to make its interface", Duration::from_secs(10), async || {
        program.ensure_running()?;
        Ok(UnixStream::connect(&socket).await.is_ok().then_some(()))
    })
    .await
}

/// Does with a configuration file what the demo tells people to do, word for word, and the pings
/// have to come back.
pub async fn wg_quick(network: &Network, file: &Path) -> Result<()> {
    let file = file.to_string_lossy();
    let went = run(shell(&up(network, &file))).await;
    // In any case: what it started runs on its own.
    let ended = run(shell(&down(network, &file))).await;
    went.and(ended).map(drop)
}

fn shell(line: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("sh");
    command.arg("-c").arg(line);
    command
}

/// The line by which a person tries a configuration in the client's namespace.
pub fn up(network: &Network, file: &str) -> String {
    let (client, [server, _]) = (network.namespace(End::Client), network.server());
    format!("ip netns exec {client} sh -c 'wg-quick up {file} && ping -c 3 {server}'")
}

/// The line that takes it down again.
pub fn down(network: &Network, file: &str) -> String {
    format!("ip netns exec {} wg-quick down {file}", network.namespace(End::Client))
}

/// The values of a key in a configuration, each part by itself.
pub fn values<'t>(text: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    text.lines()
        .filter_map(move |line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case(key).then_some(value)
        })
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
