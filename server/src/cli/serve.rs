//! `myrelay serve`: opens everything, serves until it is told to stop, and drains.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

use super::{operator, say};
use crate::{
    authority::{Authority, ensure_private_dir},
    config::{Config, Origin, PluginHostKind, SiteTls},
    context::{Clock, Context, Parts, Random, Settings},
    database::Database,
    deliveries,
    deployment::Deployment,
    desired_state,
    http::{self, Door, Limits, Listener, Site, metrics_router, node_router, site_router},
    jobs, messages, nodes, operators,
    passwords::Passwords,
    payments, plugins, pods, sessions,
    system::{SystemClock, SystemRandom, Tasks},
    tls::{self, Renewable},
    usage,
    vault::Vault,
};

/// Requests have 10 seconds to finish after the word to stop; this is a little more.
const DRAIN: Duration = Duration::from_secs(12);
/// A plugin that is put in the place of another one has 30 seconds to make itself ready. What is
/// tried before it is put there may take longer, and is cut off: then nothing was changed.
const CHANGE: Duration = Duration::from_secs(32);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many passwords may wait to be checked: the rest is told to come back.
const PASSWORD_QUEUE: usize = 64;

/// What `serve` and the commands beside it start with.
pub(super) struct Started {
    pub context: Context,
    pub clock: Arc<dyn Clock>,
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    raise_file_limit();
    let site = Site::load(&site_dir(&config)?)?;
    let bound = Bound::new(&config).await?;
    let tasks = Tasks::default();
    let started = start_context(&config, &bound.public, &bound.node).await?;
    let context = started.context.clone();
    let certificate = Arc::new(Renewable::of(server_certificate(&context, &bound.node)?)?);
    let door = Door::new(http::Parts {
        context: context.clone(),
        site,
        limits: Limits::new(config.rates),
        origin: bound.public.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        stopping: tasks.stopping(),
    });
    let site_tls = site_tls(&config, &bound.public, &started)?;
    let node_tls = tls::node_listener(&context.authority, certificate.clone(), started.clock)?;
    let held = http::Connections::new(config.connections_per_ip, &config.trusted_proxies);
    let (public, node) = (bound.public.clone(), bound.node.clone());
    let mut listeners = vec![
        Listener {
            tcp: bound.site_tcp,
            tls: site_tls,
            nodes_only: false,
            router: site_router(door.clone()),
            connections: held.clone(),
        },
        Listener {
            tcp: bound.node_tcp,
            tls: Some(node_tls),
            nodes_only: true,
            router: node_router(door.clone()),
            connections: held.clone(),
        },
    ];
    if let Some(tcp) = bound.metrics_tcp {
        listeners.push(Listener {
            tcp,
            tls: None,
            nodes_only: false,
            router: metrics_router(door.clone()),
            connections: held,
        });
    }
    for listener in listeners {
        tasks.spawn(listener.serve(tasks.clone()));
    }
    nodes::settle_resolver(&context).await?;
    housekeeping(&tasks, &context, door, certificate, node.clone());
    tracing::info!(site = %public, nodes = %node, "serving");
    if !operators::any_exists(&context).await? {
        say(&operator::link(&context, &public).await?)?;
    }

    stop_signal().await?;
    tracing::info!("stopping: requests that run have 10 seconds");
    tasks.stop();
    context.connections.close_all();
    if timeout(DRAIN, tasks.ended()).await.is_err() {
        tracing::warn!("some requests did not finish");
    }
    if timeout(CHANGE, context.plugins.ended()).await.is_err() {
        tracing::warn!("a plugin was being changed: look at its page whether it is as you want it");
    }
    context.database.close().await;
    Ok(())
}

/// Opens the database, the deployment and the authority.
pub(super) async fn start_context(
    config: &Config,
    public: &Origin,
    node: &Origin,
) -> anyhow::Result<Started> {
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
        (Arc::new(SystemClock), Arc::new(SystemRandom));
    ensure_private_dir(&config.data_dir).context("data-dir")?;
    let database = Database::open(&config.database_url).await.context("database-url")?;
    let deployment =
        Deployment::load_or_create(&database, &*clock, &*random, config.v4_pool).await?;
    let authority = Authority::load_or_create(&config.data_dir, deployment.id, &*clock, &*random)?;
    let vault = Vault::load_or_create(&config.data_dir, &*random)?;
    plugins::check_vault(&database, &vault).await.context("data-dir")?;
    let (v4, v6) = deployment.addresses.pools();
    let cache = config.data_dir.join("plugins");
    let compiler = plugins::Runtime::compiler().context("find out where this program is")?;
    let own = vec![v4.into(), v6.into()];
    let plugins = match config.plugin_host {
        PluginHostKind::InProcess => plugins::Runtime::in_process(compiler, cache, own),
        PluginHostKind::Process => {
            let user = plugins::Runtime::user(config.plugin_user.as_deref());
            let user = user.context("plugin-user")?;
            plugins::Runtime::in_a_process(compiler, cache, own, user)
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, |it| it.get().saturating_sub(1));
    let context = Context::new(Parts {
        database,
        clock: clock.clone(),
        random,
        settings: Settings {
            v4_pool: config.v4_pool,
            client_dns: config.client_dns.clone(),
            resolver: config.dns_upstreams.clone(),
            client_mtu: config.client_mtu,
            public_url: public.to_string(),
            node_url: node.to_string(),
            unsigned_plugins: config.unsigned_plugins,
            plugin_dir: config.plugin_dir.clone(),
        },
        deployment,
        authority,
        passwords: Passwords::new(workers.max(1), PASSWORD_QUEUE),
        connections: nodes::Connections::default(),
        vault,
        plugins,
    });
    Ok(Started { context, clock })
}

/// The two sockets, and what they are called from outside.
struct Bound {
    site_tcp: TcpListener,
    node_tcp: TcpListener,
    metrics_tcp: Option<TcpListener>,
    public: Origin,
    node: Origin,
}

impl Bound {
    async fn new(config: &Config) -> anyhow::Result<Self> {
        let bind = |name, address| async move {
            TcpListener::bind(address).await.with_context(|| format!("{name}: listen on {address}"))
        };
        let site_tcp = bind("listen", config.listen).await?;
        let node_tcp = bind("node-listen", config.node_listen).await?;
        let metrics_tcp = match config.metrics_listen {
            Some(address) => Some(bind("metrics-listen", address).await?),
            None => None,
        };
        let secure = config.tls != SiteTls::Clear;
        let site_address = site_tcp.local_addr()?;
        let public =
            config.public_url.clone().unwrap_or_else(|| Origin::of_listener(secure, site_address));
        let node_port = node_tcp.local_addr()?.port();
        let node = config
            .node_url
            .clone()
            .unwrap_or_else(|| Origin::new(true, public.host.clone(), Some(node_port)));
        Ok(Self { site_tcp, node_tcp, metrics_tcp, public, node })
    }
}

fn site_tls(
    config: &Config,
    public: &Origin,
    started: &Started,
) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
    match &config.tls {
        SiteTls::Clear => Ok(None),
        SiteTls::Files { certificate, key } => tls::site_from_files(certificate, key).map(Some),
        SiteTls::SelfSigned => {
            let (clock, random) = (&*started.clock, &*started.context.random);
            tls::site_self_signed(&config.data_dir, &names(public), clock, random).map(Some)
        }
    }
}

fn server_certificate(
    context: &Context,
    node: &Origin,
) -> anyhow::Result<crate::authority::ServerCertificate> {
    context.authority.issue_server(&names(node), context.now(), context.random())
}

/// The name that others use, and those that this machine uses.
fn names(origin: &Origin) -> Vec<String> {
    let mut names = vec![origin.host.clone()];
    for local in ["localhost", "127.0.0.1", "::1"] {
        if origin.host != local {
            names.push(local.to_owned());
        }
    }
    names
}

/// What is done now and then, for as long as the portal runs.
fn housekeeping(
    tasks: &Tasks,
    context: &Context,
    door: Door,
    certificate: Arc<Renewable>,
    node: Origin,
) {
    tasks.spawn_until_stop(desired_state::watch(context.clone()));
    tasks.spawn_until_stop(pods::work(context.clone()));
    tasks.spawn_until_stop(usage::work(context.clone()));
    tasks.spawn_until_stop(deliveries::work(context.clone()));
    tasks.spawn_until_stop(jobs::work(context.clone()));
    tasks.spawn_until_stop(plugins::work(context.clone()));
    tasks.spawn_until_stop(payments::work(context.clone()));
    tasks.spawn_until_stop(messages::work(context.clone()));
    tasks.spawn_until_stop(async move {
        loop {
            sleep(MINUTE).await;
            door.limits.forget_quiet();
        }
    });
    let pruned = context.clone();
    tasks.spawn_until_stop(async move {
        loop {
            if let Err(error) = sessions::prune(&pruned).await {
                tracing::warn!(%error, "cannot forget sessions that are over");
            }
            sleep(10 * MINUTE).await;
        }
    });
    let context = context.clone();
    tasks.spawn_until_stop(async move {
        loop {
            sleep(30 * DAY).await;
            let renewed =
                server_certificate(&context, &node).and_then(|it| certificate.replace(it));
            if let Err(error) = renewed {
                tracing::error!(
                    cause = format!("{error:#}"),
                    "renew the node listener's certificate"
                );
            }
        }
    });
}

fn site_dir(config: &Config) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &config.site_dir {
        return Ok(dir.clone());
    }
    let program = env::current_exe().context("find out where this program is")?;
    Ok(program.with_file_name("site"))
}

/// Every connection is an open file; the customary limit of 1024 is low.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::warn!("the limit of open files stays as it is");
    }
}

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
