//! Signed webhooks of a payment provider: how long it takes until a payment is in the books.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use myrelay_fake_providers::{Event, Fake as _, Flaw, Stripe, StripeOptions};
use myrelay_tests::{program::run, root};
use serde_json::json;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{sleep_until, timeout},
};

use crate::{
    cores::Cores,
    http::Connection,
    measure::{Effort, Metric},
    place::{Customer, NEAR, Place, credentials},
    plugins::Guest,
};

/// Webhooks in all, and how many are begun in a second.
const WEBHOOKS: usize = 5_000;
const RATE: u32 = 500;
/// The same where none has to wait for another.
const QUIET_WEBHOOKS: usize = 300;
const QUIET_RATE: u32 = 25;
/// The same plugin so often, each under a name of its own: of one, the portal takes 50 calls a
/// second that strangers cause.
const SHOPS: usize = 12;
/// Kept-alive connections, as a provider has them.
const CONNECTIONS: usize = 64;
/// Of each shop, before anything counts.
const WARM_UPS: usize = 5;
/// How long all of it may take. What is not there by then has failed.
const PATIENCE: Duration = Duration::from_secs(180);

const KEY: &str = "rk_test_0123456789abcdef";
const SIGNING: &str = "whsec_0123456789abcdef";
/// What the plan costs, and what every payment is, in cents.
const PRICE: (&str, usize) = ("9.99", 999);

/// `webhook`, `webhook_quiet`, `webhook_rate`.
pub(crate) async fn webhook(cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let options = StripeOptions {
        api_key: KEY.to_owned(),
        webhook_secret: SIGNING.to_owned(),
        webhook_url: None,
        port: 0,
        now: || SystemTime::UNIX_EPOCH.elapsed().map_or(0, |it| it.as_secs()),
    };
    let stripe = Stripe::start(options).await?;
    let mut place = Place::start_with(cores, &["--unsigned-plugins"]).await?;
    let mut shops = open(&mut place, &stripe).await?;
    let quiet = WARM_UPS + effort.times(QUIET_WEBHOOKS).div_ceil(SHOPS);
    let all = quiet + effort.times(WEBHOOKS).div_ceil(SHOPS);
    let warm_up = requests(&place, &stripe, &shops, 0..WARM_UPS)?;
    let alone = requests(&place, &stripe, &shops, WARM_UPS..quiet)?;
    let counted = requests(&place, &stripe, &shops, quiet..all)?;
    let count = counted.len();
    let sent = async {
        send(&place, warm_up, QUIET_RATE).await?;
        let alone = send(&place, alone, QUIET_RATE).await?;
        Ok::<_, anyhow::Error>((alone, send(&place, counted, RATE).await?))
    };
    let sent = timeout(PATIENCE, sent).await.context("the portal did not keep up")?;
    let (Sent { times: alone, .. }, Sent { times, took }) = sent?;
    for shop in &mut shops {
        shop.ensure_has(all).await?;
    }
    let how = setup(count, RATE, cores);
    let rate = f64::from(u32::try_from(count)?) / took.as_secs_f64();
    let reached = format!("{how}; this is how many were answered in a second");
    Ok(vec![
        Metric::of_times("webhook", &times, how),
        Metric::of_times("webhook_quiet", &alone, setup(alone.len(), QUIET_RATE, cores)),
        Metric::of_value("webhook_rate", "per s", rate, count, reached),
    ])
}

fn setup(count: usize, rate: u32, cores: &Cores) -> String {
    format!(
        "POST /hooks/… of a checkout that was paid, with a valid signature: from when it is due \
         until the whole answer, which is sent when the payment, the books and the event of it are \
         on disk (synchronous=FULL); each a payment of its own; {count} of them at {rate}/s \
         whatever becomes of those before (open loop), over {CONNECTIONS} kept-alive connections, \
         to {SHOPS} installations of the Stripe plugin, since one is called 50 times a second at \
         most; the portal's plugins in a process of their own on the portal's core; {}",
        cores.words()
    )
}

/// An installation of the plugin, and a customer who pays with it.
struct Shop {
    customer: Customer,
    /// Where its provider reports.
    path: String,
    /// The checkout that the customer began, at the provider.
    session: String,
}

/// Installs the plugins, sells a plan, and has a customer of each begin to pay.
async fn open(place: &mut Place, stripe: &Stripe) -> Result<Vec<Shop>> {
    let mut customers = Vec::new();
    for _ in 0..SHOPS {
        customers.push(place.customer(NEAR).await?);
    }
    let desk = crate::place::folder()?;
    for number in 0..SHOPS {
        install(place, stripe, (desk.path(), number)).await?;
    }
    let list = place.portal.ask(&["plugin", "list"]).await?;
    let mut owner = Connection::open(place.address).await?;
    let invite = place.portal.invite()?;
    let (_, invite) = invite.split_once("/operator/").context("no link of an operator's")?;
    let fields = credentials("owner@example.org");
    owner.submit(&format!("/operator/{invite}"), &fields).await?;
    let plan = format!(
        "name=Large&pods=2&devices_per_pod=5&price={}&currency=EUR&interval=month",
        PRICE.0
    );
    owner.submit("/operator/plans/new", &plan).await?;
    let mut shops = Vec::new();
    for (number, mut customer) in customers.into_iter().enumerate() {
        let name = id(number);
        let line = list.lines().find(|it| it.split_whitespace().any(|word| word == name));
        let line = line.with_context(|| format!("no {name} in: {list}"))?;
        let plugin = line.split_whitespace().next().context("no installation")?;
        owner = owner.another().await?;
        let page = owner.get(&format!("/operator/plugins/{plugin}")).await?.text();
        let path = between(&page, &place.options.public_url, "<")?.to_owned();
        ensure!(path.starts_with("/hooks/"), "{name} is told at {path}");
        customer.connection = customer.connection.another().await?;
        let session = begin(&mut customer.connection, plugin).await?;
        shops.push(Shop { customer, path, session });
    }
    Ok(shops)
}

/// What the plugin is called, in its manifest and in its code.
const ID: &str = "dev.myrelay.stripe";

/// What this one is called: as long as [`ID`], so that it can stand in its place in the code.
fn id(number: usize) -> String {
    let letter = (b'a'..=b'z').nth(number).map_or('?', char::from);
    format!("{}{letter}", &ID[..ID.len() - 1])
}

/// The code of the plugin with another name.
fn renamed(wasm: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut wasm = wasm.to_vec();
    let found = (0..wasm.len()).filter(|at| wasm[*at..].starts_with(ID.as_bytes()));
    let found: Vec<usize> = found.collect();
    ensure!(!found.is_empty(), "the plugin does not say what it is called");
    for at in found {
        wasm[at..at + ID.len()].copy_from_slice(name.as_bytes());
    }
    Ok(wasm)
}

/// Installs one, as an operator does it.
async fn install(place: &Place, stripe: &Stripe, (desk, number): (&Path, usize)) -> Result<()> {
    let Guest { wasm, manifest } = Guest::own("stripe")?;
    let port = stripe.port();
    let manifest = manifest
        .replace(
            "\nhost = \"api.stripe.com\"\n",
            &format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n"),
        )
        .replace("\"api.stripe.com\"", "\"127.0.0.1\"")
        .replace("\"checkout.stripe.com\", \"billing.stripe.com\"", "\"127.0.0.1\"")
        .replace(ID, &id(number));
    let folder = desk.join(format!("shop-{number}"));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("plugin.toml"), manifest)?;
    fs::write(folder.join("plugin.wasm"), renamed(&wasm, &id(number))?)?;
    let schema = "config.schema.json";
    fs::copy(root().join("plugins/stripe").join(schema), folder.join(schema))?;
    let file = |name: &str, text: &str| {
        let file = folder.with_extension(name);
        fs::write(&file, text)?;
        Ok::<_, anyhow::Error>(file.display().to_string())
    };
    let settings = file("settings", &json!({ "api_url": stripe.url() }).to_string())?;
    let mut command = place.options.command(&["plugin", "install", "--grant", "--test-mode"]);
    command.args(["--settings", &settings]);
    command.args(["--secret", &format!("api_key={}", file("key", KEY)?)]);
    command.args(["--secret", &format!("webhook_secret={}", file("signing", SIGNING)?)]);
    command.args(["--private", &format!("127.0.0.1/32:{port}")]);
    command.arg(folder);
    run(command).await.map(drop)
}

/// A customer chooses the plan and begins to pay; answers the checkout's id at the provider.
async fn begin(customer: &mut Connection, plugin: &str) -> Result<String> {
    let offers = customer.get("/plan").await?.text();
    let plan = hidden(&offers, "plan")?.to_owned();
    let (invoice, _) = customer.submit("/plan/choose", &format!("plan={plan}")).await?;
    customer.submit(&format!("{invoice}/pay"), &format!("method={plugin}")).await?;
    let page = customer.get(&invoice).await?.text();
    Ok(between(&page, "/c/pay/", "#")?.to_owned())
}

/// The value of a page's hidden field.
fn hidden<'p>(page: &'p str, name: &str) -> Result<&'p str> {
    between(page, &format!("type=\"hidden\" name=\"{name}\" value=\""), "\"")
}

fn between<'p>(text: &'p str, before: &str, after: &str) -> Result<&'p str> {
    let missing = || format!("nothing after {before:?} in: {text}");
    let (_, rest) = text.split_once(before).with_context(missing)?;
    let (found, _) = rest.split_once(after).with_context(missing)?;
    Ok(found)
}

impl Shop {
    /// That so many payments were made: nothing was paid with them, and all of it is credit.
    async fn ensure_has(&mut self, payments: usize) -> Result<()> {
        let cents = payments * PRICE.1;
        let credit = format!("{}.{:02} EUR", cents / 100, cents % 100);
        let mut customer = self.customer.connection.another().await?;
        let page = customer.get("/plan").await?.text();
        ensure!(page.contains(&credit), "{} does not have {credit}: {page}", self.customer.email);
        Ok(())
    }
}

/// One webhook after the other, of every shop in turn: each tells of a payment of its own.
fn requests(
    place: &Place,
    stripe: &Stripe,
    shops: &[Shop],
    numbers: std::ops::Range<usize>,
) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::with_capacity(numbers.len() * shops.len());
    for number in numbers {
        for (shop, Shop { path, session, .. }) in shops.iter().enumerate() {
            let mut object = stripe.object(session);
            ensure!(object["metadata"]["account"].is_string(), "a checkout of nobody: {object}");
            // A plan is paid once: this is what else the customer pays.
            object["metadata"]["invoice"].take();
            object["mode"] = json!("payment");
            object["status"] = json!("complete");
            object["payment_status"] = json!("paid");
            object["payment_intent"] = json!(format!("pi_{shop}_{number}"));
            let event = Event(json!({
                "id": format!("evt_{shop}_{number}"), "object": "event", "livemode": false,
                "type": "checkout.session.completed", "created": object["created"],
                "data": { "object": object },
            }));
            let (headers, body) = stripe.sign(&event, Flaw::None);
            let mut request = format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n",
                place.address,
                body.len()
            );
            for (name, value) in headers {
                request += &format!("{name}: {value}\r\n");
            }
            all.push([request.as_bytes(), b"\r\n", &body].concat());
        }
    }
    Ok(all)
}

/// What sending came to.
struct Sent {
    times: Vec<Duration>,
    /// From the first that was due to the last answer.
    took: Duration,
}

/// Sends so many requests in a second, each on the first connection that is free.
async fn send(place: &Place, requests: Vec<Vec<u8>>, rate: u32) -> Result<Sent> {
    let count = requests.len();
    let (due, waiting) = mpsc::unbounded_channel();
    let waiting = Arc::new(Mutex::new(waiting));
    let mut running = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let waiting = waiting.clone();
        let mut connection = Connection::open(place.address).await?;
        running.spawn(async move {
            let mut times = Vec::new();
            loop {
                let next = waiting.lock().await.recv().await;
                let Some((began, request)): Option<(Instant, Vec<u8>)> = next else { break };
                let answer = connection.raw(&request).await?;
                let took = began.elapsed();
                ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
                times.push(took);
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let started = Instant::now();
    for (number, request) in (0_u32..).zip(requests) {
        // The clock of the load ticks in milliseconds, which are not the portal's: what is late
        // by that is counted from when it is sent. The portal cannot keep this loop waiting.
        sleep_until((started + Duration::from_secs(1) * number / rate).into()).await;
        due.send((Instant::now(), request)).ok().context("every connection failed")?;
    }
    drop(due);
    let mut times = Vec::with_capacity(count);
    while let Some(done) = running.join_next().await {
        times.extend(done??);
    }
    ensure!(times.len() == count, "{} of {count} were answered", times.len());
    Ok(Sent { times, took: started.elapsed() })
}
