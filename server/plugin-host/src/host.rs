//! The plugin host: what it is asked, and the one that runs inside this process.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    call, capabilities,
    compile::{CompileError, Compiled, Compiler},
    egress::{
        client::Network,
        line::Line,
        sender::{Rights, Sender},
    },
    limits::Limits,
    manifest::Manifest,
    messages::{CallRequest, Failure, HttpTrace, KvReader, Outcome},
    pool::PoolUse,
    rights::Grants,
    runner::{Plugin, Runner, Work},
    stamp::{StampError, check_stamp},
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

    /// Calls a plugin, or calls it once more where there is a recording: see [`Self::call`] and
    /// [`Self::replay`].
    async fn perform(
        &self,
        request: CallRequest,
        recording: Option<Vec<HttpTrace>>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome;

    /// How often a process for plugins was started; never where they run in this one.
    fn starts(&self) -> u64 {
        0
    }

    /// How much of its pool is in use, as far as that is known.
    fn pool(&self) -> Option<PoolUse> {
        None
    }

    /// Calls a plugin. Dropping the future ends the call.
    async fn call(&self, request: CallRequest, reader: Arc<dyn KvReader>) -> Outcome {
        self.perform(request, None, reader).await
    }

    /// Calls a plugin once more as it was called before. None of its requests leaves: they are
    /// judged as ever, and answered from the `recording`, which is what [`Outcome::http`] said
    /// then; what is not in it is refused ([`HttpTrace::is_unrecorded`]).
    async fn replay(
        &self,
        request: CallRequest,
        recording: Vec<HttpTrace>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome {
        self.perform(request, Some(recording), reader).await
    }
}

/// What the host inside this process is made with.
pub struct Options {
    /// Compiles components.
    pub compiler: Compiler,
    /// What plugins' requests go through.
    pub network: Network,
}

/// The host inside this process. Plugins run on threads of their own.
pub struct InProcess {
    runner: Runner,
    compiler: Arc<Compiler>,
    network: Network,
    line: Option<Arc<dyn Line>>,
    rights: RwLock<BTreeMap<String, Arc<Rights>>>,
}

impl InProcess {
    /// A host without plugins.
    ///
    /// # Errors
    /// When wasmtime cannot run here, or the threads cannot be started.
    pub fn new(options: Options) -> Result<Self, InstallError> {
        Ok(Self {
            runner: Runner::new()?,
            compiler: Arc::new(options.compiler),
            network: options.network,
            line: None,
            rights: RwLock::default(),
        })
    }

    /// The same, with something in the way of every request of plugins that are installed from now
    /// on: for trials, and for nothing else.
    #[must_use]
    pub fn with_line(self, line: Arc<dyn Line>) -> Self {
        Self { line: Some(line), ..self }
    }

    fn rights_of(&self, id: &str) -> Option<Arc<Rights>> {
        self.rights.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// Validates and compiles a plugin, which is then ready to be loaded.
pub(crate) async fn compile(
    compiler: &Compiler,
    installation: Installation,
) -> Result<(Plugin, Compiled), InstallError> {
    let Installation { id, manifest, wasm, grants, limits } = installation;
    let manifest = Manifest::parse(&manifest);
    let manifest = manifest.map_err(|error| InstallError::Manifest(error.to_string()))?;
    let imports = compiler.imports(&wasm).map_err(refused)?;
    match check_stamp(&wasm, &manifest) {
        // Whoever builds with other tools than ours may install what comes of it.
        Ok(()) | Err(StampError::Missing) => {}
        Err(error) => return Err(InstallError::Component(format!("plugin.wasm: {error}"))),
    }
    capabilities::check(&imports, &manifest, &grants).map_err(InstallError::Imports)?;
    let compiled = compiler.compile(&wasm).await.map_err(refused)?;
    Ok((Plugin { id, manifest, grants, limits }, compiled))
}

pub(crate) fn refused(error: CompileError) -> InstallError {
    match error {
        CompileError::Failed(_) => InstallError::Host(error.to_string()),
        CompileError::Invalid(_) | CompileError::Limit(_) => {
            InstallError::Component(error.to_string())
        }
    }
}

#[async_trait]
impl PluginHost for InProcess {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        let compiler = self.compiler.clone();
        let compiling = async move {
            let (plugin, compiled) = compile(&compiler, installation).await?;
            let code = compiler.code(&compiled).map_err(refused)?;
            Ok((plugin, code))
        };
        let (plugin, code) =
            self.runner.workers.run(compiling).await.map_err(InstallError::Host)??;
        let mut rights = Rights::new(&plugin, &self.network)?;
        rights.line.clone_from(&self.line);
        let rights = Arc::new(rights);
        let id = plugin.id.clone();
        self.runner.install(plugin, &code).await?;
        self.rights.write().unwrap_or_else(PoisonError::into_inner).insert(id, rights);
        Ok(())
    }

    async fn remove(&self, id: &str) {
        self.runner.remove(id);
        self.rights.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn pool(&self) -> Option<PoolUse> {
        self.runner.pool()
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
        let Some(rights) = self.rights_of(&request.installation) else {
            return Outcome::failed(Failure::Unknown);
        };
        let request = Arc::new(request);
        let sender = Sender::new(rights, request.clone()).replaying(recording);
        let work = Work {
            secret_names: request.secrets.keys().cloned().collect(),
            egress: Box::new(sender),
            request,
            reader,
        };
        let outcome = match self.runner.call(work) {
            Ok(work) => self.runner.workers.run(work).await,
            Err(failure) => return Outcome::failed(failure),
        };
        outcome.unwrap_or_else(|why| Outcome::failed(Failure::Host(why)))
    }
}
