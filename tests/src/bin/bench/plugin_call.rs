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

fn rust(effort: Effort) -> Result<Subject> {
    Ok(Subject {
        id: "rust",
        guest: Guest::hostile()?,
        call: deed("usual"),
        does: "`handle` of an event (sample `hostile`, Rust): reads its settings, writes a line of \
               its log, reads an entry of its memory",
        times: effort.times(RUST),
    })
}

/// A sample in another language; of its calls without a request, this one does the most.
fn sample(id: &'static str, name: &str, times: usize) -> Result<Subject> {
    Ok(Subject {
        id,
        guest: Guest::sample(name)?,
        call: Call::Health,
        does: "`health` of the sample, which reads an entry of its memory",
        times,
    })
}

/// `plugin_call`, its rate, `plugin_call_describe`, and `plugin_call_raw`.
pub(crate) async fn plugin_call(effort: Effort) -> Result<Vec<Metric>> {
    let subject = rust(effort)?;
    let names = Names {
        call: "plugin_call",
        rate: "plugin_call_rate",
        describe: Some("plugin_call_describe"),
    };
    let mut metrics = vec![raw("plugin_call_raw", &subject)?];
    metrics.extend(here(subject, names).await?);
    Ok(metrics)
}

/// The floor under the calls of a subject.
fn raw(name: &'static str, subject: &Subject) -> Result<Metric> {
    let took = plugin_raw::describe(&subject.guest.wasm, subject.times)?;
    let setup = "wasmtime alone, on the thread that calls: the same component and the host's public \
                 settings (pool, no concurrency support, epochs that nobody counts), every import \
                 a trap; new store, instantiate, typed call of `describe`, drop; no limiter, no \
                 fibre, no other thread";
    Ok(of_micros(name, &took, setup.to_owned()))
}

/// `plugin_call_process` and its rate.
pub(crate) async fn plugin_call_process(effort: Effort) -> Result<Vec<Metric>> {
    let names = Names {
        call: "plugin_call_process",
        rate: "plugin_call_process_rate",
        describe: Some("plugin_process_describe"),
    };
    there(rust(effort)?, names).await
}

/// `plugin_call_js`, its rate, its `describe` and the floor under that, and the first two in the
/// process of plugins.
pub(crate) async fn plugin_call_js(effort: Effort) -> Result<Vec<Metric>> {
    let names = Names {
        call: "plugin_call_js",
        rate: "plugin_call_js_rate",
        describe: Some("plugin_call_js_describe"),
    };
    let process =
        Names { call: "plugin_process_js", rate: "plugin_process_js_rate", describe: None };
    let subject = || sample("js", "chat-js", effort.times(JAVASCRIPT));
    let mut metrics = vec![raw("plugin_call_js_raw", &subject()?)?];
    metrics.extend(here(subject()?, names).await?);
    metrics.extend(there(subject()?, process).await?);
    Ok(metrics)
}

/// The same in Python.
pub(crate) async fn plugin_call_python(effort: Effort) -> Result<Vec<Metric>> {
    let names = Names {
        call: "plugin_call_python",
        rate: "plugin_call_python_rate",
        describe: Some("plugin_call_python_describe"),
    };
    let process =
        Names { call: "plugin_process_python", rate: "plugin_process_python_rate", describe: None };
    let subject = || sample("python", "chat-python", effort.times(PYTHON));
    let mut metrics = vec![raw("plugin_call_python_raw", &subject()?)?];
    metrics.extend(here(subject()?, names).await?);
    metrics.extend(there(subject()?, process).await?);
    Ok(metrics)
}

async fn here(subject: Subject, names: Names) -> Result<Vec<Metric>> {
    let place = "host inside the process that calls, caller and host's two threads on one core";
    measure(Arc::new(in_process()?), subject, names, place).await
}

async fn there(subject: Subject, names: Names) -> Result<Vec<Metric>> {
    let place = "`myrelay-plugin-host` as a process of its own, caller and host on one core";
    measure(Arc::new(process()?), subject, names, place).await
}

async fn measure(
    host: Arc<dyn PluginHost>,
    subject: Subject,
    names: Names,
    place: &str,
) -> Result<Vec<Metric>> {
    let Subject { id, guest, call, does, times } = subject;
    let caller = Caller::install(host, id, &guest).await?;
    let how = |what: &str, load: &str| {
        format!("{what}; fresh instance for each call, {load}; {place}; store in memory")
    };
    let single = "one call at a time, from request to outcome";
    caller.call_times(&call, times.div_ceil(20)).await?;
    let took = caller.call_times(&call, times).await?;
    let rate = caller.rate(&call, times).await?;
    let load = format!("{CALLERS} callers, closed loop");
    let mut metrics = vec![
        of_micros(names.call, &took, how(does, single)),
        Metric::of_value(names.rate, "calls/s", rate, times, how(does, &load)),
    ];
    if let Some(name) = names.describe {
        let took = caller.call_times(&Call::Describe, times).await?;
        metrics.push(of_micros(name, &took, how("`describe` of the same sample", single)));
    }
    Ok(metrics)
}

fn of_micros(name: &'static str, times: &[Duration], setup: String) -> Metric {
    let samples = times.iter().map(|it| it.as_secs_f64() * 1e6).collect();
    Metric::of_samples(name, "us", samples, setup)
}
