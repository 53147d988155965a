//! The plugin host as a process of its own, which the portal starts, watches, and starts again.
//!
//! The process has the plugins, and nothing else: docs/decisions/0036-plugin-host-process.md.

mod child;
mod confine;
mod link;
mod protocol;
mod syscalls;

pub use child::main;
pub use confine::{Confined, User, confine, confine_compiler};

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::time::timeout;

use crate::{
    call,
    compile::{self, Compiled, Compiler},
    egress::{
        client::Network,
        sender::{Egress as _, Rights, Sender},
    },
    host::{InstallError, Installation, Options, PluginHost, compile as prepare, refused},
    limits::TURN,
    messages::{CallRequest, Failure, HttpTrace, KvReader, Outcome},
    pool::PoolUse,
    process::{
        link::{Event, Link},
        protocol::{CODE_BYTES, PluginText, Question, Reply, ToHost},
    },
    rights::hmac_right,
    workers::Workers,
};

/// How much longer than it may take a call is waited for.
const SLACK: Duration = Duration::from_secs(10);

/// How long loading may take: a plugin has to say who it is.
const LOADING: Duration = Duration::from_secs(60);

/// A process that lived shorter than this has something wrong with it.
const SHORT: Duration = Duration::from_secs(10);

/// How long nothing is started after the first short life; twice as long after each more.
const REST: Duration = Duration::from_millis(100);

/// How the process is started.
#[derive(Clone, Debug)]
pub struct HostProcess {
    /// The program `myrelay-plugin-host`.
    pub program: PathBuf,
    /// Who it is to be; only root can say so.
    pub user: Option<User>,
    /// How long it may take to answer that it is there.
    pub patience: Duration,
}

/// A plugin that is compiled, as the portal keeps it.
struct Kept {
    text: (String, String),
    compiled: Compiled,
    rights: Arc<Rights>,
    revision: u64,
}

/// The process, and what is known of those before it.
#[derive(Default)]
struct Slot {
    link: Option<Arc<Link>>,
    started: Option<Instant>,
    short_lives: u32,
}

/// The host in a process of its own.
pub struct Process {
    shared: Arc<Shared>,
    workers: Arc<Workers>,
}

struct Shared {
    how: HostProcess,
    compiler: Compiler,
    network: Network,
    plugins: RwLock<BTreeMap<String, Arc<Kept>>>,
    revisions: AtomicU64,
    slot: tokio::sync::Mutex<Slot>,
    starts: AtomicU64,
    /// The process that was started last; unlike the slot nobody holds it for long.
    last: RwLock<Option<Arc<Link>>>,
}

fn host_failed(error: impl std::fmt::Display) -> InstallError {
    InstallError::Host(error.to_string())
}

fn gone() -> String {
    "the plugin host's process ended in the middle; the next call starts it again".to_owned()
}

impl Process {
    /// A host without plugins, whose process is started when it is needed.
    ///
    /// # Errors
    /// When the threads that serve it cannot be started.
    pub fn new(options: Options, how: HostProcess) -> Result<Self, InstallError> {
        let shared = Shared {
            how,
            compiler: options.compiler,
            network: options.network,
            plugins: RwLock::default(),
            revisions: AtomicU64::new(1),
            slot: tokio::sync::Mutex::default(),
            starts: AtomicU64::new(0),
            last: RwLock::default(),
        };
        Ok(Self { shared: Arc::new(shared), workers: Arc::new(Workers::new()?) })
    }

    /// The id of the process, while there is one.
    pub async fn process_id(&self) -> Option<u32> {
        let slot = self.shared.slot.lock().await;
        slot.link.as_ref().filter(|it| !it.has_ended()).and_then(|it| it.process_id)
    }
}

impl Shared {
    fn find(&self, id: &str) -> Option<Arc<Kept>> {
        self.plugins.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The process that runs, which is started where there is none.
    async fn link(&self, workers: &Workers) -> Result<Arc<Link>, InstallError> {
        let mut slot = self.slot.lock().await;
        if let Some(link) = &slot.link {
            if !link.has_ended() {
                return Ok(link.clone());
            }
            // There are never two.
            link.ended().await;
            slot.link = None;
            let short = slot.started.is_some_and(|it| it.elapsed() < SHORT);
            slot.short_lives = if short { slot.short_lives.saturating_add(1) } else { 0 };
        }
        let rest = REST * 2_u32.saturating_pow(slot.short_lives.min(6)) / 2;
        let rests = slot.started.is_some_and(|it| it.elapsed() < rest);
        if slot.short_lives > 1 && rests {
            return Err(host_failed("the plugin host's process ended again and again; it rests"));
        }
        slot.started = Some(Instant::now());
        let (link, confined, serving) = Link::start(&self.how).await.map_err(host_failed)?;
        self.starts.fetch_add(1, SeqCst);
        tracing::info!(%confined, "the process of plugins runs");
        workers.begin(async move {
            let why = serving.await;
            tracing::warn!(why, "the process of plugins ended; the next call starts it again");
        });
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(link.clone());
        slot.link = Some(link.clone());
        Ok(link)
    }

    /// Lets the process load a plugin, unless it has this revision.
    async fn load(&self, link: &Link, kept: &Kept, id: &str) -> Result<(), InstallError> {
        let own = {
            let mut loaded = link.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            loaded.entry(id.to_owned()).or_default().clone()
        };
        let mut own = own.lock().await;
        if *own >= kept.revision {
            return Ok(());
        }
        let code = self.compiler.code(&kept.compiled).map_err(refused)?;
        let (manifest, grants) = kept.text.clone();
        let limits = kept.rights.limits;
        let plugin = PluginText { id: id.to_owned(), manifest, grants, limits };
        let mut exchange = link.begin(false).ok_or_else(|| host_failed(gone()))?;
        let n = exchange.n;
        let digest = compile::digest(&code);
        link.say(&ToHost::Load { n, plugin, bytes: code.len(), digest });
        for part in code.chunks(CODE_BYTES) {
            link.say(&ToHost::Code { n, part: part.to_vec() });
        }
        match timeout(LOADING, exchange.next()).await {
            Ok(Some(Event::Loaded(result))) => result?,
            Ok(None) => return Err(host_failed(gone())),
            Ok(Some(_)) | Err(_) => {
                link.end();
                return Err(host_failed("the process of plugins did not load it"));
            }
        }
        *own = kept.revision;
        Ok(())
    }

    async fn install(
        &self,
        installation: Installation,
        workers: &Workers,
    ) -> Result<(), InstallError> {
        let manifest = installation.manifest.clone();
        let grants = serde_json::to_string(&installation.grants).map_err(host_failed)?;
        let (plugin, compiled) = prepare(&self.compiler, installation).await?;
        let rights = Arc::new(Rights::new(&plugin, &self.network)?);
        let revision = self.revisions.fetch_add(1, SeqCst);
        let kept = Arc::new(Kept { text: (manifest, grants), compiled, rights, revision });
        let link = self.link(workers).await?;
        self.load(&link, &kept, &plugin.id).await?;
        self.plugins.write().unwrap_or_else(PoisonError::into_inner).insert(plugin.id, kept);
        Ok(())
    }

    async fn remove(&self, id: &str) {
        self.plugins.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(link) = &self.slot.lock().await.link {
            link.loaded.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            link.say(&ToHost::Remove { id: id.to_owned() });
        }
    }

    async fn call(
        &self,
        (request, recording): (CallRequest, Option<Vec<HttpTrace>>),
        reader: &dyn KvReader,
        workers: &Workers,
    ) -> Result<Outcome, Failure> {
        let host = |error: InstallError| Failure::Host(error.to_string());
        let kept = self.find(&request.installation).ok_or(Failure::Unknown)?;
        let link = self.link(workers).await.map_err(host)?;
        self.load(&link, &kept, &request.installation).await.map_err(host)?;
        let rights = kept.rights.clone();
        let limit = rights.limits.wall(&request.call) + TURN + SLACK;
        let mut exchange = link.begin(true).ok_or_else(|| Failure::Host(gone()))?;
        let n = exchange.n;
        let names = request.secrets.keys().cloned().collect();
        let mut told = request.clone();
        told.secrets.retain(|name, _| hmac_right(&rights.manifest, &rights.grants, name).is_ok());
        link.say(&ToHost::Call { n, request: Box::new(told), names });
        let mut sender = Sender::new(rights, Arc::new(request)).replaying(recording);
        let talk = async {
            let mut event = exchange.next().await;
            loop {
                match event.take() {
                    Some(Event::Done(outcome)) => return Ok(outcome),
                    Some(Event::Ask(question)) => tokio::select! {
                        reply = answer(question, reader, &mut sender) => {
                            link.say(&ToHost::Reply { n, reply });
                            event = exchange.next().await;
                        }
                        // It ended, or its time did: what it asked for is nobody's.
                        next = exchange.next() => event = next,
                    },
                    Some(Event::Loaded(_)) | None => return Err(Failure::Host(gone())),
                }
            }
        };
        timeout(limit, talk).await.unwrap_or_else(|_| {
            link.end();
            Err(Failure::Host("the process of plugins did not end a call in its time".to_owned()))
        })
    }
}

async fn answer(question: Question, reader: &dyn KvReader, sender: &mut Sender) -> Reply {
    match question {
        Question::Get { key } => Reply::Get(reader.get(&key).await),
        Question::Scan { prefix, after, limit } => {
            Reply::Scan(reader.scan(&prefix, after.as_deref(), limit).await)
        }
        Question::Usage => Reply::Usage(reader.usage().await),
        Question::Send(request) => Reply::Sent(Box::new(sender.send(request).await)),
        Question::Mail(posted) => Reply::Mailed(Box::new(sender.mail(*posted).await)),
    }
}

#[async_trait]
impl PluginHost for Process {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        let (shared, workers) = (self.shared.clone(), self.workers.clone());
        let work = async move { shared.install(installation, &workers).await };
        self.workers.run(work).await.map_err(InstallError::Host)?
    }

    async fn remove(&self, id: &str) {
        self.shared.remove(id).await;
    }

    fn starts(&self) -> u64 {
        self.shared.starts.load(SeqCst)
    }

    fn pool(&self) -> Option<PoolUse> {
        let last = self.shared.last.read().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|it| !it.has_ended()).and_then(|it| it.pool())
    }

    async fn perform(
        &self,
        request: CallRequest,
        recording: Option<Vec<HttpTrace>>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome {
        if let Err(failure) = call::check(&request) {
            return Outcome::failed(failure);
        }
        let (shared, workers) = (self.shared.clone(), self.workers.clone());
        let work = async move { shared.call((request, recording), &*reader, &workers).await };
        match self.workers.run(work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) => Outcome::failed(failure),
            Err(why) => Outcome::failed(Failure::Host(why)),
        }
    }
}
