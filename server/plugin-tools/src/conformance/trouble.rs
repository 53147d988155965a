//! A provider in trouble: what goes wrong decides what the portal does next.

use anyhow::Result;
use myrelay_plugin_host::{Call, LineAnswer, Unanswered, types::ErrorKind};

use crate::{
    cases::{Asked, Body, Case, Heard, Made, changes},
    conformance::{
        Finding, Suite, kind, reported,
        rules::{
            BROKEN, LOGIN, LOST, MISSING, PAGE, SAME, SILENCE, TOO_MANY, UNAVAILABLE, UNREACHED,
        },
        said,
    },
};

/// What a page that is no answer says. It is not for operators.
const GARBAGE: &str = "<html>busy</html>";
/// What `Retry-After` says, in seconds.
const WAIT_S: u64 = 7;

/// One thing that goes wrong.
struct Fault {
    rule: &'static str,
    told: Heard,
    /// What the plugin may say of it.
    kinds: &'static [ErrorKind],
    /// The same, where the request changes something and must not be made twice.
    once: &'static [ErrorKind],
    why: &'static str,
}

impl Fault {
    /// What a server of this method says then; none where it has no such trouble.
    fn told_to(&self, method: &str) -> Option<Heard> {
        let Ok(answer) = &self.told else { return Some(self.told.clone()) };
        match (method, answer.status) {
            // The method that mails have in cases; the header says at which step.
            ("MAIL", 401) => Some(status(535, &[("step", "login")], "no")),
            ("MAIL", 503) => Some(status(421, &[("step", "server")], "busy")),
            ("MAIL", _) => None,
            _ => Some(self.told.clone()),
        }
    }
}

fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Heard {
    let headers = headers.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
    Ok(LineAnswer { status, headers, body: body.as_bytes().to_vec() })
}

fn faults() -> Vec<Fault> {
    use ErrorKind::{Indeterminate, InvalidConfig, RateLimited, Unavailable};
    const EITHER: &[ErrorKind] = &[Indeterminate, Unavailable];
    const UNHEARD: &[ErrorKind] = &[Indeterminate];
    const NOTHING_DONE: &[ErrorKind] = &[Unavailable];
    let lost = "it may have been done: `unavailable` would have it done twice";
    let page = &[("content-type", "text/html")];
    vec![
        Fault {
            rule: TOO_MANY,
            told: status(429, &[("retry-after", "7")], ""),
            kinds: &[RateLimited],
            once: &[RateLimited],
            why: "the portal waits as long as it is told",
        },
        Fault {
            rule: LOGIN,
            told: status(401, &[], "{}"),
            kinds: &[InvalidConfig],
            once: &[InvalidConfig],
            why: "trying again does not help before the settings are others",
        },
        Fault {
            rule: UNAVAILABLE,
            told: status(503, &[], ""),
            kinds: NOTHING_DONE,
            // Where money moves a plugin may trust nobody.
            once: EITHER,
            why: "who says 503 did nothing",
        },
        Fault { rule: BROKEN, told: status(500, &[], ""), kinds: EITHER, once: UNHEARD, why: lost },
        Fault {
            rule: PAGE,
            told: status(502, page, GARBAGE),
            kinds: EITHER,
            once: UNHEARD,
            why: lost,
        },
        Fault {
            rule: LOST,
            told: Err(Unanswered::Interrupted),
            kinds: EITHER,
            once: UNHEARD,
            why: lost,
        },
        Fault {
            rule: SILENCE,
            told: Err(Unanswered::Timeout),
            kinds: EITHER,
            once: UNHEARD,
            why: lost,
        },
        Fault {
            rule: UNREACHED,
            told: Err(Unanswered::Connect),
            kinds: NOTHING_DONE,
            once: NOTHING_DONE,
            why: "nothing was sent",
        },
    ]
}

/// Whether trouble ends the call: a report on health tells of it instead.
fn fails(call: &Call) -> bool {
    !matches!(call, Call::Health | Call::Describe | Call::ValidateConfig(_) | Call::Deactivate)
}

/// Whether a secret is in a request: without one, nobody logs in.
fn logs_in(request: &Asked) -> bool {
    let holds = |it: &str| it.contains("{{secret ");
    let in_body = match &request.body {
        Some(Body::Json(value)) => holds(&value.to_string()),
        Some(Body::Text(text)) => holds(text),
        Some(Body::Base64(_)) | None => false,
    };
    request.auth.is_some()
        || in_body
        || holds(&request.url)
        || request.headers.iter().any(|it| holds(&it.1))
}

impl Suite<'_> {
    /// Every request of every good case goes wrong, in every way.
    pub(super) async fn trouble(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let cases = self.good(fails);
        let cases: Vec<_> = cases.into_iter().filter(|it| !it.1.http.is_empty()).collect();
        if cases.is_empty() {
            return Ok(());
        }
        for fault in faults().iter().filter(|it| (self.wants)(it.rule)) {
            let mut wrong = Vec::new();
            for (name, case) in &cases {
                for (at, exchange) in case.http.iter().enumerate() {
                    if fault.rule == LOGIN && !logs_in(&exchange.request) {
                        continue;
                    }
                    if let Some(told) = fault.told_to(&exchange.request.method) {
                        wrong.extend(self.tried(name, (case, at), (fault, told)).await?);
                    }
                }
            }
            self.note(findings, fault.rule, wrong);
        }
        self.again(&cases, findings).await?;
        self.missing_secrets(&cases, findings).await
    }

    async fn tried(
        &self,
        name: &str,
        (case, at): (&Case, usize),
        (fault, told): (&Fault, Heard),
    ) -> Result<Option<String>> {
        let made = self.with_fault(case, at, told).await?;
        let Some(request) = case.http.get(at).map(|it| &it.request) else { return Ok(None) };
        if made.met.asked.len() <= at {
            // It asked something else before: the case says what.
            let told =
                format!("{name}, request {}: it is not asked for; see `case {name}`", at + 1);
            return Ok(Some(told));
        }
        let once = changes(&case.call) && self.facts.counts_once(request);
        // A message that may have arrived is not sent again.
        let carries = fault.rule == UNAVAILABLE && matches!(case.call, Call::Deliver { .. });
        let kinds = if once && !carries { fault.once } else { fault.kinds };
        let place = format!("{name}, request {} ({} {})", at + 1, request.method, request.url);
        let meant: Vec<String> = kinds.iter().map(|it| kind(*it)).collect();
        let expected = format!("expected {}, since {}", meant.join(" or "), fault.why);
        let error = match reported(&made) {
            Ok(error) => error,
            Err(instead) => return Ok(Some(format!("{place}: {expected}; {instead}"))),
        };
        let actual = error.kind;
        if !kinds.contains(&actual) {
            return Ok(Some(format!("{place}: {expected}; {}", said(error))));
        }
        if actual == ErrorKind::RateLimited && error.retry_after_ms != Some(WAIT_S * 1000) {
            let wait = error.retry_after_ms;
            return Ok(Some(format!(
                "{place}: Retry-After says {WAIT_S}: expected retry-after-ms {}, and it is {}",
                WAIT_S * 1000,
                wait.map_or("not there".to_owned(), |it| it.to_string())
            )));
        }
        let tells = error.message.contains("<html>");
        Ok(tells.then(|| format!("{place}: the message holds the provider's page: leave it out")))
    }

    /// A delivery is tried again: both tries have to ask the same, so that the provider can tell.
    async fn again(&self, cases: &[(&String, &Case)], findings: &mut Vec<Finding>) -> Result<()> {
        if !(self.wants)(SAME) {
            return Ok(());
        }
        let mut wrong = Vec::new();
        for (name, case) in cases {
            let first = self.bench.make(case, None).await?;
            let second = self.bench.make_again(case).await?;
            let asked = |it: Made| -> Vec<_> {
                it.met.asked.into_iter().map(|it| self.facts.without_new(it)).collect()
            };
            if asked(first) != asked(second) {
                wrong.push(format!(
                    "{name}: make keys by idempotency-key, and of nothing that differs between tries, such \
                     as `attempt`"
                ));
            }
        }
        self.note(findings, SAME, wrong);
        Ok(())
    }

    /// Without a secret nothing is asked, and the operator reads which one is missing.
    async fn missing_secrets(
        &self,
        cases: &[(&String, &Case)],
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        if !(self.wants)(MISSING) {
            return Ok(());
        }
        let mut wrong = Vec::new();
        for (name, case) in cases {
            for secret in case.secrets.keys() {
                let mut without = (*case).clone();
                without.secrets.remove(secret);
                let made = self.bench.make(&without, None).await?;
                let told = match reported(&made) {
                    Err(_) if made.outcome.result.is_ok() => continue,
                    Err(instead) => instead,
                    Ok(error) if error.kind != ErrorKind::InvalidConfig => said(error),
                    Ok(error) if !error.message.contains(secret.as_str()) => {
                        format!("the message does not name it: {}", error.message)
                    }
                    Ok(_) => continue,
                };
                wrong.push(format!("{name} without {secret}: expected invalid-config; {told}"));
            }
        }
        self.note(findings, MISSING, wrong);
        Ok(())
    }
}
