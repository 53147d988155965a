//! A plugin on a bench: one call at a time, against the provider of a case.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail};
use myrelay_plugin_host::{
    Call, CallRequest, Compiler, Failure, InProcess, KvChange, KvWrite, Outcome, PluginHost as _,
    PluginSecret,
};
use myrelay_plugin_package::Package;
use serde_json::{Value, json};

use crate::{
    cases::{
        Asked, Case, Heard, Line, differences,
        line::{Met, Provider},
    },
    store::{Store, Written, written},
    trial,
};

/// How often a call is made that the host has no place for: providers' calls are fifty a second.
const BUSY: usize = 200;
/// How long to wait before it is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// A plugin that is installed, and the provider in front of it.
pub(crate) struct Bench {
    package: Package,
    host: InProcess,
    provider: Arc<Provider>,
}

/// One call that was made.
pub(crate) struct Made {
    pub(crate) outcome: Outcome,
    pub(crate) met: Met,
}

impl Bench {
    pub(crate) async fn new(compiler: Compiler, package: Package) -> Result<Self> {
        let provider = Arc::<Provider>::default();
        let host = trial::install(compiler, &package, &[], Some(provider.clone())).await?;
        Ok(Self { package, host, provider })
    }

    pub(crate) fn package(&self) -> &Package {
        &self.package
    }

    /// Makes the call of a case; with a fault, the request of that number goes wrong.
    pub(crate) async fn make(&self, case: &Case, fault: Option<(usize, Heard)>) -> Result<Made> {
        let expected = expected(case)?;
        self.make_with(case, 1, || self.provider.expect(expected.clone(), fault.clone())).await
    }

    /// Makes the call of a case as the portal tries a delivery once more, a minute later.
    pub(crate) async fn make_again(&self, case: &Case) -> Result<Made> {
        let expected = expected(case)?;
        self.make_with(case, 2, || self.provider.expect(expected.clone(), None)).await
    }

    /// Makes the call of a case, whatever it asks the provider.
    pub(crate) async fn make_loosely(&self, case: &Case) -> Result<Made> {
        let expected = expected(case)?;
        self.make_with(case, 1, || self.provider.expect_any(expected.clone())).await
    }

    async fn make_with(&self, case: &Case, attempt: u32, begin: impl Fn()) -> Result<Made> {
        let store = Arc::new(Store::of(case.remembered.clone()).context("remembered")?);
        for _ in 0..BUSY {
            begin();
            let outcome = self.host.call(self.request(case, attempt)?, store.clone()).await;
            if !matches!(outcome.result, Err(Failure::Busy(_))) {
                let mut made = Made { outcome, met: self.provider.met() };
                let told = told_secrets(case, &made)?;
                made.met.wrong.extend(told);
                return Ok(made);
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("the plugin host is busy; try again")
    }

    fn request(&self, case: &Case, attempt: u32) -> Result<CallRequest> {
        let mut secrets = BTreeMap::new();
        for (name, text) in &case.secrets {
            if self.package.manifest().secret(name).is_none() {
                bail!("secrets: plugin.toml names no secret {name}");
            }
            let secret = PluginSecret::new(text.clone());
            let secret = secret.ok_or_else(|| anyhow!("secrets: {name} is empty or too long"))?;
            secrets.insert(name.clone(), secret);
        }
        let (delivery, now) = (case.delivery.clone(), case.now_ms);
        let config = self.settings(&case.config)?;
        Ok(CallRequest {
            attempt,
            started_ms: now + 60_000 * u64::from(attempt.saturating_sub(1)),
            ..trial::request(case.call.clone(), (delivery, now), config, secrets)?
        })
    }

    fn settings(&self, config: &Value) -> Result<String> {
        let Some(schema) = self.package.schema() else { return Ok(config.to_string()) };
        let settings = schema.with_defaults(config);
        let problems = schema.problems(&settings);
        if !problems.is_empty() {
            let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
            bail!("config: not as config.schema.json wants it: {}", lines.join("; "));
        }
        Ok(settings.to_string())
    }

    /// What is not as a case says; nothing where all is.
    ///
    /// # Errors
    /// When the call cannot be made.
    pub(crate) async fn replay(&self, case: &Case) -> Result<Vec<String>> {
        let made = self.make(case, None).await?;
        let mut wrong = made.met.wrong;
        if !wrong.is_empty() {
            // All that follows would follow from it; or it all follows from how the call ended.
            if let Err(failure) = &made.outcome.result {
                wrong.push(format!("it ended with {}", json!(failure)));
            }
            return Ok(wrong);
        }
        let ended = match &made.outcome.result {
            Ok(answer) => json!({ "answer": answer }),
            Err(failure) => json!({ "error": failure }),
        };
        let expected = match (&case.answer, &case.error) {
            (Some(answer), _) => json!({ "answer": answer }),
            (None, failure) => json!({ "error": failure }),
        };
        wrong.extend(differences("it ends in", &expected, &ended));
        if let Some(expected) = &case.log {
            let lines = made.outcome.logs.iter();
            let lines: Vec<Line> =
                lines.map(|it| Line { level: it.level, message: it.message.clone() }).collect();
            wrong.extend(differences("log", &json!(expected), &json!(lines)));
        }
        let writes = json!(writes(&made.outcome.kv));
        wrong.extend(differences("writes", &json!(case.writes), &writes));
        Ok(wrong)
    }
}

/// The requests of a case and what is answered.
fn expected(case: &Case) -> Result<Vec<(Asked, Heard)>> {
    case.http.iter().map(|it| Ok((it.request.clone(), it.told()?))).collect()
}

/// What a call wants remembered, as cases write it.
pub(crate) fn writes(changes: &[KvChange]) -> BTreeMap<String, Option<Written>> {
    let value = |write: &KvWrite| match write {
        KvWrite::Put { value, .. } => Some(written(value)),
        KvWrite::Delete => None,
    };
    changes.iter().map(|it| (it.key.clone(), value(&it.write))).collect()
}

/// The secrets that stand in what a call leaves behind.
fn told_secrets(case: &Case, made: &Made) -> Result<Vec<String>> {
    let Outcome { result, kv, logs, .. } = &made.outcome;
    let mut told = vec![
        ("its answer or error", serde_json::to_string(result)?),
        ("its log", serde_json::to_string(logs)?),
    ];
    for change in kv {
        if let KvWrite::Put { value, .. } = &change.write {
            told.push(("what it remembers", String::from_utf8_lossy(value).into_owned()));
        }
    }
    // What brings the text along, as a code that a customer typed, is not the plugin's doing.
    let given = serde_json::to_string(&(&case.call, &case.config, &case.remembered))?;
    let kept = |(name, secret): (&String, &String)| {
        let is_told = |(_, text): &&(_, String)| text.contains(secret) && !given.contains(secret);
        let (place, _) = told.iter().find(is_told)?;
        Some(format!("the secret {name} stands in {place}: name it and leave its text out"))
    };
    Ok(case.secrets.iter().filter_map(kept).collect())
}

/// Whether a call changes something at a provider, so that it may have been done where nobody heard.
pub(crate) fn changes(call: &Call) -> bool {
    matches!(
        call,
        Call::BeginCheckout(_)
            | Call::ChargeSaved(_)
            | Call::Refund { .. }
            | Call::CancelSubscription { .. }
            | Call::ReportUsage(_)
            | Call::Deliver { .. }
    )
}
