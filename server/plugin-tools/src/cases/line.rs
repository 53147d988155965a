//! What stands in the provider's place while a case is run or recorded.

use std::sync::{Mutex, MutexGuard, PoisonError};

use myrelay_plugin_host::{Line, LineAnswer, LineRequest, Unanswered};
use serde_json::Value;

use crate::cases::{Asked, Body, Exchange, Fails, Told, differences};

/// What a provider says.
pub(crate) type Heard = Result<LineAnswer, Unanswered>;

/// The provider of one case: it answers what stands there, and notes what was asked otherwise.
#[derive(Default)]
pub(crate) struct Provider(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    expected: Vec<(Asked, Heard)>,
    /// Answers something else to the request of this number.
    fault: Option<(usize, Heard)>,
    /// Whether what is asked is not compared.
    loose: bool,
    asked: Vec<LineRequest>,
    wrong: Vec<String>,
}

/// What a provider was asked in one call.
pub(crate) struct Met {
    pub(crate) asked: Vec<LineRequest>,
    /// What was not as expected.
    pub(crate) wrong: Vec<String>,
}

impl Provider {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call: these requests are expected, and perhaps one of them goes wrong.
    pub(crate) fn expect(&self, expected: Vec<(Asked, Heard)>, fault: Option<(usize, Heard)>) {
        *self.inner() = Inner { expected, fault, ..Inner::default() };
    }

    /// Begins a call whose requests may be any, in the order of these answers.
    pub(crate) fn expect_any(&self, expected: Vec<(Asked, Heard)>) {
        *self.inner() = Inner { expected, loose: true, ..Inner::default() };
    }

    /// What was asked since.
    pub(crate) fn met(&self) -> Met {
        let mut inner = self.inner();
        let (asked, mut wrong) =
            (std::mem::take(&mut inner.asked), std::mem::take(&mut inner.wrong));
        if inner.fault.is_none() {
            for (at, (missing, _)) in inner.expected.iter().enumerate().skip(asked.len()) {
                let Asked { method, url, .. } = missing;
                wrong.push(format!(
                    "request {}: expected {method} {url}, and there is none",
                    at + 1
                ));
            }
        }
        Met { asked, wrong }
    }
}

impl Line for Provider {
    fn answer(&self, request: &LineRequest) -> Option<Heard> {
        let mut inner = self.inner();
        let at = inner.asked.len();
        inner.asked.push(request.clone());
        if let Some((_, told)) = inner.fault.as_ref().filter(|it| it.0 == at) {
            return Some(told.clone());
        }
        let Some((expected, told)) = inner.expected.get(at).cloned() else {
            let LineRequest { method, url, .. } = request;
            let told = format!("request {}: expected none, and it asks for {method} {url}", at + 1);
            inner.wrong.push(told);
            return Some(Err(Unanswered::Connect));
        };
        let wrong = if inner.loose { Vec::new() } else { unlike(at + 1, &expected, request) };
        if !wrong.is_empty() {
            inner.wrong.extend(wrong);
            return Some(Err(Unanswered::Connect));
        }
        Some(told)
    }

    fn heard(&self, _: &LineRequest, _: Heard) {}
}

/// What is not as expected in a request.
fn unlike(number: usize, expected: &Asked, actual: &LineRequest) -> Vec<String> {
    let what = |part: &str| format!("request {number}: {part}");
    let text = |it: &str| Value::from(it);
    let mut told = differences(&what("method"), &text(&expected.method), &text(&actual.method));
    told.extend(differences(&what("url"), &text(&expected.url), &text(&actual.url)));
    let auth = |it: &Option<String>| Value::from(it.clone());
    told.extend(differences(&what("auth"), &auth(&expected.auth), &auth(&actual.auth)));
    for (name, value) in &expected.headers {
        let there = actual.headers.iter().find(|it| it.0.eq_ignore_ascii_case(name));
        let there = Value::from(there.map(|it| it.1.clone()));
        told.extend(differences(&what(&format!("header {name}")), &text(value), &there));
    }
    let body = match (&expected.body, Body::of(&actual.body)) {
        (Some(Body::Json(expected)), Some(Body::Json(actual))) => {
            differences(&what("body"), expected, &actual)
        }
        (expected, actual) => {
            differences(&what("body"), &plain(expected.as_ref()), &plain(actual.as_ref()))
        }
    };
    told.extend(body);
    told
}

/// A body as one value.
fn plain(body: Option<&Body>) -> Value {
    match body {
        None => Value::Null,
        Some(Body::Json(value)) => value.clone(),
        Some(Body::Text(text) | Body::Base64(text)) => Value::from(text.as_str()),
    }
}

/// Lets requests go to the network, and writes down what came of them.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Exchange>>);

impl Recorder {
    /// What was asked and answered so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Line for Recorder {
    fn answer(&self, _: &LineRequest) -> Option<Heard> {
        None
    }

    fn heard(&self, request: &LineRequest, answer: Heard) {
        let (told, fails) = match answer {
            Ok(answer) => (Some(Told::of(&answer)), None),
            Err(why) => (None, Some(Fails::from(why))),
        };
        let exchange = Exchange { request: Asked::of(request), answer: told, fails };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }
}
