//! The demo: a portal, a node and a place for a client on this machine, until Ctrl-C.

use std::{io::Write as _, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use myrelay_tests::{
    browser::{Browser, Scripts},
    network::{End, Network},
    node::{self, Node},
    portal::{self, Portal},
    program::until,
    programs, root,
    story::{Stage, private_key},
    vpn_client::{self, wg_quick},
};
use tokio::signal::unix::{SignalKind, signal};

/// Where the demo's site listens.
const SITE_PORT: u16 = 8440;
/// Where the demo's node connects.
const NODE_PORT: u16 = 8441;

/// Runs MyRelay on this machine to look at.
#[derive(Parser)]
#[command(name = "cargo xtask demo", bin_name = "cargo xtask demo")]
struct Arguments {
    /// Walk the main job once with a real browser and a real client, and end
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    if Arguments::parse().check { check().await } else { show().await }
}

/// Account, pod, device with a browser-made key, encrypted ping.
async fn check() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let stage = Stage::set("mrc", 24, folder.path()).await?;
    say("the portal runs")?;
    let browser = Browser::start(Scripts::On, &root().join("target/pictures/demo")).await?;
    stage.become_owner(&browser).await?;
    say("the owner has set a password")?;
    let mut node = stage.add_node(&browser, "demo-1", "Demo").await?;
    say("the node has joined")?;
    stage.sign_up(&browser, "demo@example.org").await?;
    stage.create_pod(&browser).await?;
    say("a customer has signed up and has a pod")?;
    let file = stage.add_device(&browser, "Laptop").await?;
    let key = private_key(&file)?;
    ensure!(
        !String::from_utf8_lossy(&stage.recorder.sent()).contains(&key),
        "the private key was sent"
    );
    say("a device's key was made in the browser and stayed there")?;
    let client = stage.use_tunnel(&file).await?;
    say("a stock WireGuard client pings and transfers through the tunnel, IPv4 and IPv6")?;
    drop(client);
    wg_quick(&stage.network, &file).await?;
    say("so does the line that the demo prints, with wg-quick")?;
    browser.close().await?;
    node.stop().await?;
    say("demo ok")
}

/// Everything runs until somebody presses Ctrl-C.
async fn show() -> Result<()> {
    // Before anything is taken away: what is in these places may be another demo's.
    for port in [SITE_PORT, NODE_PORT] {
        drop(std::net::TcpListener::bind(("127.0.0.1", port)).with_context(|| {
            format!("port {port} is taken: does another demo run? End it with Ctrl-C first")
        })?);
    }
    let network = Network::make("mrd", 20).await?;
    let folder = empty_folder()?;
    let url = format!("http://127.0.0.1:{SITE_PORT}");
    let options = portal::Options {
        programs: programs(),
        data: folder.join("portal"),
        log: folder.join("portal.log"),
        listen: ([127, 0, 0, 1], SITE_PORT).into(),
        public_url: url.clone(),
        node_listen: ([0, 0, 0, 0], NODE_PORT).into(),
        node_url: format!("https://{}:{NODE_PORT}", network.v4(End::Host)),
        flags: Vec::new(),
        verbose: false,
    };
    let mut portal = Portal::start(options).await?;
    let endpoint = network.v4(End::Node).to_string();
    let line = portal.add_node("demo-1", "Demo", &endpoint).await?;
    let options = node::Options {
        end: End::Node,
        programs: programs(),
        state: folder.join("node"),
        log: folder.join("node.log"),
        verbose: false,
    };
    let mut node = Node::join(&network, options, &line).await?;
    until("the node to apply its first state", Duration::from_secs(20), async || {
        Ok(node.status(&network).await?.contains("connected").then_some(()))
    })
    .await
    .with_context(|| node.said())?;
    say(&welcome(&network, &url, &portal.invite()?, &folder))?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    say("\nstopping")?;
    // Ctrl-C reaches the whole group: they may have stopped already.
    drop(node.stop().await);
    drop(portal.stop().await);
    Ok(())
}

fn welcome(network: &Network, url: &str, invite: &str, folder: &std::path::Path) -> String {
    let [server, _] = network.server();
    let file = "/path/to/FILE.conf";
    let (up, down) = (vpn_client::up(network, file), vpn_client::down(network, file));
    format!(
        "
MyRelay runs on this machine, with one node and one location, \"Demo\".

  As a customer   {url}/sign-up
                  sign up, add the location, add a device, download its configuration
  As the owner    {invite}
                  set a password, then look at the node (the link works once, for 30 minutes)

Try the configuration with a stock WireGuard client, in a second terminal (as root), by its
whole path: wg-quick looks for a bare name in /etc/wireguard. The second line ends it.

  {up}
  {down}

{server} stands for a server on the internet: only the tunnel leads there. Where the kernel
has no WireGuard, wg-quick says so and starts wireguard-go. What the programs say is in
{}; every start is a fresh one. End the tunnel, then Ctrl-C ends the rest.
",
        folder.display()
    )
}

fn empty_folder() -> Result<PathBuf> {
    let folder = root().join("target/demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
