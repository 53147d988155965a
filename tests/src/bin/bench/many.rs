//! An agent with many pods and many devices: how long it takes to start, and what it has in memory.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::{network::End, program::run};
use tokio::time::sleep;

use crate::{
    measure::{Effort, Metric},
    node::{NodePlace, base64, pod, pods, private_key, stock_up},
    resources::resident,
};

const PODS: u32 = 1000;
/// How many interfaces stock tools make when few have to do, or memory is short.
const FEW: u32 = 100;
/// What a wireguard-go takes at most, in KiB: an idle one has 5 MiB.
const STOCK_KIB: u32 = 8 * 1024;
const RESTARTS: usize = 5;
/// How long an agent that was just busy has to become idle.
const IDLE: Duration = Duration::from_secs(3);
/// inotify(7).
const INOTIFY_INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";

/// `pods_1000`, `pods_1000_fresh`, `pods_1000_wg`.
pub(crate) async fn pods_1000(effort: Effort) -> Result<Vec<Metric>> {
    let place = NodePlace::start().await?;
    place.remember(pods(PODS, 1)?)?;
    let (mut agent, fresh) = place.run_agent("fresh").await?;
    ensure_interfaces(&place, PODS).await?;
    agent.stop().await?;
    let mut restarts = Vec::new();
    for round in 0..effort.times(RESTARTS) {
        let (mut agent, took) = place.run_agent(&format!("restart-{round}")).await?;
        restarts.push(took);
        agent.stop().await?;
    }
    drop(place);
    let many = match effort {
        Effort::Full if has_room(PODS)? => PODS,
        _ => FEW,
    };
    let stock = by_processes(many).await? * (PODS / many);
    let how = format!(
        "from starting `myrelay-agent run --backend userspace` (through `ip netns exec`) until its \
         log says that it has applied the state it remembers: {PODS} pods with a device each; no \
         portal"
    );
    let restart = format!("{how}; the TUN devices are there, the tunnels are made anew");
    let fresh_setup = format!("{how}; nothing is there");
    let scaled = if many == PODS { String::new() } else { format!(", times {}", PODS / many) };
    let stock_setup = format!(
        "{many} times the processes `wireguard-go`, `wg set` twice, `ip address add` twice and \
         `ip link set up`, in one `sh`{scaled}; no walls"
    );
    Ok(vec![
        Metric::of_times("pods_1000", &restarts, restart),
        Metric::of_times("pods_1000_fresh", &[fresh], fresh_setup),
        Metric::of_times("pods_1000_wg", &[stock], stock_setup),
    ])
}

/// What the agent said that it has made is there.
async fn ensure_interfaces(place: &NodePlace, count: u32) -> Result<()> {
    let links = place.network.inside(End::Node, "ip -oneline link show up").await?;
    let there = links.lines().filter(|it| it.contains(": wg-pod")).count();
    ensure!(there == usize::try_from(count)?, "{there} of {count} interfaces are up");
    Ok(())
}

async fn by_processes(count: u32) -> Result<Duration> {
    let _inotify = Inotify::allow(count)?;
    let place = NodePlace::start().await?;
    let key = place.write("key", &base64(&private_key()?))?;
    let (mut up, mut down) = (String::new(), String::new());
    for number in 0..count {
        let interface = format!("mrbn{number}");
        up += &stock_up(&interface, number, &key)?;
        for peer in pod(number, 1)?.peers.values() {
            let (key, addresses) = (peer.public_key, peer.addresses);
            let allowed = format!("{}/32,{}/128", addresses.v4, addresses.v6);
            writeln!(up, "wg set {interface} peer {key} allowed-ips {allowed}")?;
        }
        writeln!(down, "ip link delete {interface} 2>/dev/null || true")?;
    }
    let (up, down) = (place.write("up.sh", &up)?, place.write("down.sh", &down)?);
    let started = Instant::now();
    let went = run(place.script(&up)).await;
    let took = started.elapsed();
    // Each ends with its interface, and by nothing else.
    run(place.script(&down)).await?;
    went.map(|_said| took)
}

/// Whether so many wireguard-go fit into what memory is left.
fn has_room(count: u32) -> Result<bool> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let line = memory.lines().find_map(|it| it.strip_prefix("MemAvailable:"));
    let left: u64 = line.context("no MemAvailable")?.trim().trim_end_matches(" kB").parse()?;
    Ok(u64::from(count) * u64::from(STOCK_KIB) < left)
}

/// Lets a user have more inotify instances, as long as it lives: each wireguard-go takes one, and
/// the kernel allows 128.
struct Inotify {
    before: String,
}

impl Inotify {
    fn allow(count: u32) -> Result<Self> {
        let before = fs::read_to_string(INOTIFY_INSTANCES)?;
        let allowed: u32 = before.trim().parse()?;
        let more = allowed.saturating_add(count).to_string();
        fs::write(INOTIFY_INSTANCES, more).with_context(|| format!("write {INOTIFY_INSTANCES}"))?;
        Ok(Self { before })
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        if let Err(error) = fs::write(INOTIFY_INSTANCES, &self.before) {
            drop(crate::say(&format!("{INOTIFY_INSTANCES} stays raised: {error}")));
        }
    }
}

/// `rss_agent_…`: by pods and devices, and what one more of them takes.
pub(crate) async fn rss_agent() -> Result<Vec<Metric>> {
    let one = memory(1, 0).await?;
    let fifty = memory(50, 0).await?;
    let thousand = memory(1, 1000).await?;
    let ten = memory(10, 0).await?;
    let ten_thousand = memory(10, 1000).await?;
    let how = |what: &str| {
        format!("VmRSS of `myrelay-agent run --backend userspace`, idle, no portal; {what}")
    };
    let value = |name, value, what| Metric::of_value(name, "MiB", value, 1, how(what));
    let kib = |name, value, what| Metric::of_value(name, "KiB", value, 1, how(what));
    Ok(vec![
        value("rss_agent_1_pod", one, "1 pod without devices"),
        value("rss_agent_50_pods", fifty, "50 pods without devices"),
        value("rss_agent_1000_peers", thousand, "1 pod with 1,000 devices"),
        value("rss_agent_10000_peers", ten_thousand, "10 pods with 1,000 devices each"),
        kib(
            "rss_agent_per_peer",
            (ten_thousand - ten) * 1024.0 / 10_000.0,
            "10 pods with 10,000 devices less the same without, for each device",
        ),
        kib(
            "rss_agent_per_pod",
            (fifty - one) * 1024.0 / 49.0,
            "50 pods less 1 pod, without devices, for each of 49",
        ),
    ])
}

async fn memory(count: u32, devices: u32) -> Result<f64> {
    let place = NodePlace::start().await?;
    place.remember(pods(count, devices)?)?;
    let (mut agent, _took) = place.run_agent("agent").await?;
    sleep(IDLE).await;
    let resident = resident(agent.id().context("the agent has ended")?)?;
    agent.stop().await?;
    Ok(resident)
}
