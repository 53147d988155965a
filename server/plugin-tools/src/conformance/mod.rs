//! What every plugin of a kind has to stand, whatever provider it speaks to.
//!
//! The provider is what the plugin's own recorded cases say of it: each request of a good case goes
//! wrong in turn, each webhook comes twice, late and forged. What only the author knows stands in
//! `tests/conformance.toml`.

mod billing;
mod channel;
mod facts;
mod rules;
mod signer;
mod trouble;
mod webhooks;

use std::collections::BTreeMap;

use anyhow::Result;
use myrelay_plugin_host::{Answer, Call, Failure, Kind, types};
use serde_json::Value;

use crate::cases::{Bench, Case, Heard, Made};

pub(crate) use facts::{FILE, Facts};

/// One rule and what does not keep to it.
pub(crate) struct Finding {
    pub(crate) rule: String,
    pub(crate) wrong: Vec<String>,
}

/// A plugin, its recorded cases, and what its author says of its provider.
pub(crate) struct Suite<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) cases: &'a BTreeMap<String, Case>,
    pub(crate) facts: &'a Facts,
    /// Whether a rule of this name is to be tried.
    pub(crate) wants: &'a dyn Fn(&str) -> bool,
}

impl Suite<'_> {
    /// Tries every rule of the plugin's kinds. What cannot be tried is a finding of its own, and the
    /// others are tried all the same.
    pub(crate) async fn run(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let tried = self.trouble(&mut findings).await;
        told(rules::TROUBLE_TRIED, tried, &mut findings);
        let kinds = &self.bench.package().manifest().kinds;
        if kinds.contains(&Kind::Notification) {
            let tried = self.channel(&mut findings).await;
            told(rules::MESSAGES_TRIED, tried, &mut findings);
        }
        if kinds.contains(&Kind::Billing) {
            let tried = self.billing(&mut findings).await;
            told(rules::MONEY_TRIED, tried, &mut findings);
            let tried = self.webhooks(&mut findings).await;
            told(rules::WEBHOOKS_TRIED, tried, &mut findings);
        }
        findings
    }

    /// The cases whose call is of one kind and that end in an answer.
    fn good(&self, is_meant: impl Fn(&Call) -> bool) -> Vec<(&String, &Case)> {
        self.cases.iter().filter(|(_, it)| it.answer.is_some() && is_meant(&it.call)).collect()
    }

    /// What is wrong with a case while one of its requests goes wrong.
    async fn with_fault(&self, case: &Case, at: usize, told: Heard) -> Result<Made> {
        self.bench.make(case, Some((at, told))).await
    }

    /// Writes down what is wrong with one rule, where it is wanted.
    fn note(&self, findings: &mut Vec<Finding>, rule: &str, wrong: Vec<String>) {
        if (self.wants)(rule) {
            findings.push(Finding { rule: rule.to_owned(), wrong });
        }
    }
}

/// Writes down that something could not be tried.
fn told(rule: &str, tried: Result<()>, findings: &mut Vec<Finding>) {
    if let Err(error) = tried {
        findings.push(Finding { rule: rule.to_owned(), wrong: vec![format!("{error:#}")] });
    }
}

/// The error that a plugin reports; otherwise what came instead.
fn reported(made: &Made) -> std::result::Result<&types::Error, String> {
    match &made.outcome.result {
        Err(Failure::Reported(error)) => Ok(error),
        Ok(answer) => Err(format!("it answers {}", shown(answer))),
        Err(failure) => Err(format!("it ends in {}", broken(failure))),
    }
}

/// A failure on one line.
fn broken(failure: &Failure) -> String {
    match failure {
        Failure::Reported(error) => said(error),
        failure => crate::cases::shown(&serde_json::to_value(failure).unwrap_or(Value::Null)),
    }
}

/// A kind of error as the interface writes it: `invalid-config`.
fn kind(kind: types::ErrorKind) -> String {
    let name = serde_json::to_value(kind).unwrap_or(Value::Null);
    let mut text = String::new();
    for letter in name.as_str().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// What a plugin says went wrong, on one line.
fn said(error: &types::Error) -> String {
    format!("it says {}: {}", kind(error.kind), error.message)
}

/// An answer on one line.
fn shown(answer: &Answer) -> String {
    let value = serde_json::to_value(answer).unwrap_or(Value::Null);
    crate::cases::shown(&value)
}
