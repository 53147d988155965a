//! Events on their way to plugins: how many a running portal carries in a second.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_tests::{
    program::{run, until},
    root,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    cores::Cores,
    measure::{Effort, Metric},
    place::{Customer, NEAR, Place},
    plugins::Guest,
};

const EVENTS: usize = 10_000;
/// As many accounts as calls of one plugin run at a time: what is about one account goes in order.
const CUSTOMERS: usize = 8;
/// How long all of them may take, and how long it may take until the first are there: then the
/// portal loads the plugins.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where each of the plugins posts to.
const PATHS: [&str; 3] = ["rust", "js", "python"];
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 18\r\nConnection: close\r\n\r\n{\"id\":\"message-7\"}";

/// `events`, `events_left`.
pub(crate) async fn events(cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let receiver = Receiver::start().await?;
    let mut place = Place::start_with(cores, &["--unsigned-plugins"]).await?;
    let mut customers = Vec::new();
    for _ in 0..CUSTOMERS {
        customers.push(place.customer(NEAR).await?);
    }
    let desk = crate::place::folder()?;
    install(&place, desk.path(), receiver.port).await?;
    // Every plugin is loaded when it has told of these two.
    let warm_up = customers.first_mut().context("a customer")?;
    warm_up.connection = warm_up.connection.another().await?;
    add_and_remove(warm_up, 1).await?;
    receiver.until_each_has(2).await?;
    // The portal has hung up meanwhile.
    for customer in &mut customers {
        customer.connection = customer.connection.another().await?;
    }

    let pairs = effort.times(EVENTS) / 2 / CUSTOMERS;
    let count = pairs * 2 * CUSTOMERS;
    let started = Instant::now();
    let mut running = JoinSet::new();
    for mut customer in customers {
        running.spawn(async move { add_and_remove(&mut customer, pairs).await });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let made = started.elapsed();
    receiver.until_each_has(2 + count).await?;
    let took = started.elapsed();
    let setup = format!(
        "{count} events (devices added and removed by {CUSTOMERS} customers at a time, which took \
         {:.1} s of it) to 3 plugins, one each in Rust (webhook), JavaScript and Python (the \
         samples): from the first request until every plugin has posted every one to a server on \
         loopback; the portal's plugins in a process of their own on the portal's core; {}",
        made.as_secs_f64(),
        cores.words()
    );
    let left = format!("{setup}; this is what was left of it when the last device was removed");
    let rate = f64::from(u32::try_from(count)?) / took.as_secs_f64();
    Ok(vec![
        Metric::of_value("events", "events/s", rate, count, setup),
        Metric::of_times("events_left", &[took.saturating_sub(made)], left),
    ])
}

/// Two events each; no node has to follow.
async fn add_and_remove(customer: &mut Customer, times: usize) -> Result<()> {
    for _ in 0..times {
        customer.add_and_remove().await?;
    }
    Ok(())
}

/// Installs the three, as an operator does it.
async fn install(place: &Place, desk: &Path, port: u16) -> Result<()> {
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let webhook = Guest::own("webhook")?;
    let anywhere = "\nhost = \"*\"\n";
    ensure!(webhook.manifest.contains(anywhere), "the webhook plugin asks for other hosts");
    let manifest = webhook.manifest.replace(anywhere, &here);
    let webhook = Guest { manifest, ..webhook };
    let key = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
    let settings = format!("{{\"url\":\"http://127.0.0.1:{port}/hooks/rust\"}}");
    let folder = written(desk, "rust", &webhook, "webhook", &settings)?;
    install_one(place, &folder, port, ("signing_key", &key)).await?;
    for (language, sample) in [("js", "chat-js"), ("python", "chat-python")] {
        let guest = Guest::sample(sample)?;
        let manifest = guest.manifest.replace("port = 8025", &format!("port = {port}"));
        let guest = Guest { manifest, ..guest };
        let settings = format!("{{\"room\":\"http://127.0.0.1:{port}/hooks/{language}\"}}");
        let source = format!("samples/{sample}");
        let folder = written(desk, language, &guest, &source, &settings)?;
        install_one(place, &folder, port, ("token", "token-0123456789")).await?;
    }
    Ok(())
}

/// A folder with a plugin, beside it its settings.
fn written(
    desk: &Path,
    name: &str,
    guest: &Guest,
    source: &str,
    settings: &str,
) -> Result<PathBuf> {
    let folder = desk.join(name);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("plugin.toml"), &guest.manifest)?;
    fs::write(folder.join("plugin.wasm"), &guest.wasm)?;
    let schema = root().join("plugins").join(source).join("config.schema.json");
    let schema = fs::read_to_string(&schema).with_context(|| schema.display().to_string())?;
    // The server is on this machine, without TLS.
    let schema = schema.replace("^(https://.+)?$", "^(http://.+)?$");
    fs::write(folder.join("config.schema.json"), schema)?;
    fs::write(folder.with_extension("json"), settings)?;
    Ok(folder)
}

async fn install_one(
    place: &Place,
    folder: &Path,
    port: u16,
    (name, secret): (&str, &str),
) -> Result<()> {
    let file = folder.with_extension("secret");
    fs::write(&file, secret)?;
    let mut command = place.options.command(&["plugin", "install", "--grant"]);
    command.arg("--settings").arg(folder.with_extension("json"));
    command.args(["--secret", &format!("{name}={}", file.display())]);
    command.args(["--private", &format!("127.0.0.1/32:{port}")]);
    command.arg(folder);
    run(command).await.map(drop)
}

/// A server on loopback that takes what plugins post, and counts it.
struct Receiver {
    port: u16,
    counts: Arc<[AtomicUsize; 3]>,
    _serving: JoinSet<()>,
}

impl Receiver {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let counts: Arc<[AtomicUsize; 3]> = Arc::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, counts.clone()));
        Ok(Self { port, counts, _serving: serving })
    }

    /// Waits until each of the plugins has posted so often.
    async fn until_each_has(&self, posts: usize) -> Result<()> {
        let came = || self.counts.each_ref().map(|it| it.load(SeqCst));
        let all = async || Ok(came().iter().all(|it| posts <= *it).then_some(()));
        let waited = until("all plugins to have posted", PATIENCE, all).await;
        waited.with_context(|| format!("of {posts}, {PATHS:?} posted {:?}", came()))
    }
}

async fn serve(listener: TcpListener, counts: Arc<[AtomicUsize; 3]>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                running.spawn(answer(stream, counts.clone()));
            }
            // What was not understood is not counted.
            Some(_) = running.join_next() => {}
        }
    }
}

async fn answer(mut stream: TcpStream, counts: Arc<[AtomicUsize; 3]>) -> Result<()> {
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
    stream.write_all(ANSWER).await?;
    let which = PATHS.iter().zip(counts.iter());
    let mut which = which.filter(|(path, _)| text.starts_with(&format!("post /hooks/{path}")));
    let (_, count) = which.next().context("nobody's path")?;
    count.fetch_add(1, SeqCst);
    Ok(())
}
