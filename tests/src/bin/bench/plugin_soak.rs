//! A million calls: what stays in memory.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::{
    measure::{Effort, Metric},
    plugins::{CALLERS, Caller, Guest, Memory, deed, in_process},
};

const CALLS: usize = 1_000_000;
const PARTS: usize = 10;

/// `plugin_soak`.
pub(crate) async fn plugin_soak(effort: Effort) -> Result<Vec<Metric>> {
    let caller = Caller::install(Arc::new(in_process()?), "soak", &Guest::hostile()?).await?;
    let calls = effort.times(CALLS);
    let mut resident = Vec::new();
    for _ in 0..PARTS {
        caller.rate(&deed("usual"), calls / PARTS).await?;
        resident.push(Memory::of("self")?.resident);
    }
    let first = resident.first().context("nothing was measured")?;
    let last = resident.last().context("nothing was measured")?;
    let all: Vec<String> = resident.iter().map(|it| format!("{it:.1}")).collect();
    let setup = format!(
        "Rss of the bench with a host in it after the last tenth of {calls} calls less the same \
         after the first ({} MiB, tenth by tenth); `handle` of an event (sample `hostile`, Rust) \
         that reads settings and memory and writes a line of its log, {CALLERS} callers, closed \
         loop",
        all.join(", ")
    );
    Ok(vec![Metric::of_value("plugin_soak", "MiB", last - first, calls, setup)])
}
