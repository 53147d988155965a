//! The plugin host: what it is asked, and the one that runs inside this process.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Instant,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, SemaphorePermit},
    task::JoinHandle,
    time::timeout,
};
use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker},
};

use crate::{
    bindings::{billing, events, invoicing, jobs, lifecycle, notifier, webhooks},
    call, capabilities,
    compile::{CompileError, Compiler},
    egress::client::{Client, Network},
    engine,
    limits::{CALLS_A_SECOND, CALLS_AT_A_TIME, CALLS_OF_ONE, CALLS_WAITING, Limits, TURN, WORKERS},
    manifest::{Kind, Manifest},
    messages::{
        Answer, Call, CallRequest, Failure, KvEntry, KvReader, KvUnavailable, KvUsage, Outcome,
    },
    rights::Grants,
    secret::PluginSecret,
    state::CallState,
};

/// A plugin as it is to be run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Installation {
    /// The portal's id of it.
    pub id: String,
    /// The text of `plugin.toml`.
    pub manifest: String,
    /// The component.
    pub wasm: Vec<u8>,
    /// What the operator granted.
    pub grants: Grants,
    /// What the operator allows it to use.
    pub limits: Limits,
}

/// Why a plugin cannot be run. The message says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum InstallError {
    /// `plugin.toml` is not sound.
    #[error("{0}")]
    Manifest(String),
    /// The component is not valid, or beyond the limits.
    #[error("{0}")]
    Component(String),
    /// It imports what was not asked for or not granted.
    #[error("{0}")]
    Imports(String),
    /// It does not export what its kind has to.
    #[error("{0}")]
    Exports(String),
    /// It says something else of itself than `plugin.toml`.
    #[error("{0}")]
    Description(String),
    /// The host is in the way.
    #[error("{0}")]
    Host(String),
}

/// Runs plugins. Everything that is said is a message, so that the host can be another process.
#[async_trait]
pub trait PluginHost: Send + Sync {
    /// Makes a plugin ready, in place of what had its id: validates, compiles, and asks it who it
    /// is. Calls that are running end on what they began with.
    async fn install(&self, installation: Installation) -> Result<(), InstallError>;

    /// Forgets a plugin.
    async fn remove(&self, id: &str);

    /// Calls a plugin. Dropping the future ends the call.
    async fn call(&self, request: CallRequest, reader: Arc<dyn KvReader>) -> Outcome;
}

/// What the host inside this process is made with.
pub struct Options {
    /// Compiles components.
    pub compiler: Compiler,
    /// What plugins' requests go through.
    pub network: Network,
}

/// What a component exports.
pub(crate) struct Exports {
    pub(crate) lifecycle: lifecycle::GuestIndices,
    pub(crate) jobs: Option<jobs::GuestIndices>,
    pub(crate) events: Option<events::GuestIndices>,
    pub(crate) notifier: Option<notifier::GuestIndices>,
    pub(crate) billing: Option<billing::GuestIndices>,
    pub(crate) webhooks: Option<webhooks::GuestIndices>,
    pub(crate) invoicing: Option<invoicing::GuestIndices>,
}

impl Exports {
    /// What the component exports, and all that its kinds have to.
    fn of(pre: &InstancePre<CallState>, manifest: &Manifest) -> Result<Self, InstallError> {
        let lifecycle = lifecycle::GuestIndices::new(pre);
        let lifecycle = lifecycle.map_err(|error| InstallError::Exports(error.to_string()))?;
        let exports = Self {
            lifecycle,
            jobs: jobs::GuestIndices::new(pre).ok(),
            events: events::GuestIndices::new(pre).ok(),
            notifier: notifier::GuestIndices::new(pre).ok(),
            billing: billing::GuestIndices::new(pre).ok(),
            webhooks: webhooks::GuestIndices::new(pre).ok(),
            invoicing: invoicing::GuestIndices::new(pre).ok(),
        };
        let is_there = |kind: Kind| match kind {
            Kind::Billing => exports.billing.is_some() && exports.webhooks.is_some(),
            Kind::Notification => exports.notifier.is_some(),
            Kind::Event => exports.events.is_some(),
            Kind::Invoicing => exports.invoicing.is_some(),
        };
        if let Some(kind) = manifest.kinds.iter().find(|it| !is_there(**it)) {
            let why = format!("plugin.toml says {kind:?}, and the component exports no such world");
            return Err(InstallError::Exports(why));
        }
        if !manifest.jobs.is_empty() && exports.jobs.is_none() {
            let why = "plugin.toml has [[jobs]], and the component exports no jobs";
            return Err(InstallError::Exports(why.to_owned()));
        }
        Ok(exports)
    }
}

/// A plugin that is ready.
pub(crate) struct Prepared {
    pub(crate) manifest: Manifest,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) exports: Exports,
    pub(crate) client: Arc<Client>,
}

/// A plugin that is installed, and its calls.
struct Installed {
    prepared: Arc<Prepared>,
    queue: Arc<Queue>,
}

/// The calls of one installation. It outlives upgrades.
struct Queue {
    at_a_time: Semaphore,
    waiting: AtomicUsize,
    rate: Mutex<Rate>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            at_a_time: Semaphore::new(CALLS_OF_ONE),
            waiting: AtomicUsize::new(0),
            rate: Mutex::new(Rate { left: f64::from(CALLS_A_SECOND), at: Instant::now() }),
        }
    }
}

/// A bucket that fills by so many calls a second.
struct Rate {
    left: f64,
    at: Instant,
}

impl Rate {
    fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(CALLS_A_SECOND);
        let came = now.saturating_duration_since(self.at).as_secs_f64() * most;
        (self.left, self.at) = ((self.left + came).min(most), now);
        let there = 1.0 <= self.left;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

/// A call that waits, counted as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Queue {
    /// The permits of a call: first of its installation, then of the process.
    async fn turn<'a>(
        &'a self,
        process: &'a Semaphore,
        by_strangers: bool,
    ) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), Failure> {
        let busy = |why: String| Failure::Busy(why);
        let rate = || self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if by_strangers && !rate().take(Instant::now()) {
            return Err(busy(format!("more than {CALLS_A_SECOND} calls a second")));
        }
        let before = self.waiting.fetch_add(1, SeqCst);
        let _waiting = Waiting(&self.waiting);
        if CALLS_WAITING <= before {
            return Err(busy(format!("{CALLS_WAITING} calls wait already")));
        }
        let both = async { Ok((self.at_a_time.acquire().await?, process.acquire().await?)) };
        match timeout(TURN, both).await {
            Ok(Ok(permits)) => Ok(permits),
            Ok(Err::<_, tokio::sync::AcquireError>(error)) => Err(Failure::Host(error.to_string())),
            Err(_) => Err(busy(format!("no turn within {} s", TURN.as_secs()))),
        }
    }
}

/// The host inside this process. Plugins run on a runtime of their own.
pub struct InProcess {
    engine: Engine,
    compiler: Arc<Compiler>,
    network: Network,
    installed: RwLock<BTreeMap<String, Installed>>,
    at_a_time: Arc<Semaphore>,
    /// Only taken when it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // Dropping a runtime waits for it, which is not allowed inside another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A task of the plugins' runtime that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|it| it.map_err(|error| error.to_string()))
    }
}

impl InProcess {
    /// A host without plugins.
    ///
    /// # Errors
    /// When wasmtime cannot run here, or the runtime cannot be started.
    pub fn new(options: Options) -> Result<Self, InstallError> {
        let failed = |error: &dyn std::fmt::Display| InstallError::Host(format!("{error:#}"));
        let engine = engine::for_calls().map_err(|error| failed(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("plugins")
            .enable_all()
            .build();
        Ok(Self {
            engine,
            compiler: Arc::new(options.compiler),
            network: options.network,
            installed: RwLock::default(),
            at_a_time: Arc::new(Semaphore::new(CALLS_AT_A_TIME)),
            runtime: Some(runtime.map_err(|error| failed(&error))?),
        })
    }

    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        let runtime = self.runtime.as_ref().ok_or("the host is being closed")?;
        Task(runtime.spawn(work)).await
    }

    fn find(&self, id: &str) -> Option<(Arc<Prepared>, Arc<Queue>)> {
        let installed = self.installed.read().unwrap_or_else(PoisonError::into_inner);
        installed.get(id).map(|it| (it.prepared.clone(), it.queue.clone()))
    }

    /// A component with what it was granted, or with none of it.
    fn prepare(
        &self,
        component: &Component,
        linker: &Linker<CallState>,
        (manifest, grants, limits): (&Manifest, &Grants, Limits),
    ) -> Result<Prepared, InstallError> {
        let pre = linker.instantiate_pre(component);
        let pre = pre.map_err(|error| InstallError::Imports(format!("{error:#}")))?;
        let client = Client::new(self.network.clone());
        let client = client.map_err(|error| InstallError::Host(error.to_string()))?;
        Ok(Prepared {
            exports: Exports::of(&pre, manifest)?,
            manifest: manifest.clone(),
            grants: grants.clone(),
            limits: limits.capped(),
            pre,
            client: Arc::new(client),
        })
    }

    /// Asks a component who it is, with every import a trap, and compares it with its manifest.
    async fn describe(
        &self,
        component: &Component,
        manifest: &Manifest,
    ) -> Result<(), InstallError> {
        let mut linker = Linker::new(&self.engine);
        let failed = |error: wasmtime::Error| InstallError::Imports(format!("{error:#}"));
        linker.define_unknown_imports_as_traps(component).map_err(failed)?;
        let nothing = (manifest, &Grants::default(), Limits::asked(manifest));
        let prepared = Arc::new(self.prepare(component, &linker, nothing)?);
        let request = who_are_you().ok_or_else(|| InstallError::Host("no key".to_owned()))?;
        let run = call::run(prepared, request, Arc::new(Nothing));
        let outcome = self.on_runtime(run).await.map_err(InstallError::Host)?;
        let wrong = |why| Err(InstallError::Description(why));
        let info = match outcome.result {
            Ok(Answer::Described(info)) => info,
            other => return wrong(format!("the component does not say who it is: {other:?}")),
        };
        let (api, version) = (format!("1.{}", manifest.api_minor), &manifest.version);
        if (&info.id, &info.version, &info.api_version) == (&manifest.id, version, &api) {
            return Ok(());
        }
        wrong(format!(
            "the component says it is {} {} for {}, and plugin.toml says {} {version} for {api}",
            info.id, info.version, info.api_version, manifest.id
        ))
    }
}

/// The request for [`Call::Describe`].
fn who_are_you() -> Option<CallRequest> {
    Some(CallRequest {
        installation: "describe".to_owned(),
        call: Call::Describe,
        delivery_id: "describe".to_owned(),
        attempt: 1,
        now_ms: 0,
        started_ms: 0,
        test_mode: true,
        trace_parent: None,
        config: "{}".to_owned(),
        secrets: BTreeMap::new(),
        installation_key: PluginSecret::new("0".repeat(32))?,
    })
}

/// A store with nothing in it.
struct Nothing;

#[async_trait]
impl KvReader for Nothing {
    async fn get(&self, _: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        Ok(None)
    }

    async fn scan(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<KvEntry>, KvUnavailable> {
        Ok(Vec::new())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        Ok(KvUsage::default())
    }
}

#[async_trait]
impl PluginHost for InProcess {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        let Installation { id, manifest, wasm, grants, limits } = installation;
        let manifest = Manifest::parse(&manifest);
        let manifest = manifest.map_err(|error| InstallError::Manifest(error.to_string()))?;
        let refused = |error: CompileError| match error {
            CompileError::Failed(_) => InstallError::Host(error.to_string()),
            CompileError::Invalid(_) | CompileError::Limit(_) => {
                InstallError::Component(error.to_string())
            }
        };
        let compiler = self.compiler.clone();
        let (manifest_too, grants_too) = (manifest.clone(), grants.clone());
        let compiling = async move {
            let imports = compiler.imports(&wasm).map_err(refused)?;
            capabilities::check(&imports, &manifest_too, &grants_too)
                .map_err(InstallError::Imports)?;
            compiler.compile(&wasm).await.map_err(refused)
        };
        let compiled = self.on_runtime(compiling).await.map_err(InstallError::Host)??;
        let component = self.compiler.load(&self.engine, &compiled).map_err(refused)?;
        let linker = capabilities::linker(&self.engine, &manifest, &grants);
        let linker = linker.map_err(|error| InstallError::Host(format!("{error:#}")))?;
        let prepared = self.prepare(&component, &linker, (&manifest, &grants, limits))?;
        self.describe(&component, &manifest).await?;
        let mut installed = self.installed.write().unwrap_or_else(PoisonError::into_inner);
        let queue = installed.get(&id).map(|it| it.queue.clone()).unwrap_or_default();
        installed.insert(id, Installed { prepared: Arc::new(prepared), queue });
        Ok(())
    }

    async fn remove(&self, id: &str) {
        self.installed.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    async fn call(&self, request: CallRequest, reader: Arc<dyn KvReader>) -> Outcome {
        if let Err(failure) = call::check(&request) {
            return Outcome::failed(failure);
        }
        let Some((prepared, queue)) = self.find(&request.installation) else {
            return Outcome::failed(Failure::Unknown);
        };
        let by_strangers = request.call.is_by_strangers();
        let at_a_time = self.at_a_time.clone();
        let work = async move {
            match queue.turn(&at_a_time, by_strangers).await {
                Ok(_permits) => call::run(prepared, request, reader).await,
                Err(failure) => Outcome::failed(failure),
            }
        };
        let outcome = self.on_runtime(work).await;
        outcome.unwrap_or_else(|why| Outcome::failed(Failure::Host(why)))
    }
}
