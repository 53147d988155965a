//! Calls of plugins: how long one takes, how many there are in a second, and the floor under both.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use myrelay_plugin_host::{Call, PluginHost};

use crate::{
    measure::{Effort, Metric},
    plugin_raw,
    plugins::{CALLERS, Caller, Guest, deed, in_process, process},
};

const RUST: usize = 20_000;
const JAVASCRIPT: usize = 2_000;
const PYTHON: usize = 500;

/// A plugin in a language, and what it is asked.
struct Subject {
    id: &'static str,
    guest: Guest,
    call: Call,
    /// What the call does.
    does: &'static str,
    times: usize,
}

/// The names of what is measured with a subject.
struct Names {
    call: &'static str,
    rate: &'static str,
    describe: Option<&'static str>,
}

fn subjects(effort: Effort) -> Result<[Subject; 3]> {
    let read =
        "`health` of the sample, which reads an entry of its memory; the SDK's wall is in it";
    Ok([
        Subject {
            id: "rust",
            guest: Guest::hostile()?,
            call: deed("usual"),
            does: "`handle` of an event (sample `hostile`, Rust): reads its settings, writes a line \
                   of its log, reads an entry of its memory",
            times: effort.times(RUST),
        },
        Subject {
            id: "js",
            guest: Guest::sample("chat-js")?,
            call: Call::Health,
            does: read,
            times: effort.times(JAVASCRIPT),
        },
        Subject {
            id: "python",
            guest: Guest::sample("chat-python")?,
            call: Call::Health,
            does: read,
            times: effort.times(PYTHON),
        },
    ])
}

const HERE: [Names; 3] = [
    Names { call: "plugin_call", rate: "plugin_call_rate", describe: Some("plugin_call_describe") },
    Names {
        call: "plugin_call_js",
        rate: "plugin_call_js_rate",
        describe: Some("plugin_call_js_describe"),
    },
    Names {
        call: "plugin_call_python",
        rate: "plugin_call_python_rate",
        describe: Some("plugin_call_python_describe"),
    },
];

const THERE: [Names; 3] = [
    Names { call: "plugin_call_process", rate: "plugin_call_process_rate", describe: None },
    Names { call: "plugin_process_js", rate: "plugin_process_js_rate", describe: None },
    Names { call: "plugin_process_python", rate: "plugin_process_python_rate", describe: None },
];

/// `plugin_call…` in the host inside this process, and `plugin_call_raw`.
pub(crate) async fn plugin_call(effort: Effort) -> Result<Vec<Metric>> {
    let times = effort.times(RUST);
    let raw = plugin_raw::describe(&Guest::hostile()?.wasm, times)?;
    let setup = "wasmtime alone, on the thread that calls: the same component and the host's public \
                 settings (pool, no concurrency support, epochs that nobody counts), every import \
                 a trap; new store, instantiate, typed call of `describe`, drop; no limiter, no \
                 fibre, no other thread";
    let mut metrics = vec![of_micros("plugin_call_raw", &raw, setup.to_owned())];
    let host: Arc<dyn PluginHost> = Arc::new(in_process()?);
    let place = "host inside the process that calls, caller and host's two threads on one core";
    metrics.extend(measure(&host, &HERE, place, effort).await?);
    Ok(metrics)
}

/// `plugin_call_process`, and the same in the other languages.
pub(crate) async fn plugin_call_process(effort: Effort) -> Result<Vec<Metric>> {
    let host: Arc<dyn PluginHost> = Arc::new(process()?);
    let place = "`myrelay-plugin-host` as a process of its own, caller and host on one core";
    measure(&host, &THERE, place, effort).await
}

async fn measure(
    host: &Arc<dyn PluginHost>,
    names: &[Names],
    place: &str,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let mut metrics = Vec::new();
    for (subject, names) in subjects(effort)?.into_iter().zip(names) {
        let Subject { id, guest, call, does, times } = subject;
        let caller = Caller::install(host.clone(), id, &guest).await?;
        let how = |what: &str, load: &str| {
            format!("{what}; fresh instance for each call, {load}; {place}; store in memory")
        };
        let single = "one call at a time, from request to outcome";
        caller.call_times(&call, times.div_ceil(20)).await?;
        let took = caller.call_times(&call, times).await?;
        metrics.push(of_micros(names.call, &took, how(does, single)));
        let rate = caller.rate(&call, times).await?;
        let load = format!("{CALLERS} callers, closed loop");
        metrics.push(Metric::of_value(names.rate, "calls/s", rate, times, how(does, &load)));
        if let Some(name) = names.describe {
            let took = caller.call_times(&Call::Describe, times).await?;
            metrics.push(of_micros(name, &took, how("`describe` of the same sample", single)));
        }
    }
    Ok(metrics)
}

fn of_micros(name: &'static str, times: &[Duration], setup: String) -> Metric {
    let samples = times.iter().map(|it| it.as_secs_f64() * 1e6).collect();
    Metric::of_samples(name, "us", samples, setup)
}
