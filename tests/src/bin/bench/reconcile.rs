//! Making a pod what it should be, at 10,000 devices: our library, and next to it `wg`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use myrelay_agent::{backend::Backend, keys::PrivateKey, plan};
use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{DesiredPeer, DesiredPod};
use myrelay_tests::program::run;
use tokio::process::Command;

use crate::{
    measure::Metric,
    node::{NodePlace, STOCK, base64, pod, pod_id, private_key},
};

const PEERS: u32 = 10_000;
const FRESH_ROUNDS: usize = 3;
const ROUNDS: usize = 15;
/// How many of the devices a process each adds.
const ONE_BY_ONE: u32 = 500;

/// How long each kind of change took.
#[derive(Default)]
struct Times {
    fresh: Vec<Duration>,
    one: Vec<Duration>,
    none: Vec<Duration>,
    dump: Vec<Duration>,
}

/// `reconcile_fresh`, `reconcile_one`, `reconcile_none`, what a dump takes, and the same by `wg`.
pub(crate) async fn reconcile() -> Result<Vec<Metric>> {
    let place = NodePlace::start().await?;
    let ours = place.with_backend(ours)?;
    let mut metrics = of_ours(&ours);
    metrics.extend(by_wg(&place).await?);
    Ok(metrics)
}

fn of_ours(times: &Times) -> Vec<Metric> {
    let how = |what: &str| {
        format!(
            "plan::converge with the userspace backend in this process: {what}; one pod with \
             {PEERS} devices, though a pod of the product has at most 1,021: the addresses of the \
             others lie beyond its range"
        )
    };
    let fresh = how("all devices into an interface that has none");
    let one = how("one device more");
    let none = how("nothing to change");
    let dump = how("only Backend::observe");
    vec![
        Metric::of_times("reconcile_fresh", &times.fresh, fresh),
        Metric::of_times("reconcile_one", &times.one, one),
        Metric::of_times("reconcile_none", &times.none, none),
        Metric::of_times("reconcile_dump", &times.dump, dump),
    ]
}

async fn ours(backend: &dyn Backend) -> Result<Times> {
    let id = pod_id(0)?;
    let keys = BTreeMap::from([(id, private_key()?)]);
    let [none, all, more] = [0, PEERS, PEERS + 1].map(|devices| pod(0, devices));
    let (mut none, all, mut more) = (none?, all?, more?);
    // The same pod each time: only its devices differ.
    (none.range, more.range) = (all.range, all.range);
    let interface = all.interface.clone();
    let [none, all, more] = [none, all, more].map(|pod| BTreeMap::from([(id, pod)]));
    let mut times = Times::default();
    for _ in 0..FRESH_ROUNDS {
        converge(backend, &keys, &none).await?;
        times.fresh.push(converge(backend, &keys, &all).await?);
        // Quicker than to remove every device.
        backend.delete_interface(&interface).await?;
    }
    converge(backend, &keys, &all).await?;
    for _ in 0..ROUNDS {
        times.one.push(converge(backend, &keys, &more).await?);
        converge(backend, &keys, &all).await?;
        times.none.push(converge(backend, &keys, &all).await?);
        let started = Instant::now();
        let observed = backend.observe().await?;
        times.dump.push(started.elapsed());
        let devices = observed.interfaces.get(&interface).map(|it| it.peers.len());
        ensure!(devices == Some(usize::try_from(PEERS)?), "it has {devices:?} devices");
    }
    backend.delete_interface(&interface).await?;
    Ok(times)
}

async fn converge(
    backend: &dyn Backend,
    keys: &BTreeMap<PodId, PrivateKey>,
    desired: &BTreeMap<PodId, DesiredPod>,
) -> Result<Duration> {
    let started = Instant::now();
    let done = plan::converge(desired, keys, &plan::Quotas::new(), backend).await;
    let took = started.elapsed();
    ensure!(done.faults.is_empty() && done.node_faults.is_empty(), "{done:?}");
    Ok(took)
}

async fn by_wg(place: &NodePlace) -> Result<Vec<Metric>> {
    let _stock = place.stock().await?;
    let key = base64(&private_key()?);
    let [none, all, more] = [0, PEERS, PEERS + 1].map(|devices| pod(0, devices));
    let (none, all, more) = (none?, all?, more?);
    let none_file = place.write("none.conf", &configuration(&none, &key)?)?;
    let all_file = place.write("all.conf", &configuration(&all, &key)?)?;
    let more_file = place.write("more.conf", &configuration(&more, &key)?)?;
    let (mut setconf, mut syncconf) = (Vec::new(), Times::default());
    for _ in 0..FRESH_ROUNDS {
        wg(&["setconf", STOCK], Some(&none_file)).await?;
        setconf.push(wg(&["setconf", STOCK], Some(&all_file)).await?);
        wg(&["setconf", STOCK], Some(&none_file)).await?;
        syncconf.fresh.push(wg(&["syncconf", STOCK], Some(&all_file)).await?);
    }
    let mut set = Vec::new();
    let last = more.peers.values().find(|it| !all.peers.values().any(|other| other == *it));
    for _ in 0..ROUNDS {
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
