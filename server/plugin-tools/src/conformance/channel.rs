//! What every plugin that carries messages has to stand.

use anyhow::Result;
use myrelay_plugin_host::{
    Answer, Call,
    notifier::{Outcome, Permanent},
    types::ErrorKind,
};
use serde_json::Value;

use crate::{
    cases::{Case, Made},
    conformance::{
        FILE, Finding, Suite, broken, reported,
        rules::{DELIVERY, LEFT_ALONE, WHOLE},
        said, shown,
    },
};

/// A message with everything that is easily lost.
const SUBJECT: &str = "Your \"plan\" ends";
const TEXT: &str = "It ends on Friday.\nGrüße, 🛰";

impl Suite<'_> {
    pub(super) async fn channel(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let cases = self.good(|it| matches!(it, Call::Deliver { .. }));
        let sent = |it: &&Case| matches!(&it.answer, Some(Answer::Delivered(Outcome::Sent(_))));
        let Some(case) = cases.into_iter().map(|it| it.1).find(sent) else {
            let told = "no case is a delivery that arrives: record one by `myrelay plugin test \
                        --record fixtures/deliver.json --config dev/config.json --secrets dev/secrets.json`, with \
                        `--private` where it asks for an address of your own network";
            self.note(findings, DELIVERY, vec![told.to_owned()]);
            return Ok(());
        };
        if (self.wants)(WHOLE) {
            let wrong = self.whole(case).await?;
            self.note(findings, WHOLE, wrong);
        }
        if (self.wants)(LEFT_ALONE) {
            let wrong = self.no_address(case).await?;
            self.note(findings, LEFT_ALONE, wrong);
        }
        Ok(())
    }

    async fn whole(&self, case: &Case) -> Result<Vec<String>> {
        let mut case = case.clone();
        if let Call::Deliver { message, .. } = &mut case.call {
            SUBJECT.clone_into(&mut message.subject);
            TEXT.clone_into(&mut message.text);
        }
        let made = self.bench.make_loosely(&case).await?;
        let arrived: Vec<String> = made.met.asked.iter().map(|it| texts(&it.body)).collect();
        let arrives = |part: &str| arrived.iter().any(|it| it.contains(part));
        let missing = [SUBJECT, TEXT].into_iter().filter(|it| !arrives(it));
        Ok(missing.map(|it| format!("{it:?} stands in no request as it was written")).collect())
    }

    async fn no_address(&self, case: &Case) -> Result<Vec<String>> {
        let Some(facts) = &self.facts.notification else {
            return Ok(vec![format!(
                "tests/{FILE} does not say what is no address: add [notification] no_address = \"…\""
            )]);
        };
        let mut wrong = Vec::new();
        let (mut delivery, mut begin) = (case.clone(), case.clone());
        if let Call::Deliver { to, .. } = &mut delivery.call {
            facts.no_address.clone_into(&mut to.address);
            let (account, address) = (to.account.clone(), to.address.clone());
            begin.call = Call::BeginVerification { account, address };
        }
        let made = self.bench.make(&delivery, None).await?;
        let rejected = |it: &Answer| {
            matches!(it, Answer::Delivered(Outcome::Rejected(Permanent::InvalidAddress(_))))
        };
        match &made.outcome.result {
            Ok(answer) if rejected(answer) => {}
            Ok(answer) => wrong.push(format!(
                "deliver: expected rejected(invalid-address); it answers {}",
                shown(answer)
            )),
            Err(failure) => wrong.push(format!(
                "deliver: expected rejected(invalid-address), which ends the channel; {}",
                broken(failure)
            )),
        }
        wrong.extend(asked("deliver", &made));
        let made = self.bench.make(&begin, None).await?;
        let told = match reported(&made) {
            Ok(error) if error.kind == ErrorKind::InvalidInput => None,
            Ok(error) => Some(said(error)),
            Err(instead) => Some(instead),
        };
        let told = told.map(|it| format!("begin-verification: expected invalid-input; {it}"));
        wrong.extend(told);
        wrong.extend(asked("begin-verification", &made));
        Ok(wrong)
    }
}

/// That a request was made where none is to be.
fn asked(what: &str, made: &Made) -> Option<String> {
    let first = made.met.asked.first()?;
    Some(format!("{what}: it asks {} {}: judge the address before", first.method, first.url))
}

/// All texts of a body: of JSON, of a form, or as it is.
fn texts(body: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let mut texts = String::new();
        collect(&value, &mut texts);
        return texts;
    }
    let form = url::form_urlencoded::parse(body);
    let plain: String = form.map(|(name, value)| format!("{name}={value}\n")).collect();
    format!("{plain}\n{}", String::from_utf8_lossy(body))
}

fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(values) => values.iter().for_each(|it| collect(it, texts)),
        Value::Object(fields) => fields.values().for_each(|it| collect(it, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_body_says_is_read() {
        assert!(texts(br#"{"a":["x \"y\"",{"b":"z"}]}"#).contains("x \"y\"\nz"));
        assert!(texts("text=Gr%C3%BC%C3%9Fe%2C+%22".as_bytes()).starts_with("text=Grüße, \"\n"));
        assert!(texts("50 % + 1".as_bytes()).contains("50 % + 1"));
    }
}
