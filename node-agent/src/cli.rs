//! The commands `join`, `run`, `status` and `doctor`.

mod show;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use myrelay_node_protocol::JoinToken;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt,
};
use zeroize::Zeroizing;

use crate::{
    agent::{Agent, Pace},
    backend::{self, BackendKind},
    doctor, enrol,
    link::PortalAddress,
    private_dir::PrivateDir,
    privileges, resolver, status,
    system::{Machine, System},
};

const TOKEN_VARIABLE: &str = "MYRELAY_JOIN_TOKEN";

/// The hand on each node of MyRelay: makes the node match what the portal wants.
#[derive(Debug, Parser)]
#[command(name = "myrelay-agent", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes this machine a node, with the line that the portal shows.
    Join {
        /// Where the portal's node listener is: https://name:port.
        portal: PortalAddress,
        /// The token of the line. It can be used once, for ten minutes.
        #[arg(long, conflicts_with = "token_file")]
        token: Option<String>,
        /// A file with the token, so that it stands in no process list. So does
        /// MYRELAY_JOIN_TOKEN.
        #[arg(long)]
        token_file: Option<PathBuf>,
        /// Joins though this machine is a node already.
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        state: StateDir,
    },
    /// Serves, until it is told to stop.
    Run {
        /// What makes the tunnels.
        #[arg(long, value_enum, default_value_t)]
        backend: BackendKind,
        /// A file of names that the node's resolver does not answer: one on each line, or as in
        /// /etc/hosts. It is read again when it changes.
        #[arg(long, env = "MYRELAY_BLOCK_LIST")]
        block_list: Option<PathBuf>,
        #[command(flatten)]
        state: StateDir,
    },
    /// Shows how the running agent is.
    Status {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        state: StateDir,
    },
    /// Looks at this machine, and says what keeps it from being a good node and what to do.
    ///
    /// It changes nothing. The exit code is 1 when something is bad.
    Doctor {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        state: StateDir,
    },
}

#[derive(Debug, clap::Args)]
struct StateDir {
    /// Where the node's key, its certificate and its last state are kept.
    #[arg(long, env = "MYRELAY_STATE_DIR", default_value = "/var/lib/myrelay-agent")]
    state_dir: PathBuf,
}

/// Runs the command that was typed. What went wrong is written to the standard error.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell when this cannot be written.
            drop(writeln!(io::stderr(), "myrelay-agent: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Join { portal, token, token_file, again, state } => {
            let token = read_token(token, token_file.as_deref())?;
            let shown = portal.to_string();
            let system: Arc<dyn System> = Arc::new(Machine);
            let joining = enrol::join(portal, token, &state.state_dir, again, &system);
            let node = runtime()?.block_on(joining)?;
            writeln!(
                io::stdout(),
                "This machine is {node} of {shown} now. Start it with `myrelay-agent run`."
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { backend, block_list, state } => {
            start_log();
            // Before there is a second thread: what this one gives up, the others never have.
            let privileges = privileges::narrow()?;
            if backend != BackendKind::Fake {
                privileges.require_net_admin()?;
            }
            let runtime = runtime()?;
            let ended = runtime.block_on(run(backend, &state.state_dir, block_list));
            // A thread may still wait for a device's packets.
            runtime.shutdown_timeout(Duration::from_secs(2));
            ended.map(|()| ExitCode::SUCCESS)
        }
        Command::Status { json, state } => {
            let dir = PrivateDir::look(&state.state_dir)?;
            let (status, running) =
                status::read(&dir)?.context("the agent has not run here yet")?;
            let text =
                if json { show::json(&status, running)? } else { show::text(&status, running) };
            writeln!(io::stdout(), "{text}")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor { json, state } => {
            let looking = doctor::examine(Path::new("/"), &state.state_dir, Arc::new(Machine));
            let findings = runtime()?.block_on(looking);
            let text = if json {
                serde_json::to_string_pretty(&findings)?
            } else {
                show::findings(&findings)
            };
            writeln!(io::stdout(), "{text}")?;
            let bad = doctor::is_bad(&findings);
            Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}

async fn run(
    kind: BackendKind,
    state_dir: &Path,
    block_list: Option<PathBuf>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let backend = backend::open(kind).await?;
    let agent = Agent::open(state_dir, Pace::default(), backend, Arc::new(Machine))?
        .with_resolver(resolver::Options::of_node(block_list, Arc::new(Machine)));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = agent.run(stop.clone());
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return Ok(ended?),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; tunnels of the kernel stay");
    stop.cancel();
    Ok(running.await?)
}

fn read_token(token: Option<String>, file: Option<&Path>) -> anyhow::Result<JoinToken> {
    let text = match (token, file) {
        (Some(token), _) => token,
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("the token file {}", file.display()))?,
        (None, None) => std::env::var(TOKEN_VARIABLE)
            .with_context(|| format!("a join needs --token, --token-file or {TOKEN_VARIABLE}"))?,
    };
    Ok(Zeroizing::new(text).parse()?)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime")
}

/// Logs to the standard error: for people on a terminal, as JSON elsewhere. `MYRELAY_LOG` sets the
/// level, such as `debug`; no level shows client addresses.
fn start_log() {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("MYRELAY_LOG")
        .from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // The userspace library would name who sends packets from where, and the resolver's what a
    // malformed question holds.
    let ours = filter_fn(|it| {
        ["gotatun", "hickory"].iter().all(|library| !it.target().starts_with(library))
    });
    if io::stderr().is_terminal() {
        log.finish().with(ours).init();
    } else {
        log.json().finish().with(ours).init();
    }
}
