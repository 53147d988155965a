//! Nodes and plugins in numbers, for Prometheus (text format 0.0.4).

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

use super::{Door, answer::Fault, visit::Visit};
use crate::{
    deliveries::PluginMetrics,
    messages,
    nodes::{self, NodeMetrics},
    plugins::{self, Family, Form, Sample},
};

/// A metric of each thing: its name, what it says, and its value; a thing without one has no line.
type Metric<T> = (&'static str, &'static str, fn(&T) -> Option<i64>);

const OF_PLUGINS: [Metric<PluginMetrics>; 7] = [
    ("myrelay_plugin_enabled", "Whether events go to it.", |it| Some(it.enabled.into())),
    ("myrelay_plugin_stopped", "Whether it waits for an operator.", |it| Some(it.stopped.into())),
    ("myrelay_plugin_failures", "Failures since it did anything well.", |it| {
        Some(it.failures.into())
    }),
    ("myrelay_plugin_events_waiting", "Events on their way to it.", |it| Some(it.waiting.into())),
    ("myrelay_plugin_events_dead", "Events that were given up.", |it| Some(it.dead.into())),
    ("myrelay_plugin_resting", "Whether it is left in peace after failures.", |it| {
        Some(it.resting.into())
    }),
    (
        "myrelay_plugin_oldest_event_seconds",
        "Since when the oldest event on its way waits.",
        |it| it.oldest_at.map(seconds),
    ),
];

const OF_NODES: [Metric<NodeMetrics>; 11] = [
    ("myrelay_node_in_contact", "Whether the node was heard lately.", |it| {
        Some(it.in_contact.into())
    }),
    ("myrelay_node_quarantined", "Whether two agents ran with its identity.", |it| {
        Some(it.quarantined.into())
    }),
    ("myrelay_node_draining", "Whether its pods are moved away.", |it| Some(it.draining.into())),
    ("myrelay_node_last_contact_seconds", "When it was heard last.", |it| {
        it.last_contact_at.map(seconds)
    }),
    ("myrelay_node_certificate_end_seconds", "When its certificate ends.", |it| {
        it.certificate_ends_at.map(seconds)
    }),
    ("myrelay_node_clock_skew_seconds", "Its clock minus the portal's.", |it| {
        it.clock_skew.map(seconds)
    }),
    ("myrelay_node_generation_wanted", "The state it should have.", |it| {
        Some(it.generation_wanted)
    }),
    ("myrelay_node_generation_applied", "The state it has.", |it| Some(it.generation_applied)),
    ("myrelay_node_generations_behind", "How many changes it lacks.", |it| {
        Some(it.generation_wanted.saturating_sub(it.generation_applied).max(0))
    }),
    ("myrelay_node_pods", "The pods on it.", |it| Some(it.pods)),
    ("myrelay_node_pod_faults", "The pods on it that do not serve.", |it| Some(it.pod_faults)),
];

/// `GET /metrics`
pub(crate) async fn metrics(State(door): State<Door>, visit: Visit) -> Result<Response, Fault> {
    let fault = |error: crate::Error| Fault::from(error.into_portal_error(&visit.id));
    let nodes = nodes::metrics(&door.context).await.map_err(fault)?;
    let plugins = messages::metrics(&door.context).await.map_err(fault)?;
    let mut all = text("node", &OF_NODES, &nodes, |it| &it.name);
    all.push_str(&text("plugin", &OF_PLUGINS, &plugins, |it| &it.plugin));
    for family in plugins::numbers(&door.context).await.map_err(fault)? {
        write_family(&mut all, &family);
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], all).into_response())
}

fn text<T>(label: &str, metrics: &[Metric<T>], things: &[T], name: fn(&T) -> &String) -> String {
    let mut text = String::new();
    for (metric, help, value) in metrics {
        // Writing to a string does not fail.
        write!(text, "# HELP {metric} {help}\n# TYPE {metric} gauge\n").unwrap_or_default();
        for thing in things {
            let Some(value) = value(thing) else { continue };
            let name = escaped(name(thing));
            writeln!(text, "{metric}{{{label}=\"{name}\"}} {value}").unwrap_or_default();
        }
    }
    text
}

fn write_family(text: &mut String, family: &Family) {
    let Family { name, help, form, samples } = family;
    let form = match form {
        Form::Counter => "counter",
        Form::Gauge => "gauge",
        Form::Histogram => "histogram",
    };
    // Writing to a string does not fail.
    write!(text, "# HELP {name} {help}\n# TYPE {name} {form}\n").unwrap_or_default();
    for Sample { suffix, labels, value } in samples {
        let labels: Vec<String> =
            labels.iter().map(|(label, it)| format!("{label}=\"{}\"", escaped(it))).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        writeln!(text, "{name}{suffix}{labels} {value}").unwrap_or_default();
    }
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

/// A label's value: backslash, quote and line end are written with a backslash.
fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p36_a_nodes_name_cannot_add_a_line() {
        let node = NodeMetrics {
            name: "fra\"} 1\nup 1 \\".to_owned(),
            in_contact: true,
            quarantined: false,
            draining: false,
            last_contact_at: None,
            certificate_ends_at: None,
            clock_skew: Some(-1500),
            generation_wanted: 7,
            generation_applied: 5,
            pods: 3,
            pod_faults: 1,
        };
        let text = text("node", &OF_NODES, &[node], |it| &it.name);
        let lines: Vec<_> = text.lines().filter(|it| !it.starts_with('#')).collect();
        assert_eq!(lines.len(), 9, "{text}");
        let name = r#"{node="fra\"} 1\nup 1 \\"}"#;
        assert!(lines.iter().all(|it| it.contains(name)), "{text}");
        assert!(lines.contains(&format!("myrelay_node_generations_behind{name} 2").as_str()));
        assert!(lines.contains(&format!("myrelay_node_clock_skew_seconds{name} -2").as_str()));
    }
}
