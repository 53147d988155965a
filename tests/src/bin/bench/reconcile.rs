//! Making a pod what it should be, at 10,000 devices: our library, and next to it `wg`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use myrelay_agent::{
    backend::Backend, keys::PrivateKey, memory::Log, plan::Quotas, private_dir::PrivateDir,
    rounds::Rounds,
};
use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{Delta, DesiredPeer, DesiredPod, DesiredState, Generation};
use myrelay_tests::program::run;
use tokio::process::Command;

use crate::{
    measure::{Effort, Metric},
    node::{NodePlace, STOCK, base64, pod, pod_id, pods, private_key},
};

const PEERS: u32 = 10_000;
/// Devices of a pod, where the devices are in pods as they are in the product.
const POD_PEERS: u32 = 1_000;
const FRESH_ROUNDS: usize = 3;
const ROUNDS: usize = 15;
const KEPT_ROUNDS: usize = 100;
/// How many of the devices a process each adds.
const ONE_BY_ONE: u32 = 500;

/// How long each kind of change took.
#[derive(Default)]
struct Times {
    fresh: Vec<Duration>,
    one: Vec<Duration>,
    one_gone: Vec<Duration>,
    none: Vec<Duration>,
    dump: Vec<Duration>,
}

/// `reconcile_fresh`, `reconcile_one` and `_gone`, `reconcile_none`, what a dump takes, the
/// same by `wg`, and what it takes to keep a change.
pub(crate) async fn reconcile(effort: Effort) -> Result<Vec<Metric>> {
    let place = NodePlace::start().await?;
    let ours = place.with_backend(async move |backend| ours(backend, effort).await)?;
    let mut metrics = of_ours(&ours);
    metrics.extend(keep(&place, effort)?);
    metrics.extend(by_wg(&place, effort).await?);
    Ok(metrics)
}

fn of_ours(times: &Times) -> Vec<Metric> {
    let how = |what: &str| {
        format!(
            "Rounds::converge with the userspace backend in this process: {what}; one pod with \
             {PEERS} devices, though a pod of the product has at most 1,021: the addresses of the \
             others lie beyond its range"
        )
    };
    let fresh = how("all devices into an interface that has none");
    let one = how("one device more, after a round that went well");
    let one_gone = how("that device is revoked, after a round that went well");
    let none = how("nothing to change, in a round that looks");
    let dump = how("only Backend::observe");
    vec![
        Metric::of_times("reconcile_fresh", &times.fresh, fresh),
        Metric::of_times("reconcile_one", &times.one, one),
        Metric::of_times("reconcile_one_gone", &times.one_gone, one_gone),
        Metric::of_times("reconcile_none", &times.none, none),
        Metric::of_times("reconcile_dump", &times.dump, dump),
    ]
}

async fn ours(backend: &dyn Backend, effort: Effort) -> Result<Times> {
    let id = pod_id(0)?;
    let keys = BTreeMap::from([(id, private_key()?)]);
    let [none, all, more] = [0, PEERS, PEERS + 1].map(|devices| pod(0, devices));
    let (mut none, all, mut more) = (none?, all?, more?);
    // The same pod each time: only its devices differ.
    (none.range, more.range) = (all.range, all.range);
    let interface = all.interface.clone();
    let [none, all, more] = [none, all, more].map(|pod| state(id, pod));
    let (mut times, mut rounds) = (Times::default(), Rounds::default());
    for _ in 0..effort.times(FRESH_ROUNDS) {
        converge(&mut rounds, backend, &keys, &none).await?;
        rounds.forget();
        times.fresh.push(converge(&mut rounds, backend, &keys, &all).await?);
        // Quicker than to remove every device.
        backend.delete_interface(&interface).await?;
        rounds.forget();
    }
    converge(&mut rounds, backend, &keys, &all).await?;
    for _ in 0..effort.times(ROUNDS) {
        times.one.push(converge(&mut rounds, backend, &keys, &more).await?);
        times.one_gone.push(converge(&mut rounds, backend, &keys, &all).await?);
        rounds.forget();
        times.none.push(converge(&mut rounds, backend, &keys, &all).await?);
        let started = Instant::now();
        let observed = backend.observe().await?;
        times.dump.push(started.elapsed());
        let devices = observed.interfaces.get(&interface).map(|it| it.peers.len());
        ensure!(devices == Some(usize::try_from(PEERS)?), "it has {devices:?} devices");
    }
    backend.delete_interface(&interface).await?;
    Ok(times)
}

fn state(id: PodId, pod: DesiredPod) -> Arc<DesiredState> {
    Arc::new(DesiredState { pods: BTreeMap::from([(id, pod)]), ..DesiredState::default() })
}

async fn converge(
    rounds: &mut Rounds,
    backend: &dyn Backend,
    keys: &BTreeMap<PodId, PrivateKey>,
    state: &Arc<DesiredState>,
) -> Result<Duration> {
    let started = Instant::now();
    let done = rounds.converge(state, keys, &Quotas::new(), backend).await;
    let took = started.elapsed();
    ensure!(done.is_well(), "{done:?}");
    Ok(took)
}

/// What comes before a round: the change is taken in, and it is on the disk.
fn keep(place: &NodePlace, effort: Effort) -> Result<Vec<Metric>> {
    let dir = PrivateDir::open(&place.file("kept"))?;
    let pods = pods(PEERS / POD_PEERS, POD_PEERS)?;
    let mut state = DesiredState { pods, ..DesiredState::default() };
    let mut log = Log::default();
    log.write_whole(&dir, &state)?;
    let (mut added, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..effort.times(KEPT_ROUNDS) {
        let after = state.generation;
        let generation = Generation(after.0 + 1);
        let devices = POD_PEERS - u32::try_from(generation.0 % 2)?;
        // The same range and the same name, whatever the number of devices.
        let changed = DesiredPod { range: state.pods[&pod_id(0)?].range, ..pod(0, devices)? };
        let pods = BTreeMap::from([(pod_id(0)?, changed)]);
        let (epoch, resolver, removed) = (state.epoch, None, Vec::new());
        let delta = Delta { epoch, after, generation, resolver, pods, removed };
        let started = Instant::now();
        let mut next = state.clone();
        next.advance(delta.clone())?;
        log.add(&dir, &delta, &next)?;
        added.push(started.elapsed());
        state = next;
    }
    for _ in 0..effort.times(ROUNDS) {
        let started = Instant::now();
        Log::default().write_whole(&dir, &state)?;
        whole.push(started.elapsed());
    }
    let of = |what| {
        let count = PEERS / POD_PEERS;
        format!("{what}, durable; a state of {count} pods with {POD_PEERS} devices each")
    };
    Ok(vec![
        Metric::of_times("reconcile_keep", &added, of("one device's change taken in and kept")),
        Metric::of_times("reconcile_keep_whole", &whole, of("the whole state kept")),
    ])
}

async fn by_wg(place: &NodePlace, effort: Effort) -> Result<Vec<Metric>> {
    let _stock = place.stock().await?;
    let key = base64(&private_key()?);
    let [none, all, more] = [0, PEERS, PEERS + 1].map(|devices| pod(0, devices));
    let (none, all, more) = (none?, all?, more?);
    let none_file = place.write("none.conf", &configuration(&none, &key)?)?;
    let all_file = place.write("all.conf", &configuration(&all, &key)?)?;
    let more_file = place.write("more.conf", &configuration(&more, &key)?)?;
    let (mut setconf, mut syncconf) = (Vec::new(), Times::default());
    for _ in 0..effort.times(FRESH_ROUNDS) {
        wg(&["setconf", STOCK], Some(&none_file)).await?;
        setconf.push(wg(&["setconf", STOCK], Some(&all_file)).await?);
        wg(&["setconf", STOCK], Some(&none_file)).await?;
        syncconf.fresh.push(wg(&["syncconf", STOCK], Some(&all_file)).await?);
    }
    let mut set = Vec::new();
    let last = more.peers.values().find(|it| !all.peers.values().any(|other| other == *it));
    for _ in 0..effort.times(ROUNDS) {
        syncconf.one.push(wg(&["syncconf", STOCK], Some(&more_file)).await?);
        wg(&["syncconf", STOCK], Some(&all_file)).await?;
        syncconf.none.push(wg(&["syncconf", STOCK], Some(&all_file)).await?);
        syncconf.dump.push(wg(&["show", STOCK, "dump"], None).await?);
        if let Some(peer) = last {
            let key = peer.public_key.to_string();
            let allowed = allowed_ips(peer);
            set.push(wg(&["set", STOCK, "peer", &key, "allowed-ips", &allowed], None).await?);
            wg(&["set", STOCK, "peer", &key, "remove"], None).await?;
        }
    }
    wg(&["setconf", STOCK], Some(&none_file)).await?;
    let mut script = String::new();
    for peer in all.peers.values().take(usize::try_from(ONE_BY_ONE)?) {
        let allowed = allowed_ips(peer);
        writeln!(script, "wg set {STOCK} peer {} allowed-ips {allowed}", peer.public_key)?;
    }
    let script = place.write("loop.sh", &script)?;
    let started = Instant::now();
    run(place.script(&script)).await?;
    let looped = started.elapsed() * (PEERS / ONE_BY_ONE);
    Ok(of_wg(&setconf, &syncconf, &set, looped))
}

fn of_wg(
    setconf: &[Duration],
    syncconf: &Times,
    set: &[Duration],
    looped: Duration,
) -> Vec<Metric> {
    let on = format!("on wireguard-go, {PEERS} peers, from the start of the process to its end");
    let looped_setup = format!(
        "a shell's loop of `wg set … peer`, a process for each of {ONE_BY_ONE} peers, times {}; on \
         wireguard-go",
        PEERS / ONE_BY_ONE
    );
    let times = |name, times: &[Duration], what: &str| {
        Metric::of_times(name, times, format!("`wg {what}` {on}"))
    };
    vec![
        times("reconcile_fresh_setconf", setconf, "setconf"),
        times("reconcile_fresh_syncconf", &syncconf.fresh, "syncconf"),
        Metric::of_value(
            "reconcile_fresh_set_loop",
            "ms",
            looped.as_secs_f64() * 1e3,
            1,
            looped_setup,
        ),
        times("reconcile_one_syncconf", &syncconf.one, "syncconf"),
        times("reconcile_one_set", set, "set … peer"),
        times("reconcile_none_syncconf", &syncconf.none, "syncconf"),
        times("reconcile_dump_wg", &syncconf.dump, "show dump"),
    ]
}

/// Runs `wg`: its socket is a file, so it need not be on the node.
async fn wg(words: &[&str], file: Option<&Path>) -> Result<Duration> {
    let mut command = Command::new("wg");
    command.args(words).args(file);
    let started = Instant::now();
    run(command).await?;
    Ok(started.elapsed())
}

fn configuration(pod: &DesiredPod, key: &str) -> Result<String> {
    let mut text = format!("[Interface]\nPrivateKey = {key}\nListenPort = {}\n", pod.port);
    for peer in pod.peers.values() {
        let allowed = allowed_ips(peer);
        writeln!(text, "\n[Peer]\nPublicKey = {}\nAllowedIPs = {allowed}", peer.public_key)?;
    }
    Ok(text)
}

fn allowed_ips(peer: &DesiredPeer) -> String {
    format!("{}/32,{}/128", peer.addresses.v4, peer.addresses.v6)
}
