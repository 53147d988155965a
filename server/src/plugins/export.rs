//! All that a plugin remembers, as a file for its operator.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{Installed, store};
use crate::{
    Result,
    context::{Caller, Context},
};

/// What the file says that it is.
const FORMAT: &str = "myrelay plugin memory 1";

/// The file. It is as long as what a plugin may remember, 16 MiB, and what JSON adds to that.
#[derive(Serialize)]
struct File<'a> {
    format: &'static str,
    plugin: &'a str,
    version: &'a str,
    /// When it was written, in milliseconds since 1970 UTC.
    at: i64,
    /// In the order of their names' octets.
    entries: Vec<Entry>,
}

/// One value: as text where it is UTF-8, in base64 otherwise.
#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// When it is gone by itself, in milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// For operators: all that a plugin remembers, as JSON. It holds no secret of the plugin's.
pub(crate) async fn memory_of(context: &Context, caller: Caller, plugin: &str) -> Result<String> {
    caller.operator()?;
    export(context, &super::get(context, plugin).await?).await
}

/// The same for the command line.
pub(crate) async fn export(context: &Context, plugin: &Installed) -> Result<String> {
    let now = context.now();
    let all = store::kv::all(context.database.read(), plugin.id, now).await?;
    let entry = |(found, expires_at): (myrelay_plugin_host::KvEntry, Option<i64>)| {
        let (text, base64) = match String::from_utf8(found.value) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Entry { name: found.key, text, base64, expires_at }
    };
    let file = File {
        format: FORMAT,
        plugin: &plugin.plugin,
        version: &plugin.version,
        at: now,
        entries: all.into_iter().map(entry).collect(),
    };
    let text = serde_json::to_string_pretty(&file);
    Ok(text.map_err(|error| anyhow::Error::new(error).context("what a plugin remembers"))?)
}
