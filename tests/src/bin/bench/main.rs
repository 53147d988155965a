//! Measures what people wait for and what the programs cost; nothing here is asserted but that
//! every answer is the right one.

mod cores;
mod devices;
mod http;
mod many;
mod measure;
mod node;
mod pages;
mod ping;
mod place;
mod real;
mod reconcile;
mod resources;
mod transfer;
mod tunnel;

use std::{collections::BTreeSet, io::Write as _, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use cores::Cores;
use measure::Metric;
use place::Place;
use real::RealPlace;
use serde_json::{Value, json};

/// Measures MyRelay on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Write the numbers to this file too
    #[arg(long)]
    json: Option<PathBuf>,
    /// What to measure; none means everything
    #[arg(value_enum)]
    names: Vec<Name>,
}

/// What can be measured. It stands in the order that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    /// How long signed-in pages take to their first byte
    PageTtfb,
    /// How long signing in takes
    Login,
    /// What a first visit loads
    Transfer,
    /// How long adding a device takes the portal, with 10 and 1,000 others
    PeerCreate,
    /// How long it is from the click to the code to scan, in a slow browser; needs Chromium
    KeygenToQr,
    /// How much memory the portal and the agent take; needs root
    Rss,
    /// How long it is until a real node has a device; needs root
    Provision,
    /// How long the portal and the agent take to be ready; needs root
    Startup,
    /// How long a pod takes on the userspace backend, and by stock tools; needs root
    PodCreate,
    /// How long changes take at 10,000 devices, and `wg` next to it; needs root
    Reconcile,
    /// How long an agent takes to have its many pods again, and stock tools; needs root
    #[value(name = "pods_1000")]
    Pods1000,
    /// What goes through a pod, through wireguard-go and through no tunnel; needs root
    Tunnel,
    /// How much memory an agent takes by its pods and devices; needs root
    RssAgent,
}

impl Name {
    /// A portal whose nodes keep everything in memory.
    fn needs_place(self) -> bool {
        !self.needs_node_alone() && !matches!(self, Self::Provision | Self::Rss)
    }

    /// A portal with a node that moves packets.
    fn needs_real_node(self) -> bool {
        matches!(self, Self::Provision | Self::Rss | Self::Startup)
    }

    /// A node that moves packets and has no portal.
    fn needs_node_alone(self) -> bool {
        matches!(
            self,
            Self::PodCreate | Self::Reconcile | Self::Pods1000 | Self::Tunnel | Self::RssAgent
        )
    }
}

/// One thread: the load has one core, and what is started has the core it is started on.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { json, names } = Arguments::parse();
    let wanted: BTreeSet<Name> =
        if names.is_empty() { Name::value_variants().to_vec() } else { names }
            .into_iter()
            .collect();
    say(&machine())?;
    say(&measure::heading())?;
    let measured = measure_all(&wanted).await?;
    say("\nWhat each of them is:")?;
    for Metric { name, setup, .. } in &measured {
        say(&format!("  {name}: {setup}"))?;
    }
    if let Some(file) = json {
        let values: Vec<Value> = measured.iter().map(Metric::json).collect();
        let text = serde_json::to_string_pretty(&json!(values))?;
        std::fs::write(&file, text + "\n").with_context(|| format!("{}", file.display()))?;
    }
    Ok(())
}

async fn measure_all(wanted: &BTreeSet<Name>) -> Result<Vec<Metric>> {
    let cores = Cores::divide()?;
    let mut all = Vec::new();
    let those = |needs: fn(Name) -> bool| wanted.iter().copied().filter(move |it| needs(*it));
    measure_portal(those(Name::needs_place).collect(), &cores, &mut all).await?;
    measure_both(those(Name::needs_real_node).collect(), &cores, &mut all).await?;
    for name in those(Name::needs_node_alone) {
        let measured = cores.on_all(async || measure_node(name).await).await;
        show(&mut all, measured.with_context(|| format!("{name:?}"))?)?;
    }
    Ok(all)
}

async fn measure_portal(wanted: Vec<Name>, cores: &Cores, all: &mut Vec<Metric>) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut place = Place::start(cores).await?;
    for name in wanted {
        let measured = match name {
            Name::PageTtfb => pages::page_ttfb(&mut place, cores).await,
            Name::Login => pages::login(&mut place, cores).await,
            Name::Transfer => transfer::transfer(&mut place).await,
            Name::PeerCreate => devices::peer_create(&mut place, cores).await,
            Name::KeygenToQr => devices::keygen_to_qr(&mut place, cores).await,
            _ => resources::startup_portal(&mut place, cores).await,
        };
        show(all, measured.with_context(|| format!("{name:?}"))?)?;
    }
    Ok(())
}

async fn measure_both(wanted: Vec<Name>, cores: &Cores, all: &mut Vec<Metric>) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut real = RealPlace::start(cores).await?;
    for name in wanted {
        let measured = match name {
            Name::Provision => devices::provision(&mut real, cores).await,
            Name::Rss => resources::rss(&mut real, cores).await,
            _ => resources::startup_agent(&mut real, cores).await,
        };
        show(all, measured.with_context(|| format!("{name:?}"))?)?;
    }
    Ok(())
}

async fn measure_node(name: Name) -> Result<Vec<Metric>> {
    match name {
        Name::PodCreate => node::pod_create().await,
        Name::Reconcile => reconcile::reconcile().await,
        Name::Pods1000 => many::pods_1000().await,
        Name::Tunnel => tunnel::tunnel().await,
        _ => many::rss_agent().await,
    }
}

fn show(all: &mut Vec<Metric>, measured: Vec<Metric>) -> Result<()> {
    for metric in measured {
        say(&metric.line())?;
        all.push(metric);
    }
    Ok(())
}

/// What else the machine does while it measures is part of every number.
fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, load average {} before the start", load.join(" "))
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
