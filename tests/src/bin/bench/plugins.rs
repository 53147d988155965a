//! Plugin hosts, the plugins that are measured in them, and what is said to them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use async_trait::async_trait;
use myrelay_plugin_host::{
    Answer, Call, CallRequest, Compiler, Grants, HostProcess, InProcess, Installation, KvEntry,
    KvReader, KvUnavailable, KvUsage, Limits, Manifest, Network, Options, Outcome, PluginHost,
    PluginSecret, Process, SystemResolver, events, mozillas_roots,
};
use myrelay_tests::{program::run, programs, root};
use tokio::task::JoinSet;

use crate::place::Place;

/// The folder in which `cargo xtask bench` put the plugins that it built.
const BUILT: &str = "MYRELAY_BENCH_PLUGINS";
/// How many callers have a host busy.
pub(crate) const CALLERS: usize = 4;
/// How many plugins a portal with many has.
pub(crate) const MANY: usize = 20;
/// How long the process of plugins may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// When everything happens, in milliseconds since 1970: 2026-03-20T08:50:00Z.
const NOW_MS: u64 = 1_773_996_600_000;
/// Settings that fit every sample.
const SETTINGS: &str = r#"{"room":"http://127.0.0.1:8025/hooks/vpn"}"#;

/// A plugin that was built.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) wasm: Vec<u8>,
    pub(crate) manifest: String,
}

/// A file of the plugins that were built.
fn built(file: &str) -> Result<PathBuf> {
    let folder = std::env::var_os(BUILT).with_context(|| {
        format!("{BUILT} names no folder with plugins: `cargo xtask bench` builds them and sets it")
    })?;
    Ok(PathBuf::from(folder).join(file))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| {
        format!("{}: it is not there; `cargo xtask bench` builds it", path.display())
    })
}

impl Guest {
    fn new(component: &str, manifest: &str) -> Result<Self> {
        let manifest = read(&root().join("plugins").join(manifest))?;
        Ok(Self { wasm: read(&built(component)?)?, manifest: String::from_utf8(manifest)? })
    }

    /// One of our own plugins.
    pub(crate) fn own(name: &str) -> Result<Self> {
        Self::new(&format!("myrelay_plugin_{name}.wasm"), &format!("{name}/plugin.toml"))
    }

    /// A sample in another language than Rust.
    pub(crate) fn sample(name: &str) -> Result<Self> {
        let folder = format!("samples/{name}");
        Self::new(&format!("{folder}/plugin.wasm"), &format!("{folder}/plugin.toml"))
    }

    /// The sample in Rust that also does what a good plugin does.
    pub(crate) fn hostile() -> Result<Self> {
        Self::new("myrelay_sample_hostile.wasm", "samples/hostile/plugin.toml")
    }

    fn notifier() -> Result<Self> {
        Self::new("myrelay_sample_notifier.wasm", "samples/notifier/plugin.toml")
    }

    /// The plugin under another name, as long as its own: a portal has each plugin once.
    pub(crate) fn renamed(mut self, own: &str, name: &str) -> Result<Self> {
        ensure!(name.len() == own.len(), "{name} is not as long as {own}");
        let mut places = 0;
        for at in 0..self.wasm.len() - own.len() {
            if self.wasm[at..].starts_with(own.as_bytes()) {
                self.wasm[at..at + own.len()].copy_from_slice(name.as_bytes());
                places += 1;
            }
        }
        ensure!(0 < places, "the plugin does not say that it is {own}");
        self.manifest = self.manifest.replace(own, name);
        Ok(self)
    }

    /// The plugin with all that it asks for.
    pub(crate) fn installation(&self, id: &str) -> Result<Installation> {
        let Self { wasm, manifest } = self.clone();
        let mut grants = Grants::all_asked(&Manifest::parse(&manifest)?);
        for grant in &mut grants.http {
            grant.any_host = grant.rule.host.is_any();
        }
        Ok(Installation { id: id.to_owned(), manifest, wasm, grants, limits: Limits::default() })
    }
}

/// Twenty installations: our own plugins and the samples in Rust, in turn.
pub(crate) fn many() -> Result<Vec<Installation>> {
    let own = ["btcpay", "email", "manual", "stripe", "telegram", "webhook"];
    let mut guests = own.map(Guest::own).into_iter().collect::<Result<Vec<_>>>()?;
    guests.extend([Guest::notifier()?, Guest::hostile()?]);
    let turns = guests.iter().cycle().take(MANY).enumerate();
    turns.map(|(number, guest)| guest.installation(&format!("plugin-{number}"))).collect()
}

/// What a host is made with. What was compiled once is there for the next time.
fn options() -> Result<Options> {
    let cache = root().join("target/bench/compiled");
    let compiler = Compiler::new(programs().join("myrelay-plugin-compile"), Vec::new(), &cache)?;
    let network = Network {
        resolver: Arc::new(SystemResolver),
        roots: Arc::new(mozillas_roots()),
        own: Vec::new(),
        user_agent: "myrelay-bench".to_owned(),
    };
    Ok(Options { compiler, network })
}

/// A host inside this process; its threads have the cores that this one has now.
pub(crate) fn in_process() -> Result<InProcess> {
    Ok(InProcess::new(options()?)?)
}

/// A host that is a process of its own; it has the cores that this thread has now.
pub(crate) fn process() -> Result<Process> {
    let program = programs().join("myrelay-plugin-host");
    let how = HostProcess { program, user: None, patience: PATIENCE };
    Ok(Process::new(options()?, how)?)
}

/// A store in memory in which everything is remembered.
struct Store;

#[async_trait]
impl KvReader for Store {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        Ok(Some(KvEntry { key: key.to_owned(), value: b"7".to_vec(), version: 1 }))
    }

    async fn scan(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<KvEntry>, KvUnavailable> {
        Ok(Vec::new())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        Ok(KvUsage::default())
    }
}

/// One of the deeds of the hostile sample.
pub(crate) fn deed(name: &str) -> Call {
    Call::Event(events::Event {
        id: "event".to_owned(),
        type_name: format!("machine:{name}"),
        account: None,
        sequence: 1,
        occurred_at: NOW_MS,
        data: String::new(),
    })
}

/// An installation that is called again and again.
#[derive(Clone)]
pub(crate) struct Caller {
    host: Arc<dyn PluginHost>,
    id: &'static str,
}

impl Caller {
    /// Installs a plugin.
    pub(crate) async fn install(
        host: Arc<dyn PluginHost>,
        id: &'static str,
        guest: &Guest,
    ) -> Result<Self> {
        host.install(guest.installation(id)?).await.with_context(|| format!("install {id}"))?;
        Ok(Self { host, id })
    }

    /// Calls it once; answers how that went and how long it took.
    async fn call(&self, call: Call) -> Result<(Outcome, Duration)> {
        let key = PluginSecret::new("k".repeat(32)).context("a key")?;
        let request = CallRequest {
            installation: self.id.to_owned(),
            call,
            delivery_id: "delivery".to_owned(),
            attempt: 1,
            now_ms: NOW_MS,
            started_ms: NOW_MS + 500,
            test_mode: true,
            trace_parent: None,
            config: SETTINGS.to_owned(),
            secrets: std::collections::BTreeMap::new(),
            installation_key: key,
        };
        let started = Instant::now();
        let outcome = self.host.call(request, Arc::new(Store)).await;
        Ok((outcome, started.elapsed()))
    }

    /// Calls it so often, one after the other.
    pub(crate) async fn call_times(&self, call: &Call, times: usize) -> Result<Vec<Duration>> {
        let mut all = Vec::with_capacity(times);
        for _ in 0..times {
            let (outcome, took) = self.call(call.clone()).await?;
            match outcome.result {
                Ok(Answer::Done | Answer::Described(_)) => {}
                Ok(Answer::Health(it)) if it.ok => {}
                other => bail!("{} answered {other:?}", self.id),
            }
            all.push(took);
        }
        Ok(all)
    }

    /// Calls it at least so often from [`CALLERS`] callers; answers how many calls there were in a
    /// second.
    pub(crate) async fn rate(&self, call: &Call, times: usize) -> Result<f64> {
        let each = times.div_ceil(CALLERS);
        let mut running = JoinSet::new();
        let started = Instant::now();
        for _ in 0..CALLERS {
            let (caller, call) = (self.clone(), call.clone());
            running.spawn(async move { caller.call_times(&call, each).await.map(drop) });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        let count = u32::try_from(each * CALLERS)?;
        Ok(f64::from(count) / started.elapsed().as_secs_f64())
    }
}

/// What a process has in memory.
pub(crate) struct Memory {
    /// All of it, in MiB.
    pub(crate) resident: f64,
    /// What nothing else could bring back: `Private_Dirty`, in MiB.
    pub(crate) dirty: f64,
}

impl Memory {
    /// Of a process by its id, or of `self` (proc(5), `smaps_rollup`).
    pub(crate) fn of(process: &str) -> Result<Self> {
        let path = format!("/proc/{process}/smaps_rollup");
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let mib = |name: &str| {
            let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':'));
            let line = line.ok_or_else(|| anyhow!("{path} has no {name}"))?;
            let kib: u32 = line.trim().trim_end_matches("kB").trim().parse()?;
            Ok::<_, anyhow::Error>(f64::from(kib) / 1024.0)
        };
        Ok(Self { resident: mib("Rss")?, dirty: mib("Private_Dirty")? })
    }
}

/// Writes a folder with a plugin, and beside it its settings.
pub(crate) fn written(
    desk: &Path,
    name: &str,
    guest: &Guest,
    schema: &str,
    settings: &str,
) -> Result<PathBuf> {
    let folder = desk.join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("plugin.toml"), &guest.manifest)?;
    fs::write(folder.join("plugin.wasm"), &guest.wasm)?;
    fs::write(folder.join("config.schema.json"), schema)?;
    fs::write(folder.with_extension("json"), settings)?;
    Ok(folder)
}

/// Installs such a folder with a secret, as an operator does it who grants all that it asks for,
/// and this port of this machine.
pub(crate) async fn install_one(
    place: &Place,
    folder: &Path,
    (name, secret): (&str, &str),
    port: Option<u16>,
) -> Result<()> {
    let file = folder.with_extension("secret");
    fs::write(&file, secret)?;
    let mut command = place.options.command(&["plugin", "install", "--grant"]);
    command.arg("--settings").arg(folder.with_extension("json"));
    command.args(["--secret", &format!("{name}={}", file.display())]);
    if let Some(port) = port {
        command.args(["--private", &format!("127.0.0.1/32:{port}")]);
    }
    command.arg(folder);
    run(command).await.map(drop)
}
