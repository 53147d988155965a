//! A forwarding DNS resolver for the pods of a node.
//!
//! Devices ask the gateway of their pod; the firewall redirects that to [`PORT`], so that no
//! privileged port is needed. What is not known is asked of the upstreams that the operator named,
//! by TLS unless the operator said otherwise, and of nobody else.
//!
//! No name, no address and no answer is logged, counted or written to disk here, at any level;
//! there are totals ([`Totals`]) and words about upstreams. Answers are kept in memory while they
//! are true. That is also why messages are read with `hickory-proto` while the sockets are ours:
//! the network half of that library logs every question at the level `debug`.

mod askers;
mod cache;
mod names;
mod question;
mod server;
mod socket;
mod special;
mod totals;
mod upstream;
mod wanted;

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use myrelay_node_protocol::ResolverSettings;
use rustls::RootCertStore;
use tokio::{sync::watch, task::JoinSet, time::sleep};

pub(crate) use self::wanted::resolve_for_ever;
pub use self::{askers::Pods, totals::Totals};
use self::{
    names::{ListError, Names},
    server::{Answers, Server},
    socket::Socket,
    totals::Counters,
    upstream::{TlsError, Upstreams},
};
use crate::system::System;

/// The UDP port that questions are redirected to.
pub const PORT: u16 = 10_053;
/// How often the block list is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What a resolver needs beside its settings.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is asked; none: [`PORT`] at every address of the node.
    pub listen: Option<SocketAddr>,
    /// The authorities whose certificates upstreams may have.
    pub roots: Arc<RootCertStore>,
    /// A file with a name on each line, or as hosts(5); read again when it changes.
    pub block_list: Option<PathBuf>,
    /// How often it is looked at.
    pub look_again: Duration,
    pub system: Arc<dyn System>,
}

impl Options {
    /// What a node uses: Mozilla's list of authorities.
    pub fn of_node(block_list: Option<PathBuf>, system: Arc<dyn System>) -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self { listen: None, roots: Arc::new(roots), block_list, look_again: LOOK_AGAIN, system }
    }
}

/// Why a resolver does not run.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    #[error("the resolver cannot use UDP port {port}: {error}; see what holds it with `ss -lup`")]
    Bind { port: u16, error: io::Error },
    #[error("the resolver cannot set up TLS: {0}")]
    Tls(String),
}

/// What is answered by whom, replaced as a whole when the settings change.
#[derive(Clone, Debug)]
struct Config {
    upstreams: Arc<Upstreams>,
    /// Those of the settings.
    blocked: Arc<Names>,
    /// Those of the file.
    list: Arc<Names>,
}

/// A resolver that runs until this is dropped.
#[derive(Debug)]
pub struct Resolver {
    address: SocketAddr,
    options: Options,
    settings: Mutex<ResolverSettings>,
    config: watch::Sender<Arc<Config>>,
    pods: watch::Sender<Arc<Pods>>,
    /// What is wrong with the block list.
    list_trouble: watch::Receiver<Option<String>>,
    answers: Arc<Answers>,
    counters: Arc<Counters>,
    _tasks: JoinSet<()>,
}

impl Resolver {
    /// Starts to answer. As long as no pods are known ([`Self::serve`]), nobody is answered.
    pub fn start(settings: ResolverSettings, options: Options) -> Result<Self, ResolverError> {
        let socket = Arc::new(open(options.listen)?);
        let port = options.listen.map_or(PORT, |it| it.port());
        let address = socket.address().map_err(|error| ResolverError::Bind { port, error })?;
        let config = Config {
            upstreams: Arc::new(upstreams(&settings, &options)?),
            blocked: Arc::new(Names::new(settings.blocked())),
            list: Arc::default(),
        };
        let (config, configured) = watch::channel(Arc::new(config));
        let (pods, served) = watch::channel(Arc::default());
        let (trouble, list_trouble) = watch::channel(None);
        let (answers, counters) = (Arc::<Answers>::default(), Arc::<Counters>::default());
        let mut tasks = JoinSet::new();
        if let Some(path) = options.block_list.clone() {
            tasks.spawn(follow_list(path, options.look_again, config.clone(), trouble));
        }
        let server = Server::new(socket, configured, served, answers.clone(), counters.clone());
        tasks.spawn(server.run());
        Ok(Self {
            address,
            options,
            settings: Mutex::new(settings),
            config,
            pods,
            list_trouble,
            answers,
            counters,
            _tasks: tasks,
        })
    }

    /// Where it is asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Only these pods may ask from now on.
    pub fn serve(&self, pods: Pods) {
        self.pods.send_replace(Arc::new(pods));
    }

    /// Takes on new settings. Questions that are being asked are answered as before; connections
    /// to upstreams stay when the upstreams do.
    pub fn change(&self, settings: &ResolverSettings) -> Result<(), ResolverError> {
        let mut have = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if *have == *settings {
            return Ok(());
        }
        let same = have.upstreams() == settings.upstreams();
        let before = self.config.borrow().upstreams.clone();
        let upstreams = if same { before } else { Arc::new(upstreams(settings, &self.options)?) };
        let blocked = Arc::new(Names::new(settings.blocked()));
        self.config.send_modify(|it| {
            *it = Arc::new(Config { upstreams, blocked, list: it.list.clone() });
        });
        if !same {
            self.answers.forget();
        }
        *have = settings.clone();
        Ok(())
    }

    /// What is wrong, in words for the operator.
    pub fn trouble(&self) -> Vec<String> {
        let upstreams = self.config.borrow().upstreams.trouble();
        let upstreams = upstreams.map(|it| format!("the resolver's upstreams do not answer: {it}"));
        upstreams.into_iter().chain(self.list_trouble.borrow().clone()).collect()
    }

    /// What was done since the start.
    pub fn totals(&self) -> Totals {
        self.counters.totals()
    }
}

fn upstreams(settings: &ResolverSettings, options: &Options) -> Result<Upstreams, ResolverError> {
    Upstreams::new(settings.upstreams(), &options.roots, &options.system)
        .map_err(|error: TlsError| ResolverError::Tls(error.to_string()))
}

fn open(listen: Option<SocketAddr>) -> Result<Socket, ResolverError> {
    let bind = |address: SocketAddr| {
        Socket::bind(address).map_err(|error| ResolverError::Bind { port: address.port(), error })
    };
    if let Some(address) = listen {
        return bind(address);
    }
    match bind((Ipv6Addr::UNSPECIFIED, PORT).into()) {
        // A host without IPv6 has no such sockets.
        Err(ResolverError::Bind { error, .. })
            if matches!(
                error.raw_os_error(),
                Some(nix::libc::EAFNOSUPPORT | nix::libc::EADDRNOTAVAIL)
            ) =>
        {
            bind((Ipv4Addr::UNSPECIFIED, PORT).into())
        }
        bound => bound,
    }
}

/// Reads the block list now and whenever it changed. A list that cannot be read is said, and the
/// one before holds on.
async fn follow_list(
    path: PathBuf,
    look_again: Duration,
    config: watch::Sender<Arc<Config>>,
    trouble: watch::Sender<Option<String>>,
) {
    let mut read: Option<SystemTime> = None;
    loop {
        let changed = std::fs::metadata(&path).and_then(|it| it.modified());
        if changed.as_ref().ok() != read.as_ref() || changed.is_err() {
            read = changed.as_ref().ok().copied();
            let list = match changed {
                Ok(_) => read_list(path.clone()).await,
                Err(error) => Err(error.into()),
            };
            let fault = match list {
                Ok(list) => {
                    config.send_modify(|it| {
                        *it = Arc::new(Config { list: Arc::new(list), ..Config::clone(it) });
                    });
                    None
                }
                Err(error) => {
                    Some(format!("the block list {} is not used: {error}", path.display()))
                }
            };
            trouble.send_replace(fault);
        }
        sleep(look_again).await;
    }
}

async fn read_list(path: PathBuf) -> Result<Names, ListError> {
    // A long list takes a while.
    let reading = tokio::task::spawn_blocking(move || Names::read(&path));
    reading.await.unwrap_or_else(|error| Err(ListError::Io(io::Error::other(error))))
}
