//! A portal with nodes that keep everything in memory, and customers who fill its database.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_tests::{
    portal::{Options, Portal, free_port},
    program::{Program, run, until},
    programs, root,
    story::PASSWORD,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    cores::Cores,
    http::{Connection, JSON},
};

/// How many devices the free plan allows in a pod.
pub(crate) const DEVICES: usize = 5;
/// A location whose node has few pods: what is measured is here.
pub(crate) const NEAR: &str = "Near";
/// A location for the customers who are only there.
pub(crate) const FAR: &str = "Far";

/// A portal, and two nodes whose agents have the fake backend.
pub(crate) struct Place {
    pub(crate) portal: Portal,
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    _nodes: Vec<Program>,
    _folder: TempDir,
    customers: usize,
    /// How many devices customers of [`FAR`] have.
    far_devices: usize,
}

/// A folder on the disk that the checkout is on: a write to memory would be no durable one.
pub(crate) fn folder() -> Result<TempDir> {
    let folder = root().join("target/bench");
    std::fs::create_dir_all(&folder)?;
    Ok(TempDir::new_in(folder)?)
}

/// How a portal is started here: with its real limits out of the way.
pub(crate) fn options(folder: &Path, node_host: &str) -> Result<Options> {
    let listen: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
    let node_port = free_port()?;
    let flags =
        ["--rate-per-minute", "--sign-in-per-minute", "--enrol-per-minute", "--connections-per-ip"];
    let flags = flags.iter().flat_map(|flag| [(*flag).to_owned(), "1000000000".to_owned()]);
    Ok(Options {
        programs: programs(),
        data: folder.join("portal"),
        log: folder.join("portal.log"),
        listen,
        public_url: format!("http://{listen}"),
        node_listen: ([0, 0, 0, 0], node_port).into(),
        node_url: format!("https://{node_host}:{node_port}"),
        flags: flags.collect(),
        verbose: false,
    })
}

impl Place {
    /// Starts everything with an empty database.
    pub(crate) async fn start(cores: &Cores) -> Result<Self> {
        Self::start_with(cores, &[]).await
    }

    /// The same with more flags for the portal.
    pub(crate) async fn start_with(cores: &Cores, flags: &[&str]) -> Result<Self> {
        let folder = folder()?;
        let mut options = options(folder.path(), "127.0.0.1")?;
        options.flags.extend(flags.iter().map(|it| (*it).to_owned()));
        let portal = cores.for_portal(async || Portal::start(options.clone()).await).await?;
        let mut nodes = Vec::new();
        for location in [NEAR, FAR] {
            let line = portal.add_node(location, location, "192.0.2.1").await?;
            nodes.push(fake_node(&folder.path().join(location), &line).await?);
        }
        let address = options.listen;
        Ok(Self {
            portal,
            options,
            address,
            _nodes: nodes,
            _folder: folder,
            customers: 0,
            far_devices: 0,
        })
    }

    /// A new customer with a pod in a location.
    pub(crate) async fn customer(&mut self, location: &str) -> Result<Customer> {
        self.customers += 1;
        Customer::sign_up(self.address, self.customers, location).await
    }

    /// Lets customers of [`FAR`] have this many devices, as people do it: over the site.
    pub(crate) async fn fill(&mut self, devices: usize) -> Result<()> {
        while self.far_devices < devices {
            let mut customer = self.customer(FAR).await?;
            for _ in 0..DEVICES.min(devices - self.far_devices) {
                customer.add_device().await?;
                self.far_devices += 1;
            }
        }
        Ok(())
    }
}

async fn fake_node(folder: &Path, line: &str) -> Result<Program> {
    let agent = || Command::new(programs().join("myrelay-agent"));
    let words = line.strip_prefix("myrelay-agent ").context("not a join line")?;
    let mut join = agent();
    join.args(words.split_whitespace()).arg("--state-dir").arg(folder);
    run(join).await?;
    let mut serve = agent();
    serve.args(["run", "--backend", "fake", "--state-dir"]).arg(folder);
    let log: PathBuf = folder.with_extension("log");
    let node = Program::start(serve, &log)?;
    until("a node to be in contact", Duration::from_secs(10), async || {
        Ok(node.said().contains("connected to the portal").then_some(()))
    })
    .await?;
    Ok(node)
}

/// Somebody who is signed in and has a pod.
pub(crate) struct Customer {
    pub(crate) connection: Connection,
    pub(crate) email: String,
    pub(crate) pod: String,
}

/// What adding a device answered.
pub(crate) struct Added {
    pub(crate) peer: String,
    pub(crate) took: Duration,
    pub(crate) answer: Value,
}

impl Customer {
    /// Signs up and adds a location.
    pub(crate) async fn sign_up(
        address: SocketAddr,
        number: usize,
        location: &str,
    ) -> Result<Self> {
        let email = format!("customer-{number}@example.org");
        let mut connection = Connection::open(address).await?;
        connection.submit("/sign-up", &credentials(&email)).await?;
        let home = connection.get("/home").await?.text();
        let id = location_id(&home, location)
            .with_context(|| format!("no location {location} in: {home}"))?;
        let (target, _) = connection.submit("/pods", &format!("location={id}")).await?;
        let pod = target.strip_prefix("/pods/").context("it leads to no pod")?.to_owned();
        Ok(Self { connection, email, pod })
    }

    /// Adds a device with a new key, as the browser's own call does; its node has to have it when
    /// the answer comes.
    pub(crate) async fn add_device(&mut self) -> Result<Added> {
        let key = random_key()?;
        self.add_key(&key).await
    }

    /// The same with a key of one's own, in base64.
    pub(crate) async fn add_key(&mut self, key: &str) -> Result<Added> {
        let added = self.add(key).await?;
        let answer = &added.answer;
        ensure!(answer["peer"]["applied"] == true, "the node did not apply it: {answer}");
        Ok(added)
    }

    /// Adds a device and removes it, whether its node follows or not.
    pub(crate) async fn add_and_remove(&mut self) -> Result<()> {
        let added = self.add(&random_key()?).await?;
        self.remove_device(&added.peer).await
    }

    async fn add(&mut self, key: &str) -> Result<Added> {
        let input = json!({ "pod": self.pod, "name": "Laptop", "public_key": key });
        let body = json!({ "input": input }).to_string();
        let answer = self.connection.send("POST", "/call/add_device", Some((JSON, &body))).await?;
        ensure!(answer.status == 200, "it answered {}: {}", answer.status, answer.text());
        let added: Value = serde_json::from_slice(&answer.body)?;
        let peer = added["peer"]["id"].as_str().context("a device without an id")?.to_owned();
        Ok(Added { peer, took: answer.whole, answer: added })
    }

    /// Removes a device.
    pub(crate) async fn remove_device(&mut self, peer: &str) -> Result<()> {
        self.connection.submit(&format!("/devices/{peer}/remove"), "").await.map(drop)
    }

    /// Removes devices and waits until their node has followed, so that the next measurement does
    /// not wait for it: a node takes changes in order, and a device that is added after them is
    /// answered when it is there.
    pub(crate) async fn clear(&mut self, devices: Vec<String>) -> Result<()> {
        for peer in devices {
            self.remove_device(&peer).await?;
        }
        let last = self.add_device().await?;
        self.remove_device(&last.peer).await
    }

    /// Adds and removes devices; answers how long each addition took. The first round warms up.
    pub(crate) async fn measure_adding(&mut self, rounds: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for round in 0..=rounds {
            let mut devices = Vec::new();
            for _ in 0..DEVICES {
                let added = self.add_device().await?;
                devices.push(added.peer);
                if round > 0 {
                    times.push(added.took);
                }
            }
            self.clear(devices).await?;
        }
        Ok(times)
    }
}

/// The sign-up and sign-in forms' fields.
pub(crate) fn credentials(email: &str) -> String {
    let (email, password) = (email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    format!("email={email}&password={password}")
}

/// The hidden field of a location's form.
fn location_id<'p>(page: &'p str, location: &str) -> Option<&'p str> {
    let row = page.split("<li").find(|row| row.contains(&format!(">{location}</strong>")))?;
    let value = row.split("value=\"").nth(1)?;
    value.split('"').next()
}

/// Any 255 bits are a public key (RFC 7748 section 5); that they are one of the few that are
/// refused does not happen.
fn random_key() -> Result<String> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    bytes[31] &= 0x7f;
    Ok(BASE64_STANDARD.encode(bytes))
}
