//! What plugins that are installed and idle take in memory.

use std::time::Duration;

use anyhow::{Context as _, Result};
use myrelay_plugin_host::PluginHost;
use tokio::time::sleep;

use crate::{
    measure::Metric,
    plugins::{Guest, MANY, Memory, in_process, many, process},
};

/// How long a host that was just busy has to become idle.
const IDLE: Duration = Duration::from_secs(2);

/// `rss_plugin_host`, `rss_plugins`, `rss_plugins_dirty`, `rss_plugin_js`, `rss_plugin_python`.
pub(crate) async fn rss_plugins() -> Result<Vec<Metric>> {
    let host = process()?;
    begin(&host).await?;
    let id = host.process_id().await.context("the process of plugins has ended")?.to_string();
    if Memory::of(&id).is_ok() {
        return fill(&host, &id, "`myrelay-plugin-host`, a process of its own").await;
    }
    // It lets nobody but root look at it.
    let host = in_process()?;
    begin(&host).await?;
    fill(&host, "self", "the bench itself with a host in it, as only root can see the other").await
}

/// Lets a host have had a plugin: its process runs, and what it makes once is made.
async fn begin(host: &dyn PluginHost) -> Result<()> {
    host.install(Guest::hostile()?.installation("first")?).await?;
    host.remove("first").await;
    Ok(())
}

async fn fill(host: &dyn PluginHost, process: &str, which: &str) -> Result<Vec<Metric>> {
    let none = settled(process).await?;
    for installation in many()? {
        host.install(installation).await?;
    }
    let twenty = settled(process).await?;
    host.install(Guest::sample("chat-js")?.installation("js")?).await?;
    let javascript = settled(process).await?;
    host.install(Guest::sample("chat-python")?.installation("python")?).await?;
    let python = settled(process).await?;
    let how = |what: &str| {
        let after = IDLE.as_secs();
        format!("{what}; smaps_rollup of {which}, {after} s after the last installation, idle")
    };
    let over = format!(
        "{MANY} plugins installed (ours and the samples in Rust, in turn) over the same host after \
         one was installed and removed"
    );
    let value = |name, value, what: &str| Metric::of_value(name, "MiB", value, 1, how(what));
    let [rss, dirty] = [
        (twenty.resident - none.resident, "Rss: "),
        (twenty.dirty - none.dirty, "Private_Dirty: "),
    ]
    .map(|(grown, kind)| (grown, format!("{kind}{over}")));
    let more = |language: &str| format!("Rss: one more plugin, the sample in {language}");
    Ok(vec![
        value("rss_plugin_host", none.resident, "Rss: one plugin was installed and removed"),
        value("rss_plugins", rss.0, &rss.1),
        value("rss_plugins_dirty", dirty.0, &dirty.1),
        value("rss_plugin_js", javascript.resident - twenty.resident, &more("JavaScript")),
        value("rss_plugin_python", python.resident - javascript.resident, &more("Python")),
    ])
}

async fn settled(process: &str) -> Result<Memory> {
    sleep(IDLE).await;
    Memory::of(process)
}
