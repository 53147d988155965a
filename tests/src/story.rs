//! The main job as people do it, step by step: what the end-to-end tests and the demo's check tell.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    browser::Browser,
    network::{End, Network},
    node::{self, Node},
    portal::{self, Portal, free_port},
    program::{run, until},
    programs,
    recorder::Recorder,
    vpn_client::{VpnClient, values},
};

/// The password that everybody in the stories has.
pub const PASSWORD: &str = "four unrelated words here";

/// A portal behind a recorder, and a network for its node and its customers' devices.
#[derive(Debug)]
pub struct Stage {
    pub network: Network,
    pub recorder: Recorder,
    pub portal: Portal,
    /// Where everything that the story writes is.
    pub folder: PathBuf,
    verbose: bool,
}

impl Stage {
    /// Starts a portal with an empty database.
    pub async fn set(name: &str, number: u8, folder: &Path) -> Result<Self> {
        Self::set_up(name, number, folder, false, &[]).await
    }

    /// The same, where portal and nodes say everything they can.
    pub async fn set_verbose(name: &str, number: u8, folder: &Path) -> Result<Self> {
        Self::set_up(name, number, folder, true, &[]).await
    }

    /// The same with more flags for the portal.
    pub async fn set_with(name: &str, number: u8, folder: &Path, flags: &[&str]) -> Result<Self> {
        Self::set_up(name, number, folder, false, flags).await
    }

    async fn set_up(
        name: &str,
        number: u8,
        folder: &Path,
        verbose: bool,
        flags: &[&str],
    ) -> Result<Self> {
        let network = Network::make(name, number).await?;
        let listen: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        let node_port = free_port()?;
        let recorder = Recorder::start(listen).await?;
        let options = portal::Options {
            programs: programs(),
            data: folder.join("portal"),
            log: folder.join("portal.log"),
            listen,
            public_url: recorder.url(),
            node_listen: ([0, 0, 0, 0], node_port).into(),
            node_url: format!("https://{}:{node_port}", network.v4(End::Host)),
            flags: flags.iter().map(|it| (*it).to_owned()).collect(),
            verbose,
        };
        let portal = Portal::start(options).await?;
        Ok(Self { network, recorder, portal, folder: folder.to_owned(), verbose })
    }

    /// A page of the portal.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.recorder.url())
    }

    /// The owner follows the one-time link and sets a password.
    pub async fn become_owner(&self, browser: &Browser) -> Result<()> {
        let link = self.portal.invite()?;
        browser.open(&link).await?;
        browser.picture("operator-invite").await?;
        let action = link.strip_prefix(&self.recorder.url()).context("a link of this site")?;
        let fields = [("email", "olga@example.org"), ("password", PASSWORD)];
        browser.submit(action, &fields).await?;
        browser.wait_text("Overview").await?;
        browser.picture("operator-overview-empty").await
    }

    /// The owner adds a node and runs the line on it.
    pub async fn add_node(&self, browser: &Browser, name: &str, location: &str) -> Result<Node> {
        self.add_node_at(browser, End::Node, name, location).await
    }

    /// The same for a node at an end of the owner's choice.
    pub async fn add_node_at(
        &self,
        browser: &Browser,
        end: End,
        name: &str,
        location: &str,
    ) -> Result<Node> {
        browser.open(&self.page("/operator/nodes/new")).await?;
        browser.picture("operator-add-node").await?;
        let endpoint = self.network.v4(end).to_string();
        let fields = [("name", name), ("location", location), ("endpoint", &*endpoint)];
        browser.submit("/operator/nodes/new", &fields).await?;
        let line = browser.text_of("#join-line").await?;
        browser.picture("operator-join").await?;
        let node = Node::join(&self.network, self.node_options(end, name), line.trim()).await?;
        browser.open(&self.page("/operator/nodes")).await?;
        browser.follow(name).await?;
        browser.find("dl.facts").await?;
        let page = browser.url().await?;
        until("the node to be in contact", Duration::from_secs(20), async || {
            browser.open(page.as_str()).await?;
            Ok(browser.text().await?.contains("In contact").then_some(()))
        })
        .await?;
        browser.open(&self.page("/operator/nodes")).await?;
        browser.picture("operator-nodes").await?;
        Ok(node)
    }

    /// How an agent with this name is started.
    fn node_options(&self, end: End, name: &str) -> node::Options {
        node::Options {
            end,
            programs: programs(),
            state: self.folder.join(name),
            log: self.folder.join(format!("{name}.log")),
            verbose: self.verbose,
        }
    }

    /// A customer signs up.
    pub async fn sign_up(&self, browser: &Browser, email: &str) -> Result<()> {
        browser.open(&self.page("/sign-up")).await?;
        browser.submit("/sign-up", &[("email", email), ("password", PASSWORD)]).await?;
        browser.wait_text("Locations").await
    }

    /// The customer picks the first location and waits until its pod is ready.
    pub async fn create_pod(&self, browser: &Browser) -> Result<()> {
        browser.open(&self.page("/home")).await?;
        browser.click("form[action='/pods'] button[type='submit']").await?;
        until("the pod's page", Duration::from_secs(10), async || {
            Ok(browser.url().await?.path().starts_with("/pods/pod_").then_some(()))
        })
        .await?;
        let page = browser.url().await?;
        until("the pod to be ready", Duration::from_secs(20), async || {
            browser.open(page.as_str()).await?;
            Ok(browser.text().await?.contains("Ready").then_some(()))
        })
        .await
    }

    /// The customer makes a key in the browser and downloads the configuration.
    pub async fn add_device(&self, browser: &Browser, name: &str) -> Result<PathBuf> {
        let pod = browser.url().await?;
        browser.open(&format!("{pod}/devices/new")).await?;
        browser.find("#make-key:enabled").await?;
        browser.fill("#device-name", name).await?;
        browser.picture("add-device-name").await?;
        browser.click("#make-key").await?;
        browser.find("#configuration").await?;
        browser.click("#download").await?;
        browser.downloaded(".conf").await
    }

    /// A stock client takes the configuration; packets of both families go through the tunnel to
    /// the node and beyond.
    pub async fn use_tunnel(&self, file: &Path) -> Result<VpnClient<'_>> {
        let client = VpnClient::connect(&self.network, file).await?;
        let patience = Duration::from_secs(15);
        for address in self.network.server() {
            client.reaches(address, patience).await?;
            ensure!(client.ping(address, 5).await? == 5, "pings to {address} were lost");
            let bytes = (0..1 << 20).map(|n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]);
            client.transfer(address, bytes.collect()).await?;
        }
        ensure!(client.latest_handshake().await? > 0, "no handshake");
        Ok(client)
    }
}

/// The private key of a configuration file: 44 characters of base64.
pub fn private_key(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)?;
    let mut keys = values(&text, "PrivateKey");
    let key = keys.next().context("no private key in it")?.to_owned();
    ensure!(keys.next().is_none(), "two private keys in it");
    Ok(key)
}

/// What `wg pubkey` says of a private key.
pub async fn public_key_of(private_key: &str) -> Result<String> {
    let mut command = tokio::process::Command::new("sh");
    // The key goes in on standard input, as `wg` wants it.
    command.arg("-c").arg("echo \"$KEY\" | wg pubkey").env("KEY", private_key);
    Ok(run(command).await?.trim().to_owned())
}
