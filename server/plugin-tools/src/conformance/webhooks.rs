//! Webhooks: genuine ones in any order, and everything that is not the provider's.

use std::collections::BTreeMap;

use anyhow::Result;
use myrelay_plugin_host::{
    Answer, Call, Failure,
    webhooks::{Outcome, Rejection, Request},
};
use serde_json::{Value, json};

use crate::{
    cases::{Case, Made, writes},
    conformance::{
        FILE, Finding, Suite, broken,
        facts::Signing,
        rules::{FORGED, ODD, STALE, STRANGERS, TWICE, UNKNOWN, WEBHOOK},
        shown,
        signer::Flaw,
    },
};

/// One genuine webhook.
struct Hook<'a> {
    name: &'a str,
    case: &'a Case,
    request: &'a Request,
    secret: &'a str,
    signing: &'a Signing,
}

impl Hook<'_> {
    fn signed(&self, flaw: Flaw) -> Request {
        self.signing.sign(self.request, self.secret, flaw)
    }

    fn case(&self, request: Request) -> Case {
        Case { call: Call::Webhook(request), ..self.case.clone() }
    }
}

impl Suite<'_> {
    pub(super) async fn webhooks(&self, findings: &mut Vec<Finding>) -> Result<()> {
        if self.bench.package().manifest().webhooks.is_none() {
            return self.unknown(findings).await;
        }
        let hooks = match self.hooks() {
            Ok(hooks) => hooks,
            Err(told) => {
                self.note(findings, WEBHOOK, vec![told]);
                return Ok(());
            }
        };
        for rule in [TWICE, FORGED, STALE, STRANGERS, ODD] {
            if !(self.wants)(rule)
                || (rule == STALE && !hooks.iter().any(|it| it.signing.is_timed()))
            {
                continue;
            }
            let wrong = match rule {
                TWICE => self.twice(&hooks).await?,
                FORGED => self.forged(&hooks).await?,
                STALE => self.stale(&hooks).await?,
                STRANGERS => self.strangers(&hooks).await?,
                _ => self.odd(&hooks).await?,
            };
            self.note(findings, rule, wrong);
        }
        Ok(())
    }

    /// Every recorded webhook that is taken, and how it is signed.
    fn hooks(&self) -> std::result::Result<Vec<Hook<'_>>, String> {
        let Some(signing) = &self.facts.webhooks else {
            return Err(format!(
                "tests/{FILE} does not say how the provider signs: add [webhooks] secret, header, \
                 value (\"t={{time}},v1={{hmac}}\") and signed (\"{{time}}.{{body}}\")"
            ));
        };
        let mut hooks = Vec::new();
        for (name, case) in self.good(|it| matches!(it, Call::Webhook(_))) {
            let Call::Webhook(request) = &case.call else { continue };
            let Some(secret) = case.secrets.get(&signing.secret) else {
                return Err(format!(
                    "{name}: secrets has no {}, which tests/{FILE} says that webhooks are signed with",
                    signing.secret
                ));
            };
            if matches!(&case.answer, Some(Answer::Webhook(Outcome::Accepted(_)))) {
                hooks.push(Hook { name, case, request, secret, signing });
            }
        }
        if hooks.is_empty() {
            return Err(
                "no case is a webhook that is accepted: write one, signed with the text that \
                        stands in its secrets"
                    .to_owned(),
            );
        }
        Ok(hooks)
    }

    /// What a plugin without webhooks says of one.
    async fn unknown(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let Some(case) = self.cases.values().next() else { return Ok(()) };
        let request = json!({
            "method": "POST", "path": "/", "query": "", "headers": [], "body": [123, 125],
            "received_at": case.now_ms, "source_ip": "203.0.113.7",
        });
        let call = Call::Webhook(serde_json::from_value(request)?);
        let made = self.bench.make(&Case { call, ..case.clone() }, None).await?;
        let wrong = outcome(&made, |it| matches!(it, Outcome::Rejected(_)), "rejected");
        self.note(findings, UNKNOWN, wrong.into_iter().collect());
        Ok(())
    }

    /// The same webhooks again, the last first, with what those before left: each says what it
    /// said.
    async fn twice(&self, hooks: &[Hook<'_>]) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let mut kept = BTreeMap::new();
        for hook in hooks.iter().chain(hooks.iter().rev()) {
            let mut case = hook.case(hook.signed(Flaw::None));
            case.remembered.extend(kept.clone());
            // What it remembers it need not ask again.
            let made = self.bench.make_loosely(&case).await?;
            for (key, value) in writes(&made.outcome.kv) {
                match value {
                    Some(value) => drop(kept.insert(key, value)),
                    None => drop(kept.remove(&key)),
                }
            }
            let expected = serde_json::to_value(&hook.case.answer)?;
            let actual = serde_json::to_value(made.outcome.result.as_ref().ok())?;
            let told = crate::cases::differences(hook.name, &expected, &actual);
            if !told.is_empty() {
                wrong.push(format!(
                    "{}, signed as tests/{FILE} says: it has to say the same as in its case",
                    hook.name
                ));
            }
            wrong.extend(told);
        }
        wrong.dedup();
        Ok(wrong)
    }

    async fn forged(&self, hooks: &[Hook<'_>]) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for hook in hooks {
            for flaw in [Flaw::OtherSecret, Flaw::OtherBody, Flaw::Missing] {
                let made = self.bench.make(&hook.case(hook.signed(flaw)), None).await?;
                let bad = |it: &Outcome| matches!(it, Outcome::Rejected(Rejection::BadSignature));
                let told = outcome(&made, bad, "rejected(bad-signature)");
                wrong.extend(told.map(|it| format!("{}, {}: {it}", hook.name, flaw.words())));
            }
        }
        Ok(wrong)
    }

    async fn stale(&self, hooks: &[Hook<'_>]) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for hook in hooks {
            let made = self.bench.make(&hook.case(hook.signed(Flaw::Stale)), None).await?;
            let stale = |it: &Outcome| matches!(it, Outcome::Rejected(Rejection::Stale));
            let told = outcome(&made, stale, "rejected(stale), as of a day ago");
            wrong.extend(told.map(|it| format!("{}: {it}", hook.name)));
        }
        Ok(wrong)
    }

    async fn strangers(&self, hooks: &[Hook<'_>]) -> Result<Vec<String>> {
        let Some(hook) = hooks.first() else { return Ok(Vec::new()) };
        let sound = hook.signed(Flaw::None);
        let mut sent = Vec::new();
        for at in (0..sound.body.len()).step_by(sound.body.len().div_ceil(12).max(1)) {
            let mut request = sound.clone();
            if let Some(byte) = request.body.get_mut(at) {
                *byte ^= 1;
            }
            sent.push((format!("another byte {at}"), request.clone()));
            request.body.truncate(at);
            sent.push((format!("only {at} bytes of its body"), request));
        }
        let many = "v1=00,".repeat(2000) + "t=1";
        for odd in
            ["", "=", ",", "t=,v1=", "t=1", "v1=00", "sha256=", "sha256=zz", "t=é,v1=é", &many]
        {
            let mut request = sound.clone();
            for header in &mut request.headers {
                if header.0 == hook.signing.header {
                    odd.clone_into(&mut header.1);
                }
            }
            let odd: String = odd.chars().take(80).collect();
            sent.push((format!("the header {}: {odd:?}", hook.signing.header), request));
        }
        let mut wrong = Vec::new();
        for (what, request) in sent {
            let made = self.bench.make(&hook.case(request), None).await?;
            let told = outcome(&made, |it| matches!(it, Outcome::Rejected(_)), "rejected");
            wrong.extend(told.map(|it| format!("{} with {what}: {it}", hook.name)));
        }
        Ok(wrong)
    }

    /// Genuine events in which something is not there, or is something else: the plugin answers, or
    /// says what it lacks.
    async fn odd(&self, hooks: &[Hook<'_>]) -> Result<Vec<String>> {
        let odd = [Value::Null, json!("\u{202e}odd\n"), json!(-1), json!([{}])];
        let mut odd = odd.iter().cycle();
        let mut wrong = Vec::new();
        for hook in hooks {
            let Ok(event) = serde_json::from_slice::<Value>(&hook.request.body) else { continue };
            let mut places = Vec::new();
            places_in(&event, String::new(), &mut places);
            for place in places {
                let (mut event, Some(other)) = (event.clone(), odd.next()) else { continue };
                let Some(it) = event.pointer_mut(&place) else { continue };
                other.clone_into(it);
                let sent = Request { body: event.to_string().into_bytes(), ..hook.request.clone() };
                let request = hook.signing.sign(&sent, hook.secret, Flaw::None);
                let made = self.bench.make(&hook.case(request), None).await?;
                if let Err(failure) = &made.outcome.result
                    && !matches!(failure, Failure::Reported(_))
                {
                    wrong.push(format!(
                        "{} with {other} at {place}: expected an answer or an error; {}",
                        hook.name,
                        broken(failure)
                    ));
                }
            }
        }
        Ok(wrong)
    }
}

/// What is wrong with how a webhook was taken.
fn outcome(made: &Made, fits: impl Fn(&Outcome) -> bool, expected: &str) -> Option<String> {
    match &made.outcome.result {
        Ok(Answer::Webhook(outcome)) if fits(outcome) => None,
        Ok(answer) => Some(format!("expected {expected}; it answers {}", shown(answer))),
        Err(failure) => Some(format!("expected {expected}; {}", broken(failure))),
    }
}

/// A pointer to everything that stands in a value.
fn places_in(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places_in(value, format!("{place}/{name}"), places);
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                places_in(value, format!("{place}/{at}"), places);
            }
        }
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}
