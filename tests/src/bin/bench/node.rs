//! A node without a portal: its wishes are handed to the agent's library, or to an agent as the
//! state that it remembers.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use myrelay_agent::{
    backend::{Backend, InterfaceSpec, userspace::UserspaceBackend},
    identity::NewKey,
    keys::PrivateKey,
    memory,
    pod_keys::PodKeys,
    private_dir::PrivateDir,
    privileges,
    system::{Machine, System as _},
};
use myrelay_domain::{
    addresses::{AddressPlan, Block, HostAddresses},
    ids::{PeerId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::{DesiredPeer, DesiredPod, DesiredState, Epoch, Generation};
use myrelay_tests::{
    network::{End, Network},
    program::Program,
    programs,
    vpn_client::wireguard_go_listens,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa,
    KeyPair,
};
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use crate::{
    measure::{Effort, Metric},
    place::folder,
};

/// The interface that stock tools make, on the node.
pub(crate) const STOCK: &str = "mrbns";
const POD_ROUNDS: usize = 60;
const WARM_UP: u32 = 3;
/// How long an agent may take to have applied its state.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it writes what it has to say of one round.
const ROUND_SAID: Duration = Duration::from_millis(50);

/// A node in a namespace, and a folder for its files.
pub(crate) struct NodePlace {
    pub(crate) network: Network,
    folder: TempDir,
}

impl NodePlace {
    /// Makes the namespaces.
    pub(crate) async fn start() -> Result<Self> {
        Ok(Self { network: Network::make("mrbn", 31).await?, folder: folder()? })
    }

    /// Does something with the userspace backend in this process, on threads that are on the node
    /// and have the agent's rights.
    pub(crate) fn with_backend<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&dyn Backend) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.network.within(End::Node, move || {
            privileges::narrow().map_err(io::Error::other)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            let done = runtime.block_on(async {
                let backend = UserspaceBackend::open()?;
                work(&backend).await
            });
            // A thread may still wait for a device's packets.
            runtime.shutdown_timeout(Duration::from_secs(2));
            Ok(done)
        })?
    }

    /// A file of this place.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of this place.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.file(name);
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// Lets the agent remember that it should have these pods. It answers the pods' public keys.
    pub(crate) fn remember(
        &self,
        pods: BTreeMap<PodId, DesiredPod>,
    ) -> Result<BTreeMap<PodId, PublicKey>> {
        let dir = PrivateDir::open(&self.file("state"))?;
        identify(&dir)?;
        let mut keys = PodKeys::open(&dir)?;
        let faults = keys.ensure(pods.keys().copied(), &Machine);
        ensure!(faults.is_empty(), "keys: {faults:?}");
        let (epoch, generation) = (Epoch(1), Generation(1));
        memory::store(&dir, &DesiredState { epoch, generation, resolver: None, pods })?;
        keys.all().iter().map(|(pod, key)| Ok((*pod, key.public_key()?))).collect()
    }

    /// Starts an agent on what it remembers; answers how long it took until it had made it so.
    pub(crate) async fn run_agent(&self, run: &str) -> Result<(Program, Duration)> {
        let agent = programs().join("myrelay-agent");
        let mut command = self.network.command(End::Node, &agent.to_string_lossy());
        command.args(["run", "--backend", "userspace", "--state-dir"]).arg(self.file("state"));
        let started = Instant::now();
        let mut program = Program::start(command, &self.file(&format!("{run}.log")))?;
        loop {
            let said = program.said();
            let took = started.elapsed();
            if has_applied(&said) {
                sleep(ROUND_SAID).await;
                if has_applied(&program.said()) {
                    return Ok((program, took));
                }
            }
            program.ensure_running()?;
            ensure!(started.elapsed() < PATIENCE, "it only said: {said}");
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Starts wireguard-go with an interface [`STOCK`] on the node.
    pub(crate) async fn stock(&self) -> Result<Program> {
        let mut command = self.network.command(End::Node, "wireguard-go");
        command.args(["--foreground", STOCK]).env("LOG_LEVEL", "error");
        let mut program = Program::start(command, &self.file("stock.log"))?;
        wireguard_go_listens(&mut program, STOCK).await?;
        Ok(program)
    }

    /// A command that runs a script on the node.
    pub(crate) fn script(&self, file: &Path) -> Command {
        let mut command = self.network.command(End::Node, "sh");
        command.arg("-e").arg(file);
        command
    }
}

/// Whether the last round of an agent that has written this made all that it remembers. A round
/// that fails is repeated, and the time goes on.
fn has_applied(log: &str) -> bool {
    let rounds = log.rsplit_once("\"applied\"");
    rounds.is_some_and(|(_, last)| {
        last.contains("\"generation\":1,") && !last.contains("does not serve")
    })
}

/// An identity of a portal that is not there: its port is closed.
fn identify(dir: &PrivateDir) -> Result<()> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = NewKey::generate()?;
    let request = CertificateSigningRequestParams::from_pem(&key.csr_pem)?;
    let certificate = request.signed_by(&issuer)?.pem();
    let node = format!("node_{:032x}", 1).parse()?;
    let portal = "https://127.0.0.1:9".parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    key.certified(node, portal, certificate, issuer.pem())?.store(dir)?;
    Ok(())
}

/// Pods from number 0, each with so many devices.
pub(crate) fn pods(count: u32, devices: u32) -> Result<BTreeMap<PodId, DesiredPod>> {
    (0..count).map(|number| Ok((pod_id(number)?, pod(number, devices)?))).collect()
}

/// The id of a pod.
pub(crate) fn pod_id(number: u32) -> Result<PodId> {
    Ok(format!("pod_{number:032x}").parse()?)
}

/// A pod with so many devices; the addresses of those beyond its range follow it.
pub(crate) fn pod(number: u32, devices: u32) -> Result<DesiredPod> {
    let plan = AddressPlan::new("10.0.0.0/8".parse()?, AddressPlan::v6_site([1, 2, 3, 4, 5]))?;
    let size = AddressPlan::size_for(devices);
    let block = Block { first: number * AddressPlan::MAX_SIZE, size };
    let range = plan.range_of(block).context("no addresses are left")?;
    let mut peers = BTreeMap::new();
    for device in 2..devices + 2 {
        let id: PeerId = format!("peer_{number:016x}{device:016x}").parse()?;
        let addresses = HostAddresses {
            v4: (u32::from(range.v4.network()) + device).into(),
            v6: (u128::from(range.v6.network()) + u128::from(device)).into(),
        };
        peers.insert(id, DesiredPeer { public_key: device_key(number, device)?, addresses });
    }
    let port = u16::try_from(20_000 + number)?;
    Ok(DesiredPod::new(format!("wg-pod{number}").parse()?, port, range, peers))
}

fn device_key(pod: u32, device: u32) -> Result<PublicKey> {
    let mut key = [0x55; 32];
    key[..4].copy_from_slice(&pod.to_le_bytes());
    key[4..8].copy_from_slice(&device.to_le_bytes());
    Ok(PublicKey::from_bytes(key)?)
}

/// A new private key.
pub(crate) fn private_key() -> Result<PrivateKey> {
    let mut bytes = [0; 32];
    Machine.fill_random(&mut bytes)?;
    Ok(PrivateKey::from_random(bytes))
}

/// `pod_create`, and the same with stock tools.
pub(crate) async fn pod_create(effort: Effort) -> Result<Vec<Metric>> {
    let rounds = WARM_UP + u32::try_from(effort.times(POD_ROUNDS))?;
    let place = NodePlace::start().await?;
    let ours = place.with_backend(async move |backend| {
        let mut times = Vec::new();
        for number in 0..rounds {
            let spec = spec(number)?;
            let started = Instant::now();
            backend.create_interface(&spec).await?;
            if WARM_UP <= number {
                times.push(started.elapsed());
            }
            backend.delete_interface(&spec.interface).await?;
        }
        Ok(times)
    })?;
    let key = base64(&private_key()?);
    let key = place.write("key", &key)?;
    let up = place.write("up.sh", &stock_up(STOCK, 0, &key)?)?;
    let mut theirs = Vec::new();
    for round in 0..rounds {
        let started = Instant::now();
        let went = myrelay_tests::program::run(place.script(&up)).await;
        let took = started.elapsed();
        // It ends with its interface, and by nothing else.
        let line = format!("ip link delete {STOCK}");
        place.network.inside(End::Node, &line).await?;
        went?;
        if WARM_UP <= round {
            theirs.push(took);
        }
    }
    let setup = "Backend::create_interface of the userspace backend in this process, with the \
                 agent's rights, in a namespace: TUN device, tunnel, port, addresses, walls, up; \
                 one at a time, each removed before the next"
        .to_owned();
    let stock = "the processes `wireguard-go`, `wg set`, `ip address add` twice and `ip link set \
                 up` in one `sh` through `ip netns exec`; no walls; one at a time"
        .to_owned();
    Ok(vec![
        Metric::of_times("pod_create", &ours, setup),
        Metric::of_times("pod_create_wg", &theirs, stock),
    ])
}

fn spec(number: u32) -> Result<InterfaceSpec> {
    let pod = pod(number, 1)?;
    Ok(InterfaceSpec {
        pod: pod_id(number)?,
        interface: pod.interface,
        port: pod.port,
        range: pod.range,
        traffic: myrelay_agent::backend::Traffic::default(),
        private_key: private_key()?,
    })
}

/// The lines of a script that makes what [`Backend::create_interface`] makes, without walls.
pub(crate) fn stock_up(interface: &str, number: u32, key: &Path) -> Result<String> {
    let DesiredPod { port, range, .. } = pod(number, 1)?;
    let (node, v4, v6) = (range.node(), range.v4.prefix_len(), range.v6.prefix_len());
    let key = key.display();
    Ok(format!(
        "wireguard-go {interface} 2>/dev/null\n\
         wg set {interface} private-key {key} listen-port {port}\n\
         ip address add {}/{v4} dev {interface}\n\
         ip address add {}/{v6} dev {interface}\n\
         ip link set {interface} up\n",
        node.v4, node.v6
    ))
}

/// A private key as WireGuard's tools write it.
pub(crate) fn base64(key: &PrivateKey) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(key.expose())
}
