//! `call`: one call of a plugin, with everything that came of it.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use myrelay_plugin_host::{
    Call, CallRequest, Failure, HttpTrace, KvWrite, Limits, Outcome, PluginHost as _, PluginSecret,
    PrivateNet, Used, log,
};
use myrelay_plugin_package::Package;
use serde_json::Value;
use tokio::runtime;

use crate::{cases, files, report, store, store::Store, trial};

/// The most bytes of a call's file: JSON writes a byte as a number, which takes up to four, and what
/// a call may hand over is 2 MiB.
pub(crate) const INPUT_BYTES: usize = 16 << 20;
/// The most bytes of the other files.
pub(crate) const SMALL_BYTES: usize = 256 << 10;

pub(crate) fn command() -> Command {
    let delivery =
        Arg::new("delivery").long("delivery").value_name("ID").default_value(cases::DELIVERY);
    let private = Arg::new("private")
        .long("private")
        .value_name("NETWORK:PORT")
        .action(ArgAction::Append)
        .value_parser(value_parser!(PrivateNet))
        .help("Let requests go to a machine that plugins must not reach: 127.0.0.1/32:8025");
    Command::new("call")
        .about("Call the plugin once, with everything granted that it asks for")
        .arg(
            Arg::new("input")
                .value_name("CALL")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("A JSON file with the call, such as fixtures/health.json"),
        )
        .arg(crate::folder_argument())
        .arg(crate::file_option("config", "A JSON file with the settings"))
        .arg(crate::file_option("secrets", "A JSON file with names and secrets"))
        .arg(crate::file_option(
            "kv",
            "A JSON file with what it remembers; written after an answer",
        ))
        .arg(delivery.help("What is delivered: the same for every try of the same delivery"))
        .arg(private)
        .arg(trial::compiler_option())
}

pub(crate) fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let folder = crate::path(matches, "folder");
    let package = Package::from_folder(&folder)?;
    let input = crate::path(matches, "input");
    let text = files::read_text(&input, INPUT_BYTES)?;
    let call: Call = serde_json::from_str(&text).with_context(|| {
        format!("{}: no call that plugins know, as docs/plugins.md writes them", input.display())
    })?;
    let kv = matches.get_one::<PathBuf>("kv");
    let store = kv.map(|it| Store::read(it)).transpose()?.unwrap_or_default();
    let request = request(matches, &package, call.clone())?;
    let threads = runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = threads.block_on(perform(matches, &folder, &package, request, store.clone()))?;
    tell(&outcome, out)?;
    used(outcome.used, Limits::asked(package.manifest()), &call, out)?;
    if outcome.result.is_err() {
        bail!("the call failed; what it wanted remembered is dropped");
    }
    if let Some(kv) = kv {
        let mut store = store;
        store.apply(&outcome.kv);
        store.write(kv)?;
    }
    Ok(())
}

async fn perform(
    matches: &ArgMatches,
    folder: &Path,
    package: &Package,
    request: CallRequest,
    store: Store,
) -> Result<Outcome> {
    let compiler = trial::compiler(matches, folder)?;
    let private: Vec<PrivateNet> =
        matches.get_many("private").unwrap_or_default().copied().collect();
    let host = trial::install(compiler, package, &private, None).await?;
    Ok(host.call(request, Arc::new(store)).await)
}

/// The call as the options say: settings, secrets, and which delivery it is.
pub(crate) fn request(matches: &ArgMatches, package: &Package, call: Call) -> Result<CallRequest> {
    let delivery = matches.get_one::<String>("delivery").cloned();
    let delivery = delivery.unwrap_or_else(|| cases::DELIVERY.to_owned());
    let config = settings(matches.get_one("config"), package)?;
    let secrets = secrets(matches.get_one("secrets"), package)?;
    trial::request(call, (delivery, now_ms()), config, secrets)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is a program of its own, on its author's clock"
)]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The settings as the portal would hand them over: by the schema, with its defaults.
fn settings(place: Option<&PathBuf>, package: &Package) -> Result<String> {
    let text = place.map(|it| files::read_text(it, SMALL_BYTES)).transpose()?;
    let shown = place.map_or("the settings".to_owned(), |it| it.display().to_string());
    let settings: Value = serde_json::from_str(text.as_deref().unwrap_or("{}"))
        .with_context(|| format!("{shown}: no JSON"))?;
    let Some(schema) = package.schema() else { return Ok(settings.to_string()) };
    let settings = schema.with_defaults(&settings);
    let problems = schema.problems(&settings);
    if !problems.is_empty() {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let problems = problems.join("\n  ");
        bail!(
            "{shown}: not as config.schema.json wants it (name settings by --config)\n  {problems}"
        );
    }
    Ok(settings.to_string())
}

/// The secrets by their names, all of them known to the manifest.
fn secrets(place: Option<&PathBuf>, package: &Package) -> Result<BTreeMap<String, PluginSecret>> {
    let Some(place) = place else { return Ok(BTreeMap::new()) };
    let shown = place.display();
    let text = zeroize::Zeroizing::new(files::read_text(place, SMALL_BYTES)?);
    let named: BTreeMap<String, String> = serde_json::from_str(&text)
        .ok()
        .with_context(|| format!("{shown}: no JSON object of names and texts"))?;
    let mut secrets = BTreeMap::new();
    for (name, text) in named {
        if package.manifest().secret(&name).is_none() {
            bail!("{shown}: plugin.toml names no secret {name}");
        }
        let secret = PluginSecret::new(text);
        let secret = secret.ok_or_else(|| anyhow!("{shown}: {name} is empty or too long"))?;
        secrets.insert(name, secret);
    }
    Ok(secrets)
}

/// What came of the call, its limits apart.
pub(crate) fn tell(outcome: &Outcome, out: &mut dyn Write) -> Result<()> {
    match &outcome.result {
        Ok(answer) => {
            writeln!(out, "answer\n{}", indented(&serde_json::to_string_pretty(answer)?))?;
        }
        Err(Failure::Trap { what, backtrace }) => {
            writeln!(out, "trap\n  {what}\n{}", indented(backtrace))?;
        }
        Err(failure) => {
            writeln!(out, "failure\n{}", indented(&serde_json::to_string_pretty(failure)?))?;
        }
    }
    let logs = outcome.logs.iter().map(|line| {
        let fields: String = line.fields.iter().map(|it| format!("  {}={}", it.0, it.1)).collect();
        format!("{:<5} {}{fields}", level(line.level), line.message)
    });
    let dropped = (outcome.logs_dropped != 0)
        .then(|| format!("and {} lines beyond the limits", outcome.logs_dropped));
    section("log", logs.chain(dropped), out)?;
    section("requests", outcome.http.iter().map(request_line), out)?;
    let changes = outcome.kv.iter().map(|change| match &change.write {
        KvWrite::Put { value, .. } => format!("{} = {}", change.key, store::shown(value)),
        KvWrite::Delete => format!("{} forgotten", change.key),
    });
    section("remembered", changes, out)?;
    let puts = outcome.secret_puts.iter().map(|it| it.name.clone());
    section("secrets that it put away (a trial keeps none)", puts, out)
}

/// A heading and its lines; nothing where there are none.
fn section(heading: &str, lines: impl Iterator<Item = String>, out: &mut dyn Write) -> Result<()> {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            writeln!(out, "{heading}")?;
        }
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

pub(crate) fn request_line(it: &HttpTrace) -> String {
    let result = match &it.result {
        Ok(status) => status.to_string(),
        Err(why) if it.sent => format!("sent, then {why}"),
        Err(why) => format!("not sent: {why}"),
    };
    let (sent, got) = (report::bytes(it.request_bytes), report::bytes(it.response_bytes));
    let HttpTrace { method, url, took_ms, .. } = it;
    format!("{method} {url}  {result}  {sent} out, {got} in, {took_ms} ms")
}

/// What a call used of its limits, with a mark where little is left.
fn used(used: Used, limits: Limits, call: &Call, out: &mut dyn Write) -> Result<()> {
    let us = |it: std::time::Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
    let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    let (cpu, wall) = (us(limits.cpu(call)), us(limits.wall(call)));
    let time = |used, limit| {
        (format!("{} of {}", report::microseconds(used), report::microseconds(limit)), used, limit)
    };
    let (peak, memory) = (used.memory_peak, limits.memory_bytes);
    let memory_text = format!("{} of {}", report::bytes(peak), report::bytes(memory));
    let (sent, most) = (used.http_requests, limits.http_requests);
    writeln!(out, "used")?;
    for (name, (text, used, limit)) in [
        ("CPU", time(used.cpu_us, cpu)),
        ("clock", time(used.wall_us, wall)),
        ("memory", (memory_text, number(peak), number(memory))),
        ("requests", (format!("{sent} of {most}"), sent.into(), most.into())),
    ] {
        let mark = if report::is_near(used, limit) { "   ← over 80 %" } else { "" };
        writeln!(out, "  {name:<9} {text}{mark}")?;
    }
    Ok(())
}

fn level(level: log::Level) -> &'static str {
    match level {
        log::Level::Trace => "trace",
        log::Level::Debug => "debug",
        log::Level::Info => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("  {it}")).collect::<Vec<_>>().join("\n")
}
