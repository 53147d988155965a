//! Memory, and how long programs take to be ready.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::{
    portal::{Options, Portal, get},
    program::Program,
};
use tokio::time::sleep;

use crate::{
    cores::Cores,
    measure::{Effort, Metric},
    place::{Place, folder, options},
    real::RealPlace,
};

const STARTS: usize = 10;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a program that was just busy has to become idle.
const IDLE: Duration = Duration::from_secs(3);

/// `rss_portal`, `rss_agent`.
pub(crate) async fn rss(real: &mut RealPlace, cores: &Cores) -> Result<Vec<Metric>> {
    let folder = folder()?;
    let options = options(folder.path(), "127.0.0.1")?;
    let mut portal = cores.for_portal(async || Portal::start(options.clone()).await).await?;
    real.customer().await?.add_device().await?;
    sleep(IDLE).await;
    let idle = resident(portal.id().context("the portal has ended")?)?;
    portal.stop().await?;
    let agent = resident(real.agent()?)?;
    let backend = real.backend().await?;
    let setup = format!("VmRSS, fresh and idle, empty SQLite database; {}", cores.words());
    let pods = real.pods();
    let agent_setup = format!("VmRSS, idle, {backend} backend; pods: {pods}");
    Ok(vec![
        Metric::of_value("rss_portal", "MiB", idle, 1, setup),
        Metric::of_value("rss_agent", "MiB", agent, 1, agent_setup),
    ])
}

/// What a process has in memory, in MiB (proc(5), `VmRSS`).
pub(crate) fn resident(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(f64::from(kib) / 1024.0)
}

/// `startup_portal_empty`, `startup_portal_1000`.
pub(crate) async fn startup_portal(
    place: &mut Place,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let mut fresh = Vec::new();
    for _ in 0..effort.times(STARTS) {
        let folder = folder()?;
        fresh.push(start_once(&options(folder.path(), "127.0.0.1")?, cores).await?);
    }
    place.fill(1000).await?;
    place.portal.stop().await?;
    let mut full = Vec::new();
    for _ in 0..effort.times(STARTS) {
        full.push(start_once(&place.options, cores).await?);
    }
    let how = "from starting the process until GET /readyz answers 200, asked every millisecond";
    let on = cores.words();
    let empty = format!("{how}; makes its database, its keys and the one-time link; {on}");
    let thousand = format!("{how}; database with 1,000 devices of 200 accounts; {on}");
    Ok(vec![
        Metric::of_times("startup_portal_empty", &fresh, empty),
        Metric::of_times("startup_portal_1000", &full, thousand),
    ])
}

async fn start_once(options: &Options, cores: &Cores) -> Result<Duration> {
    let started = Instant::now();
    let start = async || Program::start(options.command(&["serve"]), &options.log);
    let mut program = cores.for_portal(start).await?;
    ready(&mut program, options.listen, started + PATIENCE).await?;
    let took = started.elapsed();
    program.stop().await?;
    Ok(took)
}

async fn ready(program: &mut Program, address: SocketAddr, end: Instant) -> Result<()> {
    loop {
        let answer = get(address, "/readyz").await;
        if answer.is_ok_and(|it| it.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        program.ensure_running()?;
        ensure!(Instant::now() < end, "the portal is not ready after {PATIENCE:?}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// `startup_agent`.
pub(crate) async fn startup_agent(
    real: &mut RealPlace,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    real.customer().await?.add_device().await?;
    let backend = real.backend().await?;
    let times = real.restart_agent(effort.times(STARTS)).await?;
    let setup = format!(
        "from starting the process (through `ip netns exec`) until its log says that it hears the \
         portal and has applied what it wants, read every millisecond; {backend} backend; \
         pods: {}; {}",
        real.pods(),
        cores.words()
    );
    Ok(vec![Metric::of_times("startup_agent", &times, setup)])
}

/// Waits until a program's log holds all of these.
pub(crate) async fn until_said(program: &mut Program, words: &[&str]) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let said = program.said();
        if words.iter().all(|it| said.contains(it)) {
            return Ok(());
        }
        program.ensure_running()?;
        ensure!(Instant::now() < end, "it only said: {said}");
        sleep(Duration::from_millis(1)).await;
    }
}
