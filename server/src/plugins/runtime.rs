//! What plugins run in: the host, which is made when the first of them is needed, and what it has
//! loaded so far.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use ipnet::IpNet;
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    CallRequest, Compiler, HostProcess, HttpTrace, InProcess, InstallError, Installation, KvReader,
    Network, Options, Outcome, PluginHost, PoolUse, Process, SystemResolver, User, mozillas_roots,
};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, oneshot};

use super::{abilities::Abilities, call::trial, gallery::Shelf, numbers::Numbers};
use crate::{Error, Result, system::Tasks};

/// The program that compiles components, beside our own.
const COMPILER: &str = "myrelay-plugin-compile";

/// The program that plugins run in, beside that.
const HOST: &str = "myrelay-plugin-host";

/// How long the process of plugins may take to answer that it is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// The user that Linux has for whoever is nobody else.
const NOBODY: u32 = 65_534;

/// How many packages are looked at or installed at a time. The largest takes 64 MiB as it is sent,
/// as much unpacked, and 86 MiB as it stands in the database.
const LOOKS: usize = 4;
/// When to come again, in seconds, where that many are.
const LOOK_AGAIN_S: u32 = 5;

/// How long a plugin that did not load is not tried again, in milliseconds.
const AGAIN_MS: i64 = 60_000;

/// The host of this process's plugins, and which of them it has.
pub struct Runtime {
    host: Arc<dyn PluginHost>,
    /// Held only to find a plugin's own.
    loaded: Mutex<BTreeMap<InstallationId, Arc<Mutex<Loaded>>>>,
    /// Held while another version of a plugin is tried and put in its place.
    changing: Mutex<BTreeMap<InstallationId, Arc<Mutex<()>>>>,
    /// What was read of the folder with packages; held while it is looked through.
    pub(super) shelf: Arc<Mutex<Shelf>>,
    /// The packages that may be in memory at a time.
    looks: Arc<Semaphore>,
    pub(super) numbers: Numbers,
    /// What plugins said that they can do.
    pub(super) abilities: Abilities,
    /// What is not left half done.
    wholes: Tasks,
}

/// What became of loading a plugin. It is held while that is done.
#[derive(Default)]
struct Loaded {
    revision: i64,
    /// Why this revision was not loaded, and until when that counts.
    failed: Option<(InstallError, i64)>,
}

impl Runtime {
    /// Runs plugins in this host.
    pub fn new(host: Arc<dyn PluginHost>) -> Self {
        Self {
            host,
            loaded: Mutex::default(),
            changing: Mutex::default(),
            shelf: Arc::default(),
            looks: Arc::new(Semaphore::new(LOOKS)),
            numbers: Numbers::default(),
            abilities: Abilities::default(),
            wholes: Tasks::default(),
        }
    }

    /// A place for a package in memory, for as long as the answer is kept.
    ///
    /// # Errors
    /// [`Error::Busy`] when there is none.
    pub(crate) fn place_to_look(&self) -> Result<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.looks).try_acquire_owned();
        place.map_err(|_full| Error::Busy { retry_after_s: LOOK_AGAIN_S })
    }

    /// Runs plugins in this process, from the first one on: a portal without plugins has no host.
    /// `cache` is where compiled code is kept, `own` are the networks of listeners and tunnels.
    pub fn in_process(program: PathBuf, cache: PathBuf, own: Vec<IpNet>) -> Self {
        Self::new(Arc::new(Lazy { program, cache, own, place: Place::Here, host: OnceCell::new() }))
    }

    /// The same in a process of their own, which becomes this user.
    pub fn in_a_process(
        program: PathBuf,
        cache: PathBuf,
        own: Vec<IpNet>,
        user: Option<User>,
    ) -> Self {
        let place = Place::Process(user);
        Self::new(Arc::new(Lazy { program, cache, own, place, host: OnceCell::new() }))
    }

    /// Who the process of plugins is to be. Only root can make it another user: for root it is the
    /// one of this name, or nobody; everybody else's is their own, and the log says so.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn user(name: Option<&str>) -> std::io::Result<Option<User>> {
        if !rustix::process::geteuid().is_root() {
            if let Some(name) = name {
                tracing::warn!(
                    "plugin-user: the portal is not root and cannot make the process of plugins \
                     {name}: it runs as the portal's own user, without its files and the network"
                );
            }
            return Ok(None);
        }
        let Some(name) = name else {
            tracing::warn!(
                "the portal is root: the process of plugins becomes nobody; better give \
                            plugin-user a user of its own"
            );
            return Ok(Some(User { uid: NOBODY, gid: NOBODY }));
        };
        let users = std::fs::read_to_string("/etc/passwd")?;
        let numbers = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(name);
            let (uid, gid) = (fields.nth(1)?, fields.next()?);
            is_it.then(|| Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? })).flatten()
        });
        let missing = || std::io::Error::other(format!("there is no user {name} in /etc/passwd"));
        numbers.map(Some).ok_or_else(missing)
    }

    /// Where the compiler of this program's plugins is.
    ///
    /// # Errors
    /// When nobody knows where this program is.
    pub fn compiler() -> std::io::Result<PathBuf> {
        Ok(std::env::current_exe()?.with_file_name(COMPILER))
    }

    /// Loads a plugin, unless this revision of it is loaded already, or failed to a moment ago.
    pub(super) async fn load<F>(
        &self,
        id: InstallationId,
        (revision, now): (i64, i64),
        read: F,
    ) -> crate::Result<Result<(), InstallError>>
    where
        F: AsyncFnOnce() -> crate::Result<Installation>,
    {
        let own = Arc::clone(self.loaded.lock().await.entry(id).or_default());
        let mut own = own.lock().await;
        if own.revision == revision {
            match &own.failed {
                None => return Ok(Ok(())),
                Some((error, until)) if now < *until => return Ok(Err(error.clone())),
                Some(_) => {}
            }
        }
        let installation = read().await?;
        let hosts = installation.grants.http.iter().map(|it| it.rule.host.clone()).collect();
        self.numbers.loaded(id, hosts);
        let done = self.host.install(installation).await;
        if let Err(InstallError::Host(why)) = &done {
            tracing::warn!(plugin = %id, why, "a plugin cannot be loaded");
        }
        let failed = done.clone().err().map(|error| (error, now + AGAIN_MS));
        *own = Loaded { revision, failed };
        Ok(done)
    }

    /// Why this revision of a plugin is not loaded, though it was to be; none while it is loaded.
    pub(super) async fn unloaded(&self, id: InstallationId, revision: i64) -> Option<String> {
        let own = self.loaded.lock().await.get(&id).cloned()?;
        let own = own.try_lock().ok()?;
        let (error, _) = own.failed.as_ref().filter(|_| own.revision == revision)?;
        Some(error.to_string())
    }

    /// Has a plugin loaded at the next call, if it was not.
    pub(super) async fn load_again(&self, id: InstallationId) {
        let own = self.loaded.lock().await.get(&id).cloned();
        if let Some(own) = own
            && let Some((_, until)) = &mut own.lock().await.failed
        {
            *until = i64::MIN;
        }
    }

    /// Looks whether a plugin can be loaded. If so it stays for a trial, or leaves nothing.
    pub(super) async fn check(
        &self,
        installation: Installation,
        stays: bool,
    ) -> Result<(), InstallError> {
        let id = installation.id.clone();
        let done = self.host.install(installation).await;
        if done.is_err() || !stays {
            self.host.remove(&id).await;
        }
        done
    }

    /// Ends a trial.
    pub(super) async fn forget_trial(&self, id: InstallationId) {
        self.host.remove(&trial(id)).await;
    }

    /// Makes a change to its end, also where nobody waits for it any more: then the log has how it
    /// ended.
    ///
    /// # Errors
    /// Those of the change, or that it broke.
    pub(super) async fn whole<T: Send + 'static>(
        &self,
        id: InstallationId,
        change: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (done, heard) = oneshot::channel();
        self.wholes.spawn(async move {
            match done.send(change.await) {
                Ok(()) => {}
                Err(Ok(_)) => tracing::info!(plugin = %id, "changed, and nobody waited for it"),
                Err(Err(error)) => tracing::warn!(plugin = %id, %error, "it was not changed"),
            }
        });
        heard.await.context("a change of a plugin")?
    }

    /// Done when no change is half made. What plugins are asked meanwhile ends where it stands.
    pub(crate) async fn ended(&self) {
        self.abilities.stop();
        self.wholes.ended().await;
    }

    /// Waits until nobody else changes a plugin in this portal, and keeps others waiting.
    pub(super) async fn change(&self, id: InstallationId) -> OwnedMutexGuard<()> {
        let own = self.changing.lock().await.entry(id).or_default().clone();
        own.lock_owned().await
    }

    /// Forgets a plugin.
    pub(super) async fn forget(&self, id: InstallationId) {
        self.loaded.lock().await.remove(&id);
        self.changing.lock().await.remove(&id);
        self.numbers.forget(id);
        self.abilities.forget(id);
        self.host.remove(&id.to_string()).await;
    }

    /// Calls a plugin that is loaded, and counts that, unless it is a trial.
    pub(super) async fn call(&self, request: CallRequest, reader: Arc<dyn KvReader>) -> Outcome {
        let Ok(id) = request.installation.parse() else {
            return self.host.call(request, reader).await;
        };
        let counting = self.numbers.begin(id, &request.call);
        let outcome = self.host.call(request, reader).await;
        counting.end(&outcome);
        outcome
    }

    /// How often a process of plugins was started.
    pub(super) fn starts(&self) -> u64 {
        self.host.starts()
    }

    /// How much of the pool of places for calls is in use, as far as that is known.
    pub(super) fn pool(&self) -> Option<PoolUse> {
        self.host.pool()
    }

    /// Calls a plugin that is loaded once more as it was called before: nothing leaves.
    pub(super) async fn replay(
        &self,
        request: CallRequest,
        recording: Vec<HttpTrace>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome {
        self.host.replay(request, recording, reader).await
    }
}

/// Where plugins run.
enum Place {
    Here,
    Process(Option<User>),
}

/// The host, once somebody needs it.
struct Lazy {
    program: PathBuf,
    cache: PathBuf,
    own: Vec<IpNet>,
    place: Place,
    host: OnceCell<Box<dyn PluginHost>>,
}

impl Lazy {
    async fn host(&self) -> Result<&dyn PluginHost, InstallError> {
        self.host.get_or_try_init(async || self.make()).await.map(|it| &**it)
    }

    fn make(&self) -> Result<Box<dyn PluginHost>, InstallError> {
        if !self.program.is_file() {
            let program = self.program.display();
            return Err(InstallError::Host(format!("{program} is missing: install it there")));
        }
        let compiler = Compiler::new(self.program.clone(), Vec::new(), &self.cache);
        let compiler = compiler.map_err(|error| InstallError::Host(error.to_string()))?;
        // Who compiles is who runs; whoever has plugins in the portal itself is a developer.
        let compiler = compiler.as_user(match self.place {
            Place::Here => None,
            Place::Process(user) => user,
        });
        let network = Network {
            resolver: Arc::new(SystemResolver),
            roots: Arc::new(mozillas_roots()),
            own: self.own.clone(),
            user_agent: concat!("myrelay/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let options = Options { compiler, network };
        match self.place {
            Place::Here => Ok(Box::new(InProcess::new(options)?)),
            Place::Process(user) => {
                let program = self.program.with_file_name(HOST);
                let how = HostProcess { program, user, patience: PATIENCE };
                Ok(Box::new(Process::new(options, how)?))
            }
        }
    }
}

#[async_trait]
impl PluginHost for Lazy {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        self.host().await?.install(installation).await
    }

    async fn remove(&self, id: &str) {
        if let Some(host) = self.host.get() {
            host.remove(id).await;
        }
    }

    fn starts(&self) -> u64 {
        self.host.get().map_or(0, |host| host.starts())
    }

    fn pool(&self) -> Option<PoolUse> {
        self.host.get().and_then(|host| host.pool())
    }

    async fn perform(
        &self,
        request: CallRequest,
        recording: Option<Vec<HttpTrace>>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome {
        match self.host().await {
            Ok(host) => host.perform(request, recording, reader).await,
            Err(error) => Outcome::failed(myrelay_plugin_host::Failure::Host(error.to_string())),
        }
    }
}
