//! Events on their way to plugins: how many a running portal carries in a second.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use myrelay_tests::{program::until, root};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    cores::Cores,
    measure::{Effort, Metric},
    place::{Customer, NEAR, Place},
    plugins::{Guest, install_one, written},
};

const EVENTS: usize = 10_000;
/// As many accounts as calls of one plugin run at a time: what is about one account goes in order.
const CUSTOMERS: usize = 8;
/// How many events happen in a second while it is measured how late they come, and for how long.
const PACE: usize = 200;
const PACED_S: usize = 20;
/// How long everybody is told to wait while a backlog grows.
const SHUT_FOR: Duration = Duration::from_secs(100);
/// How long all of them may take, and how long it may take until the first are there: then the
/// portal loads the plugins.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where each of the plugins posts to.
const PATHS: [&str; 3] = ["one", "two", "three"];
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 18\r\nConnection: close\r\n\r\n{\"id\":\"message-7\"}";
/// What the webhook plugin calls itself, in its manifest and in its code.
const WEBHOOK: &str = "dev.myrelay.webhook";

/// `events`, `events_late`: to three plugins in Rust.
pub(crate) async fn events(cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let mut stage = Stage::start(cores, Plugins::Rust).await?;
    let carried = stage.backlog("events", effort, "3 plugins in Rust (our webhook plugin)").await?;
    let late = stage.late(effort).await?;
    Ok(vec![carried, late])
}

/// `events_mixed`: to one plugin in each language.
pub(crate) async fn events_mixed(cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let whom = "3 plugins, one each in Rust (webhook), JavaScript and Python (the samples)";
    let mut stage = Stage::start(cores, Plugins::Mixed).await?;
    Ok(vec![stage.backlog("events_mixed", effort, whom).await?])
}

/// Who hears of the events.
#[derive(Clone, Copy)]
enum Plugins {
    Rust,
    Mixed,
}

/// A portal that has all cores, as an operator's portal has, with customers and plugins.
struct Stage {
    receiver: Receiver,
    customers: Vec<Customer>,
    /// How many events each plugin has posted.
    posted: usize,
    cores: &'static str,
    _place: Place,
}

impl Stage {
    async fn start(cores: &Cores, plugins: Plugins) -> Result<Self> {
        let cores = cores.undivided();
        let receiver = Receiver::start().await?;
        let mut place = Place::start_with(&cores, &["--unsigned-plugins"]).await?;
        let mut customers = Vec::new();
        for _ in 0..CUSTOMERS {
            customers.push(place.customer(NEAR).await?);
        }
        let desk = crate::place::folder()?;
        install(&place, desk.path(), receiver.port, plugins).await?;
        // Every plugin is loaded when it has told of these two.
        let warm_up = customers.first_mut().context("a customer")?;
        warm_up.connection = warm_up.connection.another().await?;
        add_and_remove(warm_up, 1).await?;
        receiver.until_each_has(2).await?;
        Ok(Self { receiver, customers, posted: 2, cores: cores.words(), _place: place })
    }

    /// Lets customers make events while the server takes none, and measures how fast all of them
    /// are carried when it does.
    async fn backlog(&mut self, name: &'static str, effort: Effort, whom: &str) -> Result<Metric> {
        let pairs = effort.times(EVENTS) / 2 / CUSTOMERS;
        let count = pairs * 2 * CUSTOMERS;
        self.receiver.shut();
        let started = Instant::now();
        self.make(pairs, None).await?;
        let made = started.elapsed();
        // The first of each customer: the others wait behind it.
        self.receiver.until_refused(PATHS.len() * CUSTOMERS).await?;
        let waited = started.elapsed();
        ensure!(waited < SHUT_FOR, "the events took {waited:?}, and the first were tried again");
        self.receiver.open();
        let opened = self.receiver.until_taken().await?;
        self.posted += count;
        self.receiver.until_each_has(self.posted).await?;
        let rate = f64::from(u32::try_from(count)?) / opened.elapsed().as_secs_f64();
        let setup = format!(
            "{count} events of {CUSTOMERS} customers (devices added and removed, {:.0} of them in \
             a second) that wait because the server says 429, to {whom}: from the first post that \
             the server on loopback takes to the last; the portal with its books on disk, the \
             plugins in a process of their own; {}",
            f64::from(u32::try_from(count)?) / made.as_secs_f64(),
            self.cores
        );
        Ok(Metric::of_value(name, "events/s", rate, count, setup))
    }

    /// How late events come that happen at a steady pace.
    async fn late(&mut self, effort: Effort) -> Result<Metric> {
        let pairs = effort.times(PACE * PACED_S) / 2 / CUSTOMERS;
        let count = pairs * 2 * CUSTOMERS;
        let every = Duration::from_secs(1) * u32::try_from(2 * CUSTOMERS)? / u32::try_from(PACE)?;
        locked(&self.receiver.seen.late).clear();
        let started = Instant::now();
        self.make(pairs, Some(every)).await?;
        let made = started.elapsed();
        self.posted += count;
        self.receiver.until_each_has(self.posted).await?;
        let late = locked(&self.receiver.seen.late).clone();
        let setup = format!(
            "{count} events, {:.0} in a second, to the same 3 plugins: from when each happened to \
             when the server has it; {}",
            f64::from(u32::try_from(count)?) / made.as_secs_f64(),
            self.cores
        );
        Ok(Metric::of_times("events_late", &late, setup))
    }

    /// Lets every customer add and remove so many devices, one each in every so long.
    async fn make(&mut self, pairs: usize, every: Option<Duration>) -> Result<()> {
        let mut running = JoinSet::new();
        for (number, mut customer) in self.customers.drain(..).enumerate() {
            running.spawn(async move {
                // The portal has hung up meanwhile.
                customer.connection = customer.connection.another().await?;
                let Some(every) = every else {
                    add_and_remove(&mut customer, pairs).await?;
                    return Ok::<_, anyhow::Error>(customer);
                };
                let (number, all) = (u32::try_from(number)?, u32::try_from(CUSTOMERS)?);
                let first = tokio::time::Instant::now() + every * number / all;
                let mut turns = tokio::time::interval_at(first, every);
                for _ in 0..pairs {
                    turns.tick().await;
                    add_and_remove(&mut customer, 1).await?;
                }
                Ok(customer)
            });
        }
        while let Some(done) = running.join_next().await {
            self.customers.push(done??);
        }
        Ok(())
    }
}

/// Two events each; no node has to follow.
async fn add_and_remove(customer: &mut Customer, times: usize) -> Result<()> {
    for _ in 0..times {
        customer.add_and_remove().await?;
    }
    Ok(())
}

/// Installs the three, as an operator does it.
async fn install(place: &Place, desk: &Path, port: u16, plugins: Plugins) -> Result<()> {
    for (number, path) in PATHS.into_iter().enumerate() {
        let sample = match (plugins, number) {
            (Plugins::Mixed, 1) => Some("chat-js"),
            (Plugins::Mixed, 2) => Some("chat-python"),
            _ => None,
        };
        let Some(sample) = sample else {
            let webhook = webhook(number, port)?;
            let key = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
            let settings = format!("{{\"url\":\"http://127.0.0.1:{port}/hooks/{path}\"}}");
            let folder = written(desk, path, &webhook, &schema("webhook")?, &settings)?;
            install_one(place, &folder, ("signing_key", &key), Some(port)).await?;
            continue;
        };
        let guest = Guest::sample(sample)?;
        let manifest = guest.manifest.replace("port = 8025", &format!("port = {port}"));
        let guest = Guest { manifest, ..guest };
        let settings = format!("{{\"room\":\"http://127.0.0.1:{port}/hooks/{path}\"}}");
        let schema = schema(&format!("samples/{sample}"))?;
        let folder = written(desk, path, &guest, &schema, &settings)?;
        install_one(place, &folder, ("token", "token-0123456789"), Some(port)).await?;
    }
    Ok(())
}

/// The webhook plugin under another name: a portal has each plugin once.
fn webhook(number: usize, port: u16) -> Result<Guest> {
    let guest = Guest::own("webhook")?;
    let (here, anywhere) =
        (format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n"), "\nhost = \"*\"\n");
    ensure!(guest.manifest.contains(anywhere), "the webhook plugin asks for other hosts");
    let manifest = guest.manifest.replace(anywhere, &here);
    Guest { manifest, ..guest }.renamed(WEBHOOK, &format!("dev.example.hooks-{number}"))
}

/// What a plugin's settings have to be, where the server is on this machine, without TLS.
fn schema(source: &str) -> Result<String> {
    let schema = root().join("plugins").join(source).join("config.schema.json");
    let schema = fs::read_to_string(&schema).with_context(|| schema.display().to_string())?;
    Ok(schema.replace("^(https://.+)?$", "^(http://.+)?$"))
}

/// A server on loopback that takes what plugins post, counts it, and looks how late it is.
struct Receiver {
    port: u16,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

/// What it knows.
#[derive(Default)]
struct Seen {
    counts: [AtomicUsize; 3],
    /// It takes nothing.
    shut: AtomicBool,
    /// How many it refused since then.
    refused: AtomicUsize,
    /// When it took the first one since it was shut.
    taken: Mutex<Option<Instant>>,
    /// How long after it happened each came, where the plugin says when it happened.
    late: Mutex<Vec<Duration>>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let seen: Arc<Seen> = Arc::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, seen.clone()));
        Ok(Self { port, seen, _serving: serving })
    }

    fn shut(&self) {
        *locked(&self.seen.taken) = None;
        self.seen.refused.store(0, SeqCst);
        self.seen.shut.store(true, SeqCst);
    }

    fn open(&self) {
        self.seen.shut.store(false, SeqCst);
    }

    /// Waits until it refused so many.
    async fn until_refused(&self, posts: usize) -> Result<()> {
        let came = async || Ok((posts <= self.seen.refused.load(SeqCst)).then_some(()));
        until("all plugins to be told to wait", PATIENCE, came).await
    }

    /// Waits until it takes something again.
    async fn until_taken(&self) -> Result<Instant> {
        until("a plugin to post", PATIENCE, async || Ok(*locked(&self.seen.taken))).await
    }

    /// Waits until each of the plugins has posted so often.
    async fn until_each_has(&self, posts: usize) -> Result<()> {
        let came = || self.seen.counts.each_ref().map(|it| it.load(SeqCst));
        let all = async || Ok(came().iter().all(|it| posts <= *it).then_some(()));
        let waited = until("all plugins to have posted", PATIENCE, all).await;
        waited.with_context(|| format!("of {posts}, {PATHS:?} posted {:?}", came()))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, seen: Arc<Seen>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                running.spawn(answer(stream, seen.clone()));
            }
            // What was not understood is not counted.
            Some(_) = running.join_next() => {}
        }
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Seen>) -> Result<()> {
    let mut read = Vec::new();
    let head = loop {
        ensure!(stream.read_buf(&mut read).await? > 0, "it hung up");
        if let Some(at) = read.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|it| it.strip_prefix("content-length:"));
    let length: usize = length.context("a request without a length")?.trim().parse()?;
    while read.len() < head + length {
        ensure!(stream.read_buf(&mut read).await? > 0, "it hung up");
    }
    if seen.shut.load(SeqCst) {
        let wait = SHUT_FOR.as_secs();
        let answer = format!(
            "HTTP/1.1 429 Wait\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        );
        seen.refused.fetch_add(1, SeqCst);
        return Ok(stream.write_all(answer.as_bytes()).await?);
    }
    stream.write_all(ANSWER).await?;
    let which = PATHS.iter().position(|it| text.starts_with(&format!("post /hooks/{it}")));
    let count = seen.counts.get(which.context("nobody's path")?).context("nobody's path")?;
    locked(&seen.taken).get_or_insert_with(Instant::now);
    let body: Value = serde_json::from_slice(&read[head..head + length])?;
    if let Some(at) = body["timestamp"].as_str() {
        let late = Timestamp::now().duration_since(at.parse()?);
        locked(&seen.late).push(late.try_into().unwrap_or_default());
    }
    count.fetch_add(1, SeqCst);
    Ok(())
}
