//! Pages and sign-ins: how long people wait, and how many the portal serves.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::programs;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    cores::Cores,
    http::Connection,
    measure::Metric,
    place::{Customer, DEVICES, FAR, NEAR, Place, credentials},
};

const CONNECTIONS: usize = 25;
const PAGES_EACH: usize = 120;
const SIGN_INS: usize = 30;
const SIGN_IN_CONNECTIONS: usize = 4;

/// `page_ttfb`, `page_ttfb_home`, `page_rate`.
pub(crate) async fn page_ttfb(place: &mut Place, cores: &Cores) -> Result<Vec<Metric>> {
    let mut customer = place.customer(NEAR).await?;
    for _ in 0..DEVICES {
        customer.add_device().await?;
    }
    let pod = load(&customer, &format!("/pods/{}", customer.pod)).await?;
    let home = load(&customer, "/home").await?;
    let how = |page: &str| {
        let on = cores.words();
        format!(
            "GET of the {page}, signed in, {CONNECTIONS} kept-alive connections one after the \
             other (closed loop), to the first byte; {on}"
        )
    };
    let devices = format!("pod page with {DEVICES} devices (the plan's limit)");
    Ok(vec![
        Metric::of_times("page_ttfb", &pod.times, how(&devices)),
        Metric::of_value("page_rate", "pages/s", pod.rate, pod.times.len(), how(&devices)),
        Metric::of_times("page_ttfb_home", &home.times, how("home page with 1 pod")),
    ])
}

struct Load {
    times: Vec<Duration>,
    /// Answers in a second.
    rate: f64,
}

async fn load(customer: &Customer, path: &str) -> Result<Load> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = customer.connection.another().await?;
        for _warm_up in 0..3 {
            connection.get(path).await?;
        }
        connections.push(connection);
    }
    let started = Instant::now();
    let mut running = JoinSet::new();
    for mut connection in connections {
        let path = path.to_owned();
        running.spawn(async move {
            let mut times = Vec::with_capacity(PAGES_EACH);
            for _ in 0..PAGES_EACH {
                times.push(connection.get(&path).await?.first_byte);
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let times = collect(running).await?;
    let rate = per_second(times.len(), started.elapsed());
    Ok(Load { times, rate })
}

async fn collect(mut running: JoinSet<Result<Vec<Duration>>>) -> Result<Vec<Duration>> {
    let mut all = Vec::new();
    while let Some(done) = running.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}

fn per_second(count: usize, took: Duration) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    f64::from(count) / took.as_secs_f64()
}

/// `login`, `login_rate`.
pub(crate) async fn login(place: &mut Place, cores: &Cores) -> Result<Vec<Metric>> {
    let customer = place.customer(NEAR).await?;
    let fields = credentials(&customer.email);
    let one = sign_in(Connection::open(place.address).await?, fields.clone(), SIGN_INS).await?;
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..SIGN_IN_CONNECTIONS {
        let connection = Connection::open(place.address).await?;
        running.spawn(sign_in(connection, fields.clone(), SIGN_INS / 2));
    }
    let many = collect(running).await?;
    let rate = per_second(many.len(), started.elapsed());
    let on = cores.words();
    let how = "POST /sign-in with the right password (argon2id 19 MiB, t=2, p=1)";
    let (single, several) = (
        format!("{how}, one at a time, to the whole answer; {on}"),
        format!("{how}, {SIGN_IN_CONNECTIONS} connections, closed loop, one hashing thread; {on}"),
    );
    Ok(vec![
        Metric::of_times("login", &one, single),
        Metric::of_value("login_rate", "per s", rate, many.len(), several),
    ])
}

async fn sign_in(
    mut connection: Connection,
    fields: String,
    count: usize,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        connection.cookie = None;
        let (target, answer) = connection.submit("/sign-in", &fields).await?;
        ensure!(target == "/home", "signing in leads to {target}");
        times.push(answer.whole);
    }
    Ok(times)
}

/// `peer_create` with few and with many devices in the database.
pub(crate) async fn peer_create(place: &mut Place, cores: &Cores) -> Result<Vec<Metric>> {
    const ROUNDS: usize = 40;
    let on = cores.words();
    let how = |existing: &str| {
        format!(
            "POST /call/add_device one at a time, to the whole answer: the device is on disk \
             (synchronous=FULL) and its node, with the fake backend, has said that it has it; \
             {existing}; {on}"
        )
    };
    let mut near = place.customer(NEAR).await?;
    place.fill(10).await?;
    let few = near.measure_adding(ROUNDS).await?;
    place.fill(1000).await?;
    near.connection = near.connection.another().await?;
    let many = near.measure_adding(ROUNDS).await?;
    let mut far = place.customer(FAR).await?;
    let crowded = far.measure_adding(ROUNDS).await?;
    Ok(vec![
        Metric::of_times("peer_create_10", &few, how("10 other devices, on another node")),
        Metric::of_times("peer_create_1000", &many, how("1,000 other devices, on another node")),
        Metric::of_times(
            "peer_create_1000_same_node",
            &crowded,
            how("1,000 other devices, in 200 pods of the same node"),
        ),
    ])
}

/// `transfer_…`: what a first visit loads.
pub(crate) async fn transfer(place: &mut Place) -> Result<Vec<Metric>> {
    let customer = place.customer(NEAR).await?;
    let visitor = Connection::open(place.address).await?;
    let add_device = format!("/pods/{}/devices/new", customer.pod);
    let mut metrics = Vec::new();
    let pages = [
        ("transfer_front", "transfer_front_wasm", "/", &visitor),
        ("transfer_sign_in", "transfer_sign_in_wasm", "/sign-in", &visitor),
        ("transfer_add_device", "transfer_add_device_wasm", &*add_device, &customer.connection),
    ];
    for (name, wasm_name, path, connection) in pages {
        let Visit { html, files, wasm } = first_visit(connection, path).await?;
        let setup = format!(
            "body bytes of a first visit to {}: {html} of HTML as it is sent, and the files it \
             names with brotli: {}",
            if path == add_device { "the page that adds a device" } else { path },
            files.join(", ")
        );
        let total = html + files_total(&files);
        metrics.push(Metric::of_value(name, "bytes", float(total), 1, setup));
        let setup = "of these, WebAssembly".to_owned();
        metrics.push(Metric::of_value(wasm_name, "bytes", float(wasm), 1, setup));
    }
    Ok(metrics)
}

struct Visit {
    html: usize,
    /// Each `name bytes`.
    files: Vec<String>,
    wasm: usize,
}

fn files_total(files: &[String]) -> usize {
    files.iter().filter_map(|it| it.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

async fn first_visit(connection: &Connection, path: &str) -> Result<Visit> {
    let mut connection = connection.another().await?;
    let page = connection.get(path).await?;
    let text = page.text();
    let named = text.split('"').filter(|it| it.starts_with("/assets/"));
    let named: std::collections::BTreeSet<&str> = named.collect();
    let mut visit = Visit { html: page.body.len(), files: Vec::new(), wasm: 0 };
    for file in named {
        let answer = connection.get(file).await?;
        let name = file.trim_start_matches("/assets/");
        ensure!(answer.header("content-encoding") == Some("br"), "{name} is not compressed");
        if name.ends_with(".wasm") {
            visit.wasm += answer.body.len();
        }
        visit.files.push(format!("{} {}", plain_name(name), answer.body.len()));
    }
    ensure!(!visit.files.is_empty(), "{path} names no files");
    // What the build says has to be what was sent.
    let manifest = std::fs::read(programs().join("site/manifest.json"));
    let manifest: Value = serde_json::from_slice(&manifest.context("the site's manifest")?)?;
    for file in &visit.files {
        let (name, bytes) = file.split_once(' ').context("a name and a number")?;
        let built = &manifest[name]["brotli_bytes"];
        ensure!(built.to_string() == bytes, "{name}: {bytes} were sent, {built} were built");
    }
    Ok(visit)
}

/// `app.0123abcd.css` is `app.css`.
fn plain_name(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        [stem, _hash, ending] => format!("{stem}.{ending}"),
        _ => name.to_owned(),
    }
}
