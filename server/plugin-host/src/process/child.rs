//! The process of plugins: what it does with what the portal says.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write as _},
    os::unix::net::UnixStream as Socket,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde::Serialize;
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{UnixStream, unix::OwnedWriteHalf},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use zeroize::Zeroizing;

use crate::{
    bindings::{
        http::{Error, Request},
        smtp,
    },
    compile,
    egress::{
        mail::{Carried, Posted},
        sender::{Egress, Sent},
    },
    host::InstallError,
    limits::COMPILED_BYTES,
    manifest::Manifest,
    messages::{CallRequest, Failure, KvEntry, KvReader, KvUnavailable, KvUsage, Outcome},
    process::{
        confine::{User, confine},
        protocol::{self, PluginText, Question, Reply, ToHost, ToPortal},
    },
    runner::{Plugin, Runner, Work},
};

/// What the process does. Its standard input is the socket to the portal; its arguments are the
/// numbers of a user and a group, or nothing.
pub fn main(arguments: impl Iterator<Item = String>) -> ExitCode {
    match begin(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads it where that fails; the status says that something is wrong.
            let _unheard = writeln!(io::stderr(), "myrelay-plugin-host: {error}");
            ExitCode::FAILURE
        }
    }
}

fn begin(arguments: impl Iterator<Item = String>) -> io::Result<()> {
    let numbers = arguments.map(|it| it.parse::<u32>().map_err(io::Error::other));
    let user = match numbers.collect::<io::Result<Vec<_>>>()?[..] {
        [] => None,
        [uid, gid] => Some(User { uid, gid }),
        _ => return Err(io::Error::other("usage: [UID GID], with a socket as standard input")),
    };
    // Afterwards it could not be said any more.
    rustix::io::ioctl_fionbio(io::stdin(), true)?;
    let confined = confine(user)?;
    let socket = Socket::from(rustix::io::dup(io::stdin())?);
    let runner = Runner::new().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (from, to) = UnixStream::from_std(socket)?.into_split();
        let (out, frames) = mpsc::unbounded_channel();
        let host = Host {
            runner: Arc::new(runner),
            port: Arc::new(Port { out, calls: Mutex::default() }),
        };
        host.port.say(&ToPortal::Ready(confined));
        tokio::select! {
            ended = host.listen(BufReader::new(from)) => ended,
            ended = write(to, frames) => ended,
        }
    })
}

type Frame = Zeroizing<Vec<u8>>;

async fn write(
    mut to: OwnedWriteHalf,
    mut frames: mpsc::UnboundedReceiver<Frame>,
) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        to.write_all(&frame).await?;
    }
    Ok(())
}

/// The way to the portal, and the calls that use it.
struct Port {
    out: mpsc::UnboundedSender<Frame>,
    calls: Mutex<HashMap<u64, Running>>,
}

/// A call that runs, and what it waits for.
#[derive(Default)]
struct Running {
    task: Option<AbortHandle>,
    asked: Option<oneshot::Sender<Reply>>,
}

impl Port {
    /// Whether it could be said.
    fn say(&self, message: &impl Serialize) -> bool {
        protocol::frame(message).is_ok_and(|frame| self.out.send(frame).is_ok())
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, n: u64, question: Question) -> Option<Reply> {
        let (asked, reply) = oneshot::channel();
        self.calls().get_mut(&n)?.asked = Some(asked);
        if !self.say(&ToPortal::Ask { n, question }) {
            return None;
        }
        reply.await.ok()
    }

    fn done(&self, n: u64, outcome: Outcome) {
        self.calls().remove(&n);
        if !self.say(&ToPortal::Done { n, outcome: Box::new(outcome) }) {
            let why = "the outcome does not fit into a message".to_owned();
            self.say(&ToPortal::Done { n, outcome: Box::new(Outcome::failed(Failure::Host(why))) });
        }
    }
}

/// What one call reads and sends.
#[derive(Clone)]
struct Line {
    port: Arc<Port>,
    n: u64,
}

fn no_answer() -> KvUnavailable {
    KvUnavailable("the portal does not answer".to_owned())
}

#[async_trait]
impl KvReader for Line {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        match self.port.ask(self.n, Question::Get { key: key.to_owned() }).await {
            Some(Reply::Get(entry)) => entry,
            _ => Err(no_answer()),
        }
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        match self.port.ask(self.n, Question::Scan { prefix, after, limit }).await {
            Some(Reply::Scan(entries)) => entries,
            _ => Err(no_answer()),
        }
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        match self.port.ask(self.n, Question::Usage).await {
            Some(Reply::Usage(usage)) => usage,
            _ => Err(no_answer()),
        }
    }
}

#[async_trait]
impl Egress for Line {
    async fn send(&mut self, request: Request) -> Sent {
        let away = Error::Interrupted("the portal does not answer".to_owned());
        let refused = Sent::refused(&request, away);
        match self.port.ask(self.n, Question::Send(request)).await {
            Some(Reply::Sent(sent)) => *sent,
            _ => refused,
        }
    }

    async fn mail(&mut self, posted: Posted) -> Carried {
        let away = smtp::Error::Interrupted("the portal does not answer".to_owned());
        let refused = Carried::refused(&posted, away);
        match self.port.ask(self.n, Question::Mail(Box::new(posted))).await {
            Some(Reply::Mailed(carried)) => *carried,
            _ => refused,
        }
    }
}

/// A plugin whose code is coming.
struct Coming {
    plugin: PluginText,
    bytes: usize,
    digest: String,
    code: Vec<u8>,
}

struct Host {
    runner: Arc<Runner>,
    port: Arc<Port>,
}

impl Host {
    async fn listen(&self, mut from: BufReader<tokio::net::unix::OwnedReadHalf>) -> io::Result<()> {
        let mut coming = HashMap::new();
        while let Some(message) = protocol::read::<ToHost>(&mut from).await? {
            match message {
                ToHost::Load { n, plugin, bytes, digest } if bytes <= COMPILED_BYTES => {
                    coming.insert(n, Coming { plugin, bytes, digest, code: Vec::new() });
                }
                ToHost::Load { bytes, .. } => {
                    return Err(io::Error::other(format!("{bytes} bytes of code")));
                }
                ToHost::Code { n, part } => {
                    let Some(it) = coming.get_mut(&n) else { continue };
                    it.code.extend_from_slice(&part);
                    if it.bytes <= it.code.len()
                        && let Some(whole) = coming.remove(&n)
                    {
                        self.load(n, whole);
                    }
                }
                ToHost::Remove { id } => self.runner.remove(&id),
                ToHost::Call { n, request, names } => {
                    self.call(n, *request, names.into_iter().collect());
                }
                ToHost::Drop { n } => {
                    let running = self.port.calls().remove(&n);
                    running.and_then(|it| it.task).inspect(AbortHandle::abort);
                }
                ToHost::Reply { n, reply } => {
                    let asked = self.port.calls().get_mut(&n).and_then(|it| it.asked.take());
                    // A call that has ended meanwhile does not read it.
                    asked.map(|it| it.send(reply));
                }
                ToHost::Ping => {
                    self.port.say(&ToPortal::Pong { pool: self.runner.pool() });
                }
            }
        }
        Ok(())
    }

    /// Loads beside the calls: a plugin takes its time to say who it is.
    fn load(&self, n: u64, coming: Coming) {
        let (runner, port) = (self.runner.clone(), self.port.clone());
        self.runner.workers.begin(async move {
            let result = load(&runner, coming).await;
            port.say(&ToPortal::Loaded { n, result });
        });
    }

    fn call(&self, n: u64, request: CallRequest, secret_names: BTreeSet<String>) {
        let line = Line { port: self.port.clone(), n };
        let egress = Box::new(line.clone());
        let (request, reader) = (Arc::new(request), Arc::new(line));
        let work = self.runner.call(Work { request, secret_names, reader, egress });
        let work = match work {
            Ok(work) => work,
            Err(failure) => return self.port.done(n, Outcome::failed(failure)),
        };
        let port = self.port.clone();
        // Held until the task is known, so that it cannot end before.
        let mut calls = self.port.calls();
        let task = self.runner.workers.begin(async move {
            let outcome = work.await;
            port.done(n, outcome);
        });
        calls.insert(n, Running { task, asked: None });
    }
}

async fn load(runner: &Runner, coming: Coming) -> Result<(), InstallError> {
    let failed = |why: String| InstallError::Host(why);
    if compile::digest(&coming.code) != coming.digest {
        return Err(failed("the code came damaged".to_owned()));
    }
    let PluginText { id, manifest, grants, limits } = coming.plugin;
    let manifest = Manifest::parse(&manifest).map_err(|error| failed(error.to_string()))?;
    let grants = serde_json::from_str(&grants).map_err(|error| failed(error.to_string()))?;
    runner.install(Plugin { id, manifest, grants, limits }, &coming.code).await
}
