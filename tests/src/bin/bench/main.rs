//! Measures what people wait for and what the programs cost; nothing here is asserted but that
//! every answer is the right one.

mod cores;
mod devices;
mod events;
mod http;
mod many;
mod measure;
mod node;
mod pages;
mod ping;
mod place;
mod plugin_call;
mod plugin_cold;
mod plugin_raw;
mod plugin_soak;
mod plugin_spin;
mod plugins;
mod real;
mod reconcile;
mod resources;
mod rss_plugins;
mod transfer;
mod tunnel;
mod webhook;

use std::{collections::BTreeSet, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use cores::Cores;
use measure::{Effort, Metric};
use place::Place;
use real::RealPlace;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};

/// Measures MyRelay on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Write the numbers to this file too
    #[arg(long)]
    json: Option<PathBuf>,
    /// Take the same ways, less often: to see that all of it runs
    #[arg(long)]
    quick: bool,
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
    /// How long pages take while plugins do nothing but use CPU
    PluginSpin,
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
    /// How long a call of a plugin in Rust takes, and wasmtime next to it
    PluginCall,
    /// The same when the host is a process of its own
    PluginCallProcess,
    /// How long a call of a plugin in JavaScript takes, in both hosts
    PluginCallJs,
    /// How long a call of a plugin in Python takes, in both hosts
    PluginCallPython,
    /// How long a host takes until 20 plugins are ready
    PluginCold,
    /// How much memory 20 plugins take
    RssPlugins,
    /// What a million calls of a plugin leave in memory
    PluginSoak,
    /// How fast a portal carries events to three plugins, and how late they come
    Events,
    /// The same to one plugin in each language
    EventsMixed,
    /// How long it is until what a payment provider reports is in the books
    Webhook,
}

impl Name {
    /// A portal whose nodes keep everything in memory.
    fn needs_place(self) -> bool {
        !self.needs_node_alone()
            && !self.needs_plugins_alone()
            && !matches!(self, Self::Provision | Self::Rss)
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

    /// A plugin host that has no portal, or a portal of its own with plugins.
    fn needs_plugins_alone(self) -> bool {
        matches!(
            self,
            Self::PluginCall
                | Self::PluginCallProcess
                | Self::PluginCallJs
                | Self::PluginCallPython
                | Self::PluginCold
                | Self::RssPlugins
                | Self::PluginSoak
                | Self::Events
                | Self::EventsMixed
                | Self::PluginSpin
                | Self::Webhook
        )
    }
}

/// One thread: the load has one core, and what is started has the core it is started on.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let Arguments { json, quick, names } = Arguments::parse();
    let wanted: BTreeSet<Name> =
        if names.is_empty() { Name::value_variants().to_vec() } else { names }
            .into_iter()
            .collect();
    open_files()?;
    let effort = if quick { Effort::Quick } else { Effort::Full };
    say(&machine())?;
    let mut run = Run::new(effort, json)?;
    say(&measure::heading())?;
    run.measure_all(&wanted).await?;
    say("\nWhat each of them is:")?;
    for Metric { name, setup, .. } in &run.measured {
        say(&format!("  {name}: {setup}"))?;
    }
    for (name, why) in &run.failed {
        say(&format!("not measured: {name}: {why}"))?;
    }
    say(&format!("{} measured, {} failed", run.measured.len(), run.failed.len()))?;
    Ok(if run.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A thousand userspace tunnels are a few thousand open files, and a shell allows 1,024.
fn open_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// What was measured, and on what; a failure ends what it happened to and nothing else.
struct Run {
    cores: Cores,
    effort: Effort,
    json: Option<PathBuf>,
    /// Used again by the next measurement, unless one failed there.
    place: Option<Place>,
    real: Option<RealPlace>,
    measured: Vec<Metric>,
    failed: Vec<(String, String)>,
}

impl Run {
    fn new(effort: Effort, json: Option<PathBuf>) -> Result<Self> {
        let cores = Cores::divide()?;
        let (measured, failed) = (Vec::new(), Vec::new());
        Ok(Self { cores, effort, json, place: None, real: None, measured, failed })
    }

    async fn measure_all(&mut self, wanted: &BTreeSet<Name>) -> Result<()> {
        let those = |needs: fn(Name) -> bool| wanted.iter().copied().filter(move |it| needs(*it));
        for name in those(Name::needs_place) {
            let measured = self.with_portal(name).await;
            self.note(name, measured)?;
        }
        self.place = None;
        for name in those(Name::needs_real_node) {
            let measured = self.with_both(name).await;
            self.note(name, measured)?;
        }
        self.real = None;
        for name in those(Name::needs_node_alone) {
            let (cores, effort) = (&self.cores, self.effort);
            let measured = cores.on_all(async || measure_node(name, effort).await).await;
            self.note(name, measured)?;
        }
        for name in those(Name::needs_plugins_alone) {
            let measured = measure_plugins(name, &self.cores, self.effort).await;
            self.note(name, measured)?;
        }
        Ok(())
    }

    async fn with_portal(&mut self, name: Name) -> Result<Vec<Metric>> {
        let (cores, effort) = (&self.cores, self.effort);
        let mut place = match self.place.take() {
            Some(place) => place,
            None => Place::start(cores).await?,
        };
        let measured = match name {
            Name::PageTtfb => pages::page_ttfb(&mut place, cores, effort).await?,
            Name::Login => pages::login(&mut place, cores, effort).await?,
            Name::Transfer => transfer::transfer(&mut place).await?,
            Name::PeerCreate => devices::peer_create(&mut place, cores, effort).await?,
            Name::KeygenToQr => devices::keygen_to_qr(&mut place, cores, effort).await?,
            _ => resources::startup_portal(&mut place, cores, effort).await?,
        };
        self.place = Some(place);
        Ok(measured)
    }

    async fn with_both(&mut self, name: Name) -> Result<Vec<Metric>> {
        let (cores, effort) = (&self.cores, self.effort);
        let mut real = match self.real.take() {
            Some(real) => real,
            None => RealPlace::start(cores).await?,
        };
        let measured = match name {
            Name::Provision => devices::provision(&mut real, cores, effort).await?,
            Name::Rss => resources::rss(&mut real, cores).await?,
            _ => resources::startup_agent(&mut real, cores, effort).await?,
        };
        self.real = Some(real);
        Ok(measured)
    }

    /// Shows and keeps what came of a measurement. What was measured is in the file from then on,
    /// whatever becomes of the rest.
    fn note(&mut self, name: Name, measured: Result<Vec<Metric>>) -> Result<()> {
        match measured {
            Ok(metrics) => {
                for metric in metrics {
                    say(&metric.line())?;
                    self.measured.push(metric);
                }
            }
            Err(error) => {
                let name = name
                    .to_possible_value()
                    .map_or_else(String::new, |it| it.get_name().to_owned());
                say(&format!("{name:<26} failed: {error:#}"))?;
                self.failed.push((name, format!("{error:#}")));
            }
        }
        let Some(file) = &self.json else { return Ok(()) };
        let values: Vec<Value> = self.measured.iter().map(Metric::json).collect();
        let text = serde_json::to_string_pretty(&json!(values))?;
        std::fs::write(file, text + "\n").with_context(|| format!("{}", file.display()))
    }
}

async fn measure_node(name: Name, effort: Effort) -> Result<Vec<Metric>> {
    match name {
        Name::PodCreate => node::pod_create(effort).await,
        Name::Reconcile => reconcile::reconcile(effort).await,
        Name::Pods1000 => many::pods_1000(effort).await,
        Name::Tunnel => tunnel::tunnel().await,
        _ => many::rss_agent().await,
    }
}

async fn measure_plugins(name: Name, cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    match name {
        Name::Events => events::events(cores, effort).await,
        Name::EventsMixed => events::events_mixed(cores, effort).await,
        Name::Webhook => webhook::webhook(cores, effort).await,
        Name::PluginSpin => plugin_spin::plugin_spin(cores, effort).await,
        Name::PluginCall => plugin_call::plugin_call(effort).await,
        Name::PluginCallProcess => plugin_call::plugin_call_process(effort).await,
        Name::PluginCallJs => plugin_call::plugin_call_js(effort).await,
        Name::PluginCallPython => plugin_call::plugin_call_python(effort).await,
        Name::PluginCold => plugin_cold::plugin_cold(effort).await,
        Name::RssPlugins => rss_plugins::rss_plugins().await,
        _ => plugin_soak::plugin_soak(effort).await,
    }
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
