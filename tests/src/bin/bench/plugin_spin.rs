//! What people wait for while plugins do nothing but use CPU.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail, ensure};
use myrelay_plugin_host::Failure;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    cores::Cores,
    measure::{Effort, Metric},
    pages::{CONNECTIONS, PAGES_EACH, full_pod, load},
    place::Place,
    plugins::{Caller, Guest, deed, process},
};

/// As many calls of one installation as run at a time.
const SPINNING: usize = 8;
/// How long they spin before anybody asks for a page.
const BEFORE: Duration = Duration::from_millis(500);

/// `plugin_spin_alone`, `plugin_spin`.
pub(crate) async fn plugin_spin(
    place: &mut Place,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let each = effort.times(PAGES_EACH);
    let customer = full_pod(place).await?;
    let path = format!("/pods/{}", customer.pod);
    let alone = load(&customer, &path, each).await?.times;
    let guest = Guest::hostile()?;
    let start = async || Caller::install(Arc::new(process()?), "spin", &guest).await;
    let caller = cores.on_all(start).await?;
    let mut spinning = JoinSet::new();
    for _ in 0..SPINNING {
        spinning.spawn(spin(caller.clone()));
    }
    sleep(BEFORE).await;
    let beside = load(&customer, &path, each).await?.times;
    if let Some(ended) = spinning.try_join_next() {
        ended??;
    }
    ensure!(spinning.len() == SPINNING, "a call stopped spinning");
    drop(spinning);
    let how = |beside: &str| {
        format!(
            "p99 of the first byte of a pod page, signed in, {CONNECTIONS} kept-alive connections \
             one after the other (closed loop), {beside}; {}",
            cores.words()
        )
    };
    let beside_setup = how(
        "while a process `myrelay-plugin-host` beside the portal, on all cores, runs 8 endless \
         loops (sample `hostile`) on its two threads, each begun again when its CPU time is used \
         up; no plugin in the portal itself",
    );
    Ok(vec![
        of_p99("plugin_spin_alone", &alone, how("nothing else")),
        of_p99("plugin_spin", &beside, beside_setup),
    ])
}

/// Spins until it is dropped, or ends in another way than by a limit.
async fn spin(caller: Caller) -> Result<()> {
    loop {
        let (outcome, _took) = caller.call(deed("spin")).await?;
        match outcome.result {
            Err(Failure::Limit { .. }) => {}
            other => bail!("an endless loop ended as {other:?}"),
        }
    }
}

fn of_p99(name: &'static str, times: &[Duration], setup: String) -> Metric {
    let metric = Metric::of_times(name, times, setup);
    Metric { value: metric.p99.unwrap_or(f64::NAN), ..metric }
}
