//! The status and the findings, for people and for programs.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use myrelay_node_protocol::{QuotaState, Verdict};

use crate::{
    doctor::{Finding, Health},
    privileges::Privileges,
    status::{Status, Version},
};

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
    if let Some(held) = &status.privileges {
        writeln!(text, "runs as       {}", rights(held))?;
    }
    writeln!(text, "certificate   until {}", time(status.certificate_not_after_ms))?;
    writeln!(text, "wanted        {}", generation(status.wanted))?;
    writeln!(text, "applied       {}", generation(status.applied))?;
    if let Some(skew_ms) = status.clock_skew_ms {
        writeln!(text, "clock         {}", clock(skew_ms))?;
    }
    writeln!(text, "traffic       {}", traffic(status))?;
    for (item, state) in &status.hardening {
        let what = serde_json::to_value(item).unwrap_or_default();
        let what = what.as_str().unwrap_or_default().replace('_', " ");
        writeln!(text, "hardening     {what}: {}: {}", verdict(state.verdict), state.detail)?;
    }
    for fault in &status.faults {
        writeln!(text, "fault         {fault}")?;
    }
    for interface in &status.foreign {
        writeln!(text, "not ours      {interface}")?;
    }
    writeln!(text, "pods          {}", status.pods.len())?;
    for (id, pod) in &status.pods {
        let fault = pod.fault.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        let quota = match pod.quota {
            QuotaState::Within => "",
            QuotaState::Throttled => ", slow until its quota starts anew",
            QuotaState::Stopped => ", stopped until its quota starts anew",
        };
        let (interface, port, devices) = (&pod.interface, pod.port, pod.devices);
        writeln!(text, "  {id} {interface} port {port}, {devices} devices{quota}{fault}")?;
    }
    Ok(())
}

/// One line for each thing, and one for what to do where there is something to do.
pub(super) fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { name, verdict, found, advice } in findings {
        let mark = match verdict {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Bad => "BAD",
            Health::Unknown => "?",
        };
        // Writing to a string does not fail.
        writeln!(text, "{mark:<5} {name:<12} {found}").unwrap_or_default();
        if let Some(advice) = advice.as_ref().filter(|_| *verdict != Health::Ok) {
            writeln!(text, "{:18} {advice}", "").unwrap_or_default();
        }
    }
    text.trim_end().to_owned()
}

fn rights(held: &Privileges) -> String {
    let capabilities = match (held.net_admin, held.nothing_else) {
        (true, true) => "CAP_NET_ADMIN alone",
        (true, false) => "CAP_NET_ADMIN and others",
        (false, true) => "no capability",
        (false, false) => "capabilities without CAP_NET_ADMIN",
    };
    let calls = if held.filtered { "system calls filtered" } else { "every system call" };
    format!("user {}, {capabilities}, {calls}", held.user)
}

fn clock(skew_ms: i64) -> String {
    // The portal tells whole seconds.
    match (skew_ms.unsigned_abs() / 1000, 0 < skew_ms) {
        (0..=1, _) => "as the portal's".to_owned(),
        (seconds, true) => format!("{seconds} s ahead of the portal's"),
        (seconds, false) => format!("{seconds} s behind the portal's"),
    }
}

fn traffic(status: &Status) -> String {
    let usage = &status.usage;
    let accepted = match usage.accepted_ms {
        Some(at) => format!("reported at {}", time(at)),
        None => "not reported since the agent started".to_owned(),
    };
    let waiting = match usage.waiting {
        0 => "nothing waits".to_owned(),
        count => format!("{count} hours of pods wait"),
    };
    let refused = match usage.refused {
        0 => String::new(),
        count => format!(", the portal refused {count} of them"),
    };
    format!("{accepted}; {waiting}{refused}")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Weak => "weak",
        Verdict::Missing => "missing",
        Verdict::Unknown => "unknown",
    }
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
