//! What the cookbook shows and none of our plugins needs: it counts events, asks a service at set
//! times what changed there, and brings what it remembered into another form.

mod world {
    //! The bindings: events, and work at set times.
    myrelay_plugin_sdk::world!(
        "myrelay:recipes/plugin",
        "../../wit/v1",
        "package myrelay:recipes;
        world plugin {
            include myrelay:plugin/event-plugin@1.0.0;
            export myrelay:plugin/jobs@1.0.0;
        }"
    );
}

use myrelay_plugin_sdk::{
    Form, Problems, ask, error, failure, http, kv, log, problems, settings, tell_panics, text,
    types::{Error, ErrorKind},
};
use serde::Deserialize;
use serde_json::Value;

use crate::world::exports::myrelay::plugin::{
    events::{Event, Guest as Events},
    jobs::Guest as Jobs,
};

/// The operator's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: String,
}

struct Plugin;

/// As in plugin.toml.
const VERSION: &str = "0.2.0";

// The last is for plugins whose memory had another form once.
myrelay_plugin_sdk::lifecycle!(
    world,
    Plugin,
    "dev.myrelay.sample-recipes",
    VERSION,
    wrong,
    ready,
    migrate
);

/// What config.schema.json cannot say of the settings.
fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        let host = it.url.split_once("://").map_or("", |(_, rest)| rest);
        let sound = !host.is_empty() && !host.contains('/');
        let advice = "only the host: this plugin adds /v1/changes itself".to_owned();
        if sound { Vec::new() } else { vec![("/url", advice)] }
    })
}

/// Looks whether everything is in place, by asking for what it needs anyway.
fn ready() -> Result<String, Error> {
    let settings: Settings = settings()?;
    changes(&settings, "")?;
    Ok(format!("connected to {}", settings.url))
}

/// Brings over what any earlier version remembered. A change of the form is one `if`, which stays in
/// all versions to come.
fn migrate(from: &str) -> Result<(), Error> {
    let before = numbers(from);
    if numbers(VERSION) < before {
        // The operator went back, and nobody here knows what the later version wrote.
        let why = format!("what {from} remembered is not known here");
        return Err(error(ErrorKind::Conflict, why));
    }
    // Before 0.2.0 there was one number for all events; since then there is one for each.
    if before < numbers("0.2.0")
        && let Some(entry) = kv::get("told").map_err(store)?
    {
        kv::set("told/before", &entry.value, None).map_err(store)?;
        kv::delete("told").map_err(store)?;
    }
    Ok(())
}

/// The three numbers of a version, without what may stand behind them: `0.2.0-beta.1`.
fn numbers(version: &str) -> Vec<u64> {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').map(|it| it.parse().unwrap_or_default()).collect()
}

fn store(why: kv::Error) -> Error {
    let kind = match why {
        kv::Error::Unavailable => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    error(kind, format!("the plugin's store: {why:?}"))
}

fn remembered(key: &str) -> Result<Option<String>, Error> {
    let entry = kv::get(key).map_err(store)?;
    Ok(entry.and_then(|it| String::from_utf8(it.value).ok()))
}

/// Counts one more, however many calls count at the same time: where another one did so meanwhile,
/// the host forgets what this call wanted and makes it again.
fn count(key: &str) -> Result<u64, Error> {
    let entry = kv::get(key).map_err(store)?;
    let version = entry.as_ref().map(|it| it.version);
    let text = entry.and_then(|it| String::from_utf8(it.value).ok());
    let count = text.and_then(|it| it.parse::<u64>().ok()).unwrap_or_default() + 1;
    kv::compare_and_set(key, version, count.to_string().as_bytes(), None).map_err(store)?;
    Ok(count)
}

impl Events for Plugin {
    fn handle(event: Event) -> Result<(), Error> {
        tell_panics();
        let count = count(&format!("told/{}", event.type_name))?;
        log::log(log::Level::Info, "told", &[("count".to_owned(), count.to_string())]);
        Ok(())
    }
}

impl Jobs for Plugin {
    fn run(job: String) -> Result<(), Error> {
        tell_panics();
        match job.as_str() {
            "poll" => poll(),
            _ => Err(error(ErrorKind::NotFound, format!("there is no job {job}"))),
        }
    }
}

/// Asks for what changed since the last run. Where this call fails, what it wrote is forgotten, and
/// the next one asks from the same place on.
fn poll() -> Result<(), Error> {
    let since = remembered("since")?.unwrap_or_default();
    let said = changes(&settings()?, &since)?;
    for change in said["changes"].as_array().into_iter().flatten() {
        let what = text(change, "/what").unwrap_or_default();
        log::log(log::Level::Info, "changed", &[("what".to_owned(), what)]);
    }
    if let Some(next) = text(&said, "/next") {
        kv::set("since", next.as_bytes(), None).map_err(store)?;
    }
    Ok(())
}

fn changes(settings: &Settings, since: &str) -> Result<Value, Error> {
    let query = Form::default().with("since", since);
    let request = http::Request {
        method: http::Method::Get,
        url: format!("{}/v1/changes?{}", settings.url, query.text()),
        headers: Vec::new(),
        auth: Some(http::Auth::Bearer("token".to_owned())),
        body: None,
        timeout_ms: Some(5_000),
    };
    // Reading twice does no harm: an answer that is lost is asked for again.
    let (status, said) = ask("the service", &request, true)?;
    let kind = match status {
        200..=299 => return Ok(said),
        401 | 403 => ErrorKind::InvalidConfig,
        500..=599 => failure(status, true),
        _ => ErrorKind::InvalidInput,
    };
    Err(error(kind, format!("the service said {status}")))
}

world::export!(Plugin with_types_in world);
