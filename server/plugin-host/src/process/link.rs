//! One process of plugins as the portal sees it: what was said to it and is not answered yet.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as Socket},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command},
    sync::{Notify, mpsc},
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

use crate::{
    host::InstallError,
    messages::Outcome,
    pool::PoolUse,
    process::{
        HostProcess,
        confine::{Confined, User},
        protocol::{self, Question, ToHost, ToPortal},
    },
};

/// How long a process may take to begin.
const BEGIN: Duration = Duration::from_secs(20);

type Frame = Zeroizing<Vec<u8>>;

/// What a process says about a call or a loading.
pub(super) enum Event {
    Loaded(Result<(), InstallError>),
    Ask(Question),
    Done(Outcome),
}

/// A process that runs, or did.
pub(super) struct Link {
    pub(super) process_id: Option<u32>,
    out: mpsc::UnboundedSender<Frame>,
    /// None once it has ended.
    waiting: Mutex<Option<HashMap<u64, mpsc::Sender<Event>>>>,
    next: AtomicU64,
    /// Which revision of each plugin it has.
    pub(super) loaded: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<u64>>>>,
    ponged: AtomicBool,
    pool: Mutex<Option<PoolUse>>,
    wrong: Notify,
    ended: Notify,
}

/// Something that the process is asked, as long as somebody waits for it.
pub(super) struct Exchange<'a> {
    link: &'a Link,
    pub(super) n: u64,
    events: mpsc::Receiver<Event>,
    /// What to say if nobody waits any more.
    is_call: bool,
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let there = self.link.waiting().as_mut().and_then(|it| it.remove(&self.n));
        if self.is_call && there.is_some() {
            self.link.say(&ToHost::Drop { n: self.n });
        }
    }
}

impl Exchange<'_> {
    /// What the process says next; none when it has ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Link {
    /// Starts a process, and waits until it has given up what it could. The work that is returned
    /// serves it until it has ended, and has to be done.
    pub(super) async fn start(
        how: &HostProcess,
    ) -> io::Result<(Arc<Self>, Confined, impl Future<Output = String> + Send + 'static)> {
        let (ours, its) = Socket::pair()?;
        ours.set_nonblocking(true)?;
        let (from, to) = UnixStream::from_std(ours)?.into_split();
        let mut command = Command::new(&how.program);
        if let Some(User { uid, gid }) = how.user {
            command.args([uid.to_string(), gid.to_string()]);
        }
        let started = command
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(its)))
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn();
        let child = started.map_err(|error| {
            io::Error::other(format!("cannot start {}: {error}", how.program.display()))
        })?;
        // The command holds the other end of the socket, whose end must be seen.
        drop(command);
        let mut from = BufReader::new(from);
        let ready = match timeout(BEGIN, protocol::read::<ToPortal>(&mut from)).await {
            Ok(Ok(Some(ToPortal::Ready(confined)))) => Ok(confined),
            Ok(Ok(None)) => Err("it ended before it began; it says why on standard error".into()),
            Ok(Ok(Some(_))) => Err("it began with something else".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it did not begin within {} s", BEGIN.as_secs())),
        };
        let confined =
            ready.map_err(|why| io::Error::other(format!("{}: {why}", how.program.display())))?;
        let (out, frames) = mpsc::unbounded_channel();
        let link = Arc::new(Self {
            process_id: child.id(),
            out,
            waiting: Mutex::new(Some(HashMap::new())),
            next: AtomicU64::new(1),
            loaded: Mutex::default(),
            ponged: AtomicBool::new(true),
            pool: Mutex::default(),
            wrong: Notify::new(),
            ended: Notify::new(),
        });
        let serving = serve(link.clone(), child, (from, to), frames, how.patience);
        Ok((link, confined, serving))
    }

    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, mpsc::Sender<Event>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.waiting().is_none()
    }

    /// How much of its pool is in use, as it said last.
    pub(super) fn pool(&self) -> Option<PoolUse> {
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the process is no more.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Ends the process: it does not do what it has to.
    pub(super) fn end(&self) {
        self.wrong.notify_one();
    }

    /// What cannot be said to a process that has ended is in nobody's way.
    pub(super) fn say(&self, message: &impl Serialize) -> bool {
        protocol::frame(message).is_ok_and(|frame| self.out.send(frame).is_ok())
    }

    /// Begins to ask the process something; none when it has ended.
    pub(super) fn begin(&self, is_call: bool) -> Option<Exchange<'_>> {
        let n = self.next.fetch_add(1, SeqCst);
        // A call asks one thing at a time, and then ends.
        let (sender, events) = mpsc::channel(2);
        self.waiting().as_mut()?.insert(n, sender);
        Some(Exchange { link: self, n, events, is_call })
    }

    /// Hands on what the process says about something; nobody may wait for it any more.
    fn tell(&self, n: u64, event: Event) -> Result<(), String> {
        let waiting = self.waiting();
        let Some(sender) = waiting.as_ref().and_then(|it| it.get(&n)) else { return Ok(()) };
        match sender.try_send(event) {
            Err(mpsc::error::TrySendError::Full(_)) => Err("it says more than it may".to_owned()),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Takes in what the process says, until it ends or says what it may not.
    async fn listen(&self, mut from: BufReader<OwnedReadHalf>) -> String {
        loop {
            let told = match protocol::read::<ToPortal>(&mut from).await {
                Ok(None) => return "it closed its socket".to_owned(),
                Err(error) => return error.to_string(),
                Ok(Some(ToPortal::Ready(_))) => Err("it began twice".to_owned()),
                Ok(Some(ToPortal::Loaded { n, result })) => self.tell(n, Event::Loaded(result)),
                Ok(Some(ToPortal::Ask { n, question })) => self.tell(n, Event::Ask(question)),
                Ok(Some(ToPortal::Done { n, outcome })) => self.tell(n, Event::Done(*outcome)),
                Ok(Some(ToPortal::Pong { pool })) => {
                    *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = pool;
                    self.ponged.store(true, SeqCst);
                    Ok(())
                }
            };
            if let Err(why) = told {
                return why;
            }
        }
    }

    /// Asks the process whether it is there, until it does not answer.
    async fn watch(&self, patience: Duration) -> String {
        while self.ponged.swap(false, SeqCst) {
            self.say(&ToHost::Ping);
            sleep(patience).await;
        }
        format!("it did not answer within {} ms", patience.as_millis())
    }
}

async fn write(mut to: OwnedWriteHalf, mut frames: mpsc::UnboundedReceiver<Frame>) -> String {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = to.write_all(&frame).await {
            return error.to_string();
        }
    }
    "the portal has nothing more to say".to_owned()
}

/// Serves a process until it has ended, and says why.
async fn serve(
    link: Arc<Link>,
    mut child: Child,
    (from, to): (BufReader<OwnedReadHalf>, OwnedWriteHalf),
    frames: mpsc::UnboundedReceiver<Frame>,
    patience: Duration,
) -> String {
    let why = tokio::select! {
        status = child.wait() => match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        },
        why = link.listen(from) => why,
        why = write(to, frames) => why,
        why = link.watch(patience) => why,
        () = link.wrong.notified() => "it did not end a call in its time".to_owned(),
    };
    // Whoever waits gets an end, and nobody begins to wait any more.
    *link.waiting() = None;
    // One that is gone already cannot be killed.
    let _gone = child.start_kill();
    let _status = child.wait().await;
    link.ended.notify_one();
    why
}
