//! Pages and sign-ins: how long people wait, and how many the portal serves.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::{
    cores::Cores,
    http::Connection,
    measure::{Effort, Metric},
    place::{Customer, DEVICES, NEAR, Place, credentials},
};

pub(crate) const CONNECTIONS: usize = 25;
pub(crate) const PAGES_EACH: usize = 120;
const SIGN_INS: usize = 30;
const SIGN_IN_CONNECTIONS: usize = 4;

/// `page_ttfb`, `page_ttfb_home`, `page_rate`.
pub(crate) async fn page_ttfb(
    place: &mut Place,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let each = effort.times(PAGES_EACH);
    let customer = full_pod(place).await?;
    let pod = load(&customer, &format!("/pods/{}", customer.pod), each).await?;
    let home = load(&customer, "/home", each).await?;
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

/// A new customer whose pod has as many devices as the plan allows.
pub(crate) async fn full_pod(place: &mut Place) -> Result<Customer> {
    let mut customer = place.customer(NEAR).await?;
    for _ in 0..DEVICES {
        customer.add_device().await?;
    }
    Ok(customer)
}

/// What asking for a page again and again came to.
pub(crate) struct Load {
    pub(crate) times: Vec<Duration>,
    /// Answers in a second.
    rate: f64,
}

/// Asks for a page so often on each of [`CONNECTIONS`] connections at a time.
pub(crate) async fn load(customer: &Customer, path: &str, each: usize) -> Result<Load> {
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
            let mut times = Vec::with_capacity(each);
            for _ in 0..each {
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
pub(crate) async fn login(place: &mut Place, cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let count = effort.times(SIGN_INS);
    let customer = place.customer(NEAR).await?;
    let fields = credentials(&customer.email);
    let one = sign_in(Connection::open(place.address).await?, fields.clone(), count).await?;
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..SIGN_IN_CONNECTIONS {
        let connection = Connection::open(place.address).await?;
        running.spawn(sign_in(connection, fields.clone(), count.div_ceil(2)));
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
