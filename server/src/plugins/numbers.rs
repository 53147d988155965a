//! What plugins did since the portal started, in numbers for monitors.
//!
//! Counted in memory: who reads them sees by a count that fell that the portal started anew. What
//! they are told apart by is the interface's words and what operators granted, never what a plugin
//! or a customer says.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    Answer, Call, Failure, HostPattern, HttpTrace, LimitName, Outcome, PoolUse, Refusal, webhooks,
};

use super::call::{function, kind_name};

/// So many hosts of one plugin are counted one by one.
const HOSTS: usize = 32;
/// The host of requests that no grant of now names, and of those beyond [`HOSTS`].
const OTHER: &str = "other";
/// Up to how long calls took: in microseconds, and as Prometheus writes it in seconds.
const STEPS: [(u64, &str); 11] = [
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
];

/// How metrics of one name are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Counter,
    Gauge,
    Histogram,
}

/// The metrics of one name.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) form: Form,
    pub(crate) samples: Vec<Sample>,
}

/// One number.
pub(crate) struct Sample {
    /// What follows the family's name, as in `_bucket`.
    pub(crate) suffix: &'static str,
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: String,
}

impl Family {
    fn new(name: &'static str, help: &'static str, form: Form) -> Self {
        Self { name, help, form, samples: Vec::new() }
    }

    /// One number that is no plugin's.
    pub(super) fn of_one(
        name: &'static str,
        help: &'static str,
        form: Form,
        value: impl ToString,
    ) -> Self {
        let value = value.to_string();
        let sample = Sample { suffix: "", labels: Vec::new(), value };
        Self { samples: vec![sample], ..Self::new(name, help, form) }
    }

    fn add(&mut self, plugin: &str, labels: &[(&'static str, &str)], value: impl ToString) {
        self.add_part("", plugin, labels, value);
    }

    fn add_part(
        &mut self,
        suffix: &'static str,
        plugin: &str,
        labels: &[(&'static str, &str)],
        value: impl ToString,
    ) {
        let first = [("plugin", plugin)];
        let all = first.iter().chain(labels).map(|(name, it)| (*name, (*it).to_owned()));
        self.samples.push(Sample { suffix, labels: all.collect(), value: value.to_string() });
    }
}

/// The counts of all plugins.
#[derive(Default)]
pub(super) struct Numbers {
    plugins: Mutex<BTreeMap<InstallationId, Counts>>,
}

/// The counts of one plugin.
#[derive(Default)]
struct Counts {
    /// By function and what came of it.
    calls: BTreeMap<(&'static str, &'static str), u64>,
    /// By function.
    took: BTreeMap<&'static str, Took>,
    in_flight: u32,
    cpu_us: u64,
    memory_peak: usize,
    /// By host and kind of answer.
    requests: BTreeMap<(String, &'static str), u64>,
    denied: BTreeMap<&'static str, u64>,
    effects_refused: u64,
    /// Those that it was granted.
    hosts: Vec<HostPattern>,
}

/// What of the host's pool is in use. It says nothing before it was asked.
pub(super) fn of_pool(pool: Option<PoolUse>) -> Vec<Family> {
    let help = "Places for calls that are in use, by what they are places of.";
    let mut used = Family::new("myrelay_plugin_pool_used", help, Form::Gauge);
    let Some(pool) = pool else { return Vec::new() };
    for (of, value) in [
        ("components", pool.components.to_string()),
        ("modules", pool.modules.to_string()),
        ("memories", pool.memories.to_string()),
        ("tables", pool.tables.to_string()),
        ("stacks", pool.stacks.to_string()),
    ] {
        let labels = vec![("of", of.to_owned())];
        used.samples.push(Sample { suffix: "", labels, value });
    }
    let help = "Places for memories that were used and are not now.";
    let name = "myrelay_plugin_pool_warm_memories";
    let warm = Family::of_one(name, help, Form::Gauge, pool.warm_memories);
    let help = "Memory that is kept for the next call.";
    let name = "myrelay_plugin_pool_kept_bytes";
    vec![used, warm, Family::of_one(name, help, Form::Gauge, pool.kept_bytes)]
}

/// How long calls of one function took.
#[derive(Default)]
struct Took {
    steps: [u64; STEPS.len()],
    count: u64,
    sum_us: u64,
}

impl Took {
    fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for ((most, _), count) in STEPS.iter().zip(&mut self.steps) {
            *count += u64::from(us <= *most);
        }
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }
}

/// A call that is being made. Whoever drops it before it ended waited for it no more.
pub(super) struct Counting<'a> {
    numbers: &'a Numbers,
    plugin: InstallationId,
    call: &'static str,
    began: Instant,
    ended: bool,
}

impl Counting<'_> {
    pub(super) fn end(mut self, outcome: &Outcome) {
        self.ended = true;
        let took = self.began.elapsed();
        self.numbers.change(self.plugin, |it| it.count((self.call, took), outcome));
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let (call, ended) = (self.call, self.ended);
        self.numbers.change(self.plugin, |it| {
            it.in_flight = it.in_flight.saturating_sub(1);
            if !ended {
                *it.calls.entry((call, "dropped")).or_default() += 1;
            }
        });
    }
}

impl Numbers {
    fn all(&self) -> MutexGuard<'_, BTreeMap<InstallationId, Counts>> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, plugin: InstallationId, change: impl FnOnce(&mut Counts)) {
        change(self.all().entry(plugin).or_default());
    }

    /// A plugin was loaded that may reach these.
    pub(super) fn loaded(&self, plugin: InstallationId, hosts: Vec<HostPattern>) {
        self.change(plugin, |it| it.hosts = hosts);
    }

    pub(super) fn begin(&self, plugin: InstallationId, call: &Call) -> Counting<'_> {
        self.change(plugin, |it| it.in_flight += 1);
        let (call, began) = (function(call), Instant::now());
        Counting { numbers: self, plugin, call, began, ended: false }
    }

    /// What a call was answered was refused.
    pub(super) fn refused(&self, plugin: InstallationId) {
        self.change(plugin, |it| it.effects_refused += 1);
    }

    pub(super) fn forget(&self, plugin: InstallationId) {
        self.all().remove(&plugin);
    }

    /// All of it, of plugins by what their publishers call them.
    pub(super) fn families(&self, names: &BTreeMap<InstallationId, String>) -> Vec<Family> {
        use Form::{Counter, Gauge, Histogram};
        let family = Family::new;
        let mut calls =
            family("myrelay_plugin_calls_total", "Calls, by what came of them.", Counter);
        let mut took = family(
            "myrelay_plugin_call_seconds",
            "How long calls took, with their wait for a turn.",
            Histogram,
        );
        let help = "Calls that run or wait for their turn.";
        let mut in_flight = family("myrelay_plugin_calls_in_flight", help, Gauge);
        let mut cpu = family("myrelay_plugin_cpu_seconds_total", "CPU time of its calls.", Counter);
        let help = "The most memory that one call had.";
        let mut memory = family("myrelay_plugin_memory_peak_bytes", help, Gauge);
        let help = "Requests to other servers, by the host that was granted and the answer.";
        let mut requests = family("myrelay_plugin_http_requests_total", help, Counter);
        let help = "Requests that were not allowed, by the kind of rule.";
        let mut denied = family("myrelay_plugin_http_denied_total", help, Counter);
        let help = "Calls whose effects the portal did not take.";
        let mut refused = family("myrelay_plugin_effects_refused_total", help, Counter);
        let mut all = self.all();
        // Others may have been removed by another program, or counted once more after that.
        all.retain(|id, it| names.contains_key(id) || it.in_flight > 0);
        for (id, plugin) in names {
            let Some(it) = all.get(id) else { continue };
            for ((call, outcome), count) in &it.calls {
                calls.add(plugin, &[("call", call), ("outcome", outcome)], count);
            }
            for (call, one) in &it.took {
                one.write(&mut took, plugin, call);
            }
            in_flight.add(plugin, &[], it.in_flight);
            cpu.add(plugin, &[], seconds(it.cpu_us));
            memory.add(plugin, &[], it.memory_peak);
            for ((host, status), count) in &it.requests {
                requests.add(plugin, &[("host", host), ("status", status)], count);
            }
            for (rule, count) in &it.denied {
                denied.add(plugin, &[("rule", rule)], count);
            }
            refused.add(plugin, &[], it.effects_refused);
        }
        vec![calls, took, in_flight, cpu, memory, requests, denied, refused]
    }
}

impl Took {
    fn write(&self, family: &mut Family, plugin: &str, call: &str) {
        for ((_, le), count) in STEPS.iter().zip(&self.steps) {
            family.add_part("_bucket", plugin, &[("call", call), ("le", le)], count);
        }
        family.add_part("_bucket", plugin, &[("call", call), ("le", "+Inf")], self.count);
        family.add_part("_sum", plugin, &[("call", call)], seconds(self.sum_us));
        family.add_part("_count", plugin, &[("call", call)], self.count);
    }
}

impl Counts {
    fn count(&mut self, (call, took): (&'static str, Duration), outcome: &Outcome) {
        *self.calls.entry((call, outcome_name(outcome))).or_default() += 1;
        self.took.entry(call).or_default().add(took);
        self.cpu_us = self.cpu_us.saturating_add(outcome.used.cpu_us);
        self.memory_peak = self.memory_peak.max(outcome.used.memory_peak);
        for trace in &outcome.http {
            self.count_request(trace);
        }
    }

    fn count_request(&mut self, trace: &HttpTrace) {
        if let Some(refusal) = trace.refusal {
            *self.denied.entry(refusal_name(refusal)).or_default() += 1;
            return;
        }
        let status = match trace.result {
            Ok(100..200) => "1xx",
            Ok(200..300) => "2xx",
            Ok(300..400) => "3xx",
            Ok(400..500) => "4xx",
            Ok(_) => "5xx",
            Err(_) if trace.sent => "none",
            Err(_) => "unsent",
        };
        let host = self.host(&trace.url);
        *self.requests.entry((host, status)).or_default() += 1;
    }

    /// What the grant says that names the host: names before `*`.
    fn host(&self, url: &str) -> String {
        let host = host_of(url);
        let mut fitting: Vec<_> = self.hosts.iter().filter(|it| it.matches(host)).collect();
        fitting.sort_by_key(|it| std::cmp::Reverse(it.to_string().trim_start_matches('*').len()));
        let Some(found) = fitting.first() else { return OTHER.to_owned() };
        let found = found.to_string();
        // Grants change, and what was counted stays.
        let mut known: Vec<&str> = self.requests.keys().map(|(host, _)| host.as_str()).collect();
        known.dedup();
        if HOSTS <= known.len() && !known.contains(&found.as_str()) {
            return OTHER.to_owned();
        }
        found
    }
}

/// The host in a URL; IPv6 without brackets.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => rest.split(['/', '?', ':']).next().unwrap_or_default(),
    }
}

/// In seconds.
fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match &outcome.result {
        // Somebody else's webhook, or one for another secret.
        Ok(Answer::Webhook(webhooks::Outcome::Rejected(_))) => "rejected",
        Ok(_) => "ok",
        Err(Failure::Reported(error)) => kind_name(error.kind),
        Err(Failure::Limit { name, .. }) => limit_name(*name),
        Err(Failure::Trap { .. }) => "trap",
        Err(Failure::Refused(_)) => "refused",
        Err(Failure::NotExported(_)) => "not-exported",
        Err(Failure::Busy(_)) => "busy",
        Err(Failure::Unknown) => "not-loaded",
        Err(Failure::Invalid(_)) => "invalid-call",
        Err(Failure::Host(_)) => "host",
    }
}

fn limit_name(limit: LimitName) -> &'static str {
    match limit {
        LimitName::Cpu => "cpu",
        LimitName::Wall => "timeout",
        LimitName::Memory => "memory",
        LimitName::TableElements => "table-elements",
        LimitName::Instances => "instances",
        LimitName::Handles => "handles",
        LimitName::Stack => "stack",
        LimitName::Hostcall => "hostcall",
        LimitName::Input => "input",
        LimitName::Output => "output",
        LimitName::Random => "random",
        LimitName::Log => "log",
    }
}

fn refusal_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Url => "url",
        Refusal::Manifest => "manifest",
        Refusal::Grant => "grant",
        Refusal::Secret => "secret",
        Refusal::Address => "address",
        Refusal::Limit => "limit",
        Refusal::Form => "form",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(url: &str, result: Result<u16, String>) -> HttpTrace {
        HttpTrace {
            url: url.to_owned(),
            sent: result.is_ok(),
            result,
            refusal: None,
            ..HttpTrace::unrecorded("GET", "")
        }
    }

    #[test]
    fn a_host_is_what_was_granted_and_not_what_was_asked_for() {
        let hosts = ["*", "*.example.org", "api.example.org", "10.1.2.3", "fd00::7"];
        let mut counts = Counts {
            hosts: hosts.iter().map(|it| HostPattern::parse(it).unwrap()).collect(),
            ..Counts::default()
        };
        for (url, host) in [
            ("https://api.example.org/v1/ana@example.org", "api.example.org"),
            ("https://api.example.org:8443/v1", "api.example.org"),
            ("https://eu.example.org/", "*.example.org"),
            ("https://of-ana.example.net/hook?token=7", "*"),
            ("http://10.1.2.3:8025/", "10.1.2.3"),
            ("http://[fd00::7]:8025/", "fd00::7"),
        ] {
            assert_eq!(counts.host(url), host, "{url}");
        }
        counts.hosts.clear();
        assert_eq!(counts.host("https://api.example.org/"), OTHER);

        // Whatever was granted one after the other, there is an end to it.
        for number in 0..2 * HOSTS {
            let name = format!("h{number}.example.org");
            counts.hosts = vec![HostPattern::parse(&name).unwrap()];
            counts.count_request(&trace(&format!("https://{name}/"), Ok(204)));
        }
        assert_eq!(counts.requests.len(), HOSTS + 1);
        assert_eq!(counts.requests[&(OTHER.to_owned(), "2xx")], u64::try_from(HOSTS).unwrap());
    }

    #[test]
    fn the_pool_says_what_is_in_use_once_it_was_asked() {
        assert!(of_pool(None).is_empty());
        let pool = PoolUse { modules: 38, kept_bytes: 7, ..PoolUse::default() };
        let families = of_pool(Some(pool));
        let of = |name: &str, label: &str| {
            let family = families.iter().find(|it| it.name.ends_with(name)).unwrap();
            let is = |it: &&Sample| label.is_empty() || it.labels[0].1 == label;
            family.samples.iter().find(is).unwrap().value.clone()
        };
        assert_eq!([of("used", "modules"), of("used", "stacks")], ["38", "0"]);
        assert_eq!([of("kept_bytes", ""), of("warm_memories", "")], ["7", "0"]);
    }

    #[test]
    fn a_step_holds_all_that_was_faster() {
        let mut took = Took::default();
        for ms in [1, 7, 90_000] {
            took.add(Duration::from_millis(ms));
        }
        let mut family = Family::new("x", "", Form::Histogram);
        took.write(&mut family, "dev.example.one", "health");
        let of = |le: &str| {
            let is = |it: &&Sample| it.labels.contains(&("le", le.to_owned()));
            family.samples.iter().find(is).unwrap().value.clone()
        };
        let steps = ["0.001", "0.005", "0.01", "30", "+Inf"].map(of);
        assert_eq!(steps, ["1", "1", "2", "2", "3"]);
        let sum = family.samples.iter().find(|it| it.suffix == "_sum").unwrap();
        assert_eq!(sum.value, "90.008000");
    }
}
