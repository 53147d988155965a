//! What people wait for while the portal's plugins do nothing but use CPU.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::{portal::free_port, program::until};

use crate::{
    cores::Cores,
    http::Connection,
    measure::{Effort, Metric},
    pages::{CONNECTIONS, PAGES_EACH, full_pod, load},
    place::{Customer, NEAR, Place, folder},
    plugins::{Guest, install_one, written},
};

/// How many plugins spin.
const SPINNING: usize = 8;
/// How many customers each of them is told of at a time: a call spins until it has used up its CPU
/// time, or ten seconds are over.
const TOLD_OF: usize = 8;
/// How long all of them may take to be loaded and called.
const PATIENCE: Duration = Duration::from_secs(60);
const HOSTILE: &str = "dev.myrelay.sample-hostile";
/// They are told of what does not happen while pages are asked for.
const LISTENS: &str = "[capabilities]\nevents = [\"peer.added.v1\"]";
const SETTINGS: &str = "\n[config]\nschema = \"config.schema.json\"\n";
const SCHEMA: &str = r#"{"type":"object","properties":{"deed":{"type":"string"}}}"#;

/// `plugin_spin_alone`, `plugin_spin`.
pub(crate) async fn plugin_spin(cores: &Cores, effort: Effort) -> Result<Vec<Metric>> {
    let cores = cores.undivided();
    let metrics = format!("127.0.0.1:{}", free_port()?);
    let flags = ["--unsigned-plugins", "--metrics-listen", &metrics];
    let mut place = Place::start_with(&cores, &flags).await?;
    let customer = full_pod(&mut place).await?;
    let mut told_of = Vec::new();
    for _ in 0..TOLD_OF {
        told_of.push(place.customer(NEAR).await?);
    }
    let desk = folder()?;
    for number in 0..SPINNING {
        let guest = spinning(number)?;
        let name = format!("spinning-{number}");
        let folder = written(desk.path(), &name, &guest, SCHEMA, r#"{"deed":"spin"}"#)?;
        install_one(&place, &folder, ("key", "key-0123456789"), None).await?;
    }
    let path = format!("/pods/{}", customer.pod);
    let each = effort.times(PAGES_EACH) / 2;
    let alone = load(&customer, &path, each).await?.times;
    tell(told_of).await?;
    let mut metrics = Connection::open(metrics.parse()?).await?;
    let all = async || Ok((SPINNING <= calling(&mut metrics).await?).then_some(()));
    until("all plugins to spin", PATIENCE, all).await?;
    let beside = load(&customer, &path, each).await?.times;
    let still = calling(&mut metrics).await?;
    ensure!(still == SPINNING, "only {still} of the plugins were still called at the end");
    let how = |beside: &str| {
        format!(
            "p99 of the first byte of a pod page, signed in, {CONNECTIONS} kept-alive connections \
             one after the other (closed loop), {beside}; {}",
            cores.words()
        )
    };
    let spinning = format!(
        "while {SPINNING} plugins of the portal (sample `hostile`) spin endlessly, each in \
         {TOLD_OF} calls of which it is told of an event"
    );
    let alone_how = how("with these plugins installed and nothing to be told");
    Ok(vec![
        of_p99("plugin_spin_alone", &alone, alone_how),
        of_p99("plugin_spin", &beside, how(&spinning)),
    ])
}

/// The hostile sample under another name, and told of devices.
fn spinning(number: usize) -> Result<Guest> {
    let guest = Guest::hostile()?;
    let manifest = guest.manifest.replace("[capabilities]", LISTENS);
    let manifest = manifest.replace("host = \"*\"", "host = \"example.org\"") + SETTINGS;
    Guest { manifest, ..guest }.renamed(HOSTILE, &format!("dev.example.spinning-one-{number}"))
}

/// Something happens with each of these customers.
async fn tell(customers: Vec<Customer>) -> Result<()> {
    for mut customer in customers {
        // The portal has hung up meanwhile.
        customer.connection = customer.connection.another().await?;
        customer.add_and_remove().await?;
    }
    Ok(())
}

/// How many plugins have calls that run.
async fn calling(metrics: &mut Connection) -> Result<usize> {
    let text = metrics.get("/metrics").await?.text();
    let lines = text.lines().filter(|it| it.starts_with("myrelay_plugin_calls_in_flight{"));
    let counts = lines.map(|it| it.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok()));
    let counts: Option<Vec<_>> = counts.collect();
    Ok(counts.context("a count of calls")?.into_iter().filter(|it| 0.0 < *it).count())
}

fn of_p99(name: &'static str, times: &[Duration], setup: String) -> Metric {
    let metric = Metric::of_times(name, times, setup);
    Metric { value: metric.p99.unwrap_or(f64::NAN), ..metric }
}
