//! Runs plugins that are compiled: in this process, whichever one that is.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker},
};

use crate::{
    bindings::{
        billing, events,
        http::{Error, Request},
        invoicing, jobs, lifecycle, notifier, smtp, webhooks,
    },
    call, capabilities, compile,
    egress::{
        mail::{Carried, Posted},
        sender::{Egress, Sent},
    },
    engine,
    host::InstallError,
    limits::{CALLS_AT_A_TIME, Limits},
    manifest::{Kind, Manifest},
    messages::{
        Answer, Call, CallRequest, Failure, KvEntry, KvReader, KvUnavailable, KvUsage, Outcome,
    },
    pool::{self, PoolUse},
    queue::Queue,
    rights::Grants,
    secret::PluginSecret,
    state::CallState,
    workers::Workers,
};

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
}

/// A plugin that is installed, and its calls.
struct Installed {
    prepared: Arc<Prepared>,
    queue: Arc<Queue>,
}

/// Runs plugins from code that is compiled. It reaches nothing: what a call reads and sends goes
/// through what comes with the call.
pub(crate) struct Runner {
    engine: Engine,
    installed: RwLock<BTreeMap<String, Installed>>,
    at_a_time: Arc<Semaphore>,
    pub(crate) workers: Workers,
}

/// A plugin that may be loaded: its component imports what it was granted and no more.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) id: String,
    pub(crate) manifest: Manifest,
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
}

/// A call with all that it may reach.
pub(crate) struct Work {
    pub(crate) request: Arc<CallRequest>,
    /// The secrets there are, which need not be here.
    pub(crate) secret_names: BTreeSet<String>,
    pub(crate) reader: Arc<dyn KvReader>,
    pub(crate) egress: Box<dyn Egress>,
}

impl Runner {
    pub(crate) fn new() -> Result<Self, InstallError> {
        let engine = engine::for_calls();
        Ok(Self {
            engine: engine.map_err(|error| InstallError::Host(format!("{error:#}")))?,
            installed: RwLock::default(),
            at_a_time: Arc::new(Semaphore::new(CALLS_AT_A_TIME)),
            workers: Workers::new()?,
        })
    }

    /// Loads compiled code, and asks it who it is.
    pub(crate) async fn install(&self, plugin: Plugin, code: &[u8]) -> Result<(), InstallError> {
        let Plugin { id, manifest, grants, limits } = plugin;
        let failed = |error: wasmtime::Error| InstallError::Host(format!("{error:#}"));
        let component = compile::load(&self.engine, code).map_err(failed)?;
        let linker = capabilities::linker(&self.engine, &manifest, &grants).map_err(failed)?;
        let prepared = self.prepare(&component, &linker, (&manifest, &grants, limits))?;
        self.describe(&component, &manifest).await?;
        let mut installed = self.installed.write().unwrap_or_else(PoisonError::into_inner);
        let queue = installed.get(&id).map(|it| it.queue.clone()).unwrap_or_default();
        installed.insert(id, Installed { prepared: Arc::new(prepared), queue });
        Ok(())
    }

    pub(crate) fn pool(&self) -> Option<PoolUse> {
        pool::of(&self.engine)
    }

    pub(crate) fn remove(&self, id: &str) {
        self.installed.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// A call of a plugin that is loaded, to be done by the workers.
    pub(crate) fn call(
        &self,
        work: Work,
    ) -> Result<impl Future<Output = Outcome> + Send + 'static, Failure> {
        let (prepared, queue) = self.find(&work.request.installation).ok_or(Failure::Unknown)?;
        let by_strangers = work.request.call.is_by_strangers();
        let at_a_time = self.at_a_time.clone();
        Ok(async move {
            match queue.turn(&at_a_time, by_strangers).await {
                Ok(_permits) => call::run(prepared, work).await,
                Err(failure) => Outcome::failed(failure),
            }
        })
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
        Ok(Prepared {
            exports: Exports::of(&pre, manifest)?,
            manifest: manifest.clone(),
            grants: grants.clone(),
            limits: limits.capped(),
            pre,
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
        let run = call::run(
            prepared,
            Work {
                request: Arc::new(request),
                secret_names: BTreeSet::new(),
                reader: Arc::new(Nothing),
                egress: Box::new(Nothing),
            },
        );
        let outcome = self.workers.run(run).await.map_err(InstallError::Host)?;
        let wrong = |why| Err(InstallError::Description(why));
        let info = match outcome.result {
            Ok(Answer::Described(info)) => info,
            other => return wrong(format!("the component does not say who it is: {other:?}")),
        };
        let (api, version) = (manifest.api(), &manifest.version);
        if (&info.id, &info.version, &info.api_version) == (&manifest.id, version, &api) {
            return Ok(());
        }
        wrong(format!(
            "the component says it is {} {} for {}, and plugin.toml says {} {version} for {api}: \
             write the same in both, build it, and pack what was built",
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

/// A store with nothing in it, and no way out.
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
impl Egress for Nothing {
    async fn send(&mut self, request: Request) -> Sent {
        Sent::refused(&request, Error::Denied("nothing is granted here".to_owned()))
    }

    async fn mail(&mut self, posted: Posted) -> Carried {
        let denied = smtp::Error::Denied("nothing is granted here".to_owned());
        Carried::refused(&posted, denied)
    }
}
