//! The status for people and for programs.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::status::{Status, Version};

/// Everything, and whether the agent runs now.
pub(super) fn json(status: &Status, running: bool) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(status)?;
    if let Value::Object(fields) = &mut value {
        fields.insert("running".to_owned(), json!(running));
    }
    serde_json::to_string_pretty(&value)
}

/// What an operator looks at.
pub(super) fn text(status: &Status, running: bool) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    write_all(&mut text, status, running).unwrap_or_default();
    text.trim_end().to_owned()
}

fn write_all(text: &mut String, status: &Status, running: bool) -> std::fmt::Result {
    let Status { node, portal, backend, version, .. } = status;
    writeln!(text, "node          {node}")?;
    let state = match (running, status.retired, status.connected_since_ms) {
        (false, ..) => format!("not running; this is from {}", time(status.written_ms)),
        (true, true, _) => "retired by the portal: it serves nothing".to_owned(),
        (true, false, None) => "serving without the portal".to_owned(),
        (true, false, Some(since)) => format!("connected since {}", time(since)),
    };
    writeln!(text, "state         {state}")?;
    writeln!(text, "portal        {portal}")?;
    if let Some(trouble) = &status.trouble {
        writeln!(text, "trouble       {trouble}")?;
    }
    writeln!(text, "agent         {version}, {backend} backend")?;
    if let Some(privileges) = &status.privileges {
        writeln!(text, "runs as       {privileges}")?;
    }
    writeln!(text, "certificate   until {}", time(status.certificate_not_after_ms))?;
    writeln!(text, "wanted        {}", generation(status.wanted))?;
    writeln!(text, "applied       {}", generation(status.applied))?;
    for fault in &status.faults {
        writeln!(text, "fault         {fault}")?;
    }
    for interface in &status.foreign {
        writeln!(text, "not ours      {interface}")?;
    }
    writeln!(text, "pods          {}", status.pods.len())?;
    for (id, pod) in &status.pods {
        let fault = pod.fault.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        let (interface, port, devices) = (&pod.interface, pod.port, pod.devices);
        writeln!(text, "  {id} {interface} port {port}, {devices} devices{fault}")?;
    }
    Ok(())
}

fn generation(version: Option<Version>) -> String {
    match version {
        Some(it) => format!("generation {} of epoch {}", it.generation.0, it.epoch.0),
        None => "nothing yet".to_owned(),
    }
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |it| it.to_string())
}
