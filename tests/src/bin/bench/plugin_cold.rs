//! How long a host takes until many plugins are ready.

use std::time::{Duration, Instant};

use anyhow::Result;
use myrelay_plugin_host::PluginHost;

use crate::{
    measure::{Effort, Metric},
    plugins::{MANY, in_process, many, process},
};

const ROUNDS: usize = 10;

/// `plugin_cold`, `plugin_cold_process`.
pub(crate) async fn plugin_cold(effort: Effort) -> Result<Vec<Metric>> {
    // What is compiled now is there from then on.
    install(&in_process()?).await?;
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..effort.times(ROUNDS) {
        let started = Instant::now();
        let host = in_process()?;
        here.push(started.elapsed() + install(&host).await?);
        let started = Instant::now();
        let host = process()?;
        there.push(started.elapsed() + install(&host).await?);
    }
    let how = |host: &str| {
        format!(
            "from making {host} until {MANY} plugins (ours and the samples in Rust, in turn) are \
             installed one after the other and each has said who it is; compiled code from the \
             cache; caller and host on one core"
        )
    };
    let process = "a host and starting its process `myrelay-plugin-host`";
    Ok(vec![
        Metric::of_times("plugin_cold", &here, how("a host inside the process that calls")),
        Metric::of_times("plugin_cold_process", &there, how(process)),
    ])
}

/// Installs twenty plugins; what is read from files is there before the clock runs.
async fn install(host: &dyn PluginHost) -> Result<Duration> {
    let installations = many()?;
    let started = Instant::now();
    for installation in installations {
        host.install(installation).await?;
    }
    Ok(started.elapsed())
}
