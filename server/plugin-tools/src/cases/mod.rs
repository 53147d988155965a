//! Recorded cases: a call, what the plugin asked the provider and heard, and what came of it.

mod differences;
mod line;
mod run;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_plugin_host::{Answer, Call, Failure, LineAnswer, LineRequest, Unanswered};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{call::INPUT_BYTES, files, store::Written};

pub(crate) use differences::{differences, shown};
pub(crate) use line::{Heard, Recorder};
pub(crate) use run::{Bench, Made, changes, writes};

/// The folder of the cases in a plugin's own.
pub(crate) const FOLDER: &str = "tests";
/// The most cases of a plugin.
const CASES: usize = 500;
/// The delivery of a case that names none.
pub(crate) const DELIVERY: &str = "trial-1";
/// The time of a case that names none: 2026-03-20T09:30:00Z.
const NOW_MS: u64 = 1_773_999_000_000;

fn delivery() -> String {
    DELIVERY.to_owned()
}

fn now_ms() -> u64 {
    NOW_MS
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A case as it stands in its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What the plugin is asked.
    pub(crate) call: Call,
    /// The same for every try of one delivery.
    #[serde(default = "delivery")]
    pub(crate) delivery: String,
    /// When what it is about happened, in milliseconds since 1970 UTC.
    #[serde(default = "now_ms")]
    pub(crate) now_ms: u64,
    /// The settings; defaults of the schema are filled in.
    #[serde(default = "nothing")]
    pub(crate) config: Value,
    /// Names and texts that are no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) secrets: BTreeMap<String, String>,
    /// What it remembered before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) remembered: BTreeMap<String, Written>,
    /// Its requests in their order, and what the provider answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) http: Vec<Exchange>,
    /// What the plugin answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Answer>,
    /// Instead of an answer: why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
    /// Lines of its log in their order, where they matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<Vec<Line>>,
    /// What it wants remembered, or forgotten where it is null.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) writes: BTreeMap<String, Option<Written>>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) level: myrelay_plugin_host::log::Level,
    pub(crate) message: String,
}

/// One request and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(crate) request: Asked,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Told>,
    /// Instead of an answer: why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fails: Option<Fails>,
}

/// A request as the plugin writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Those that have to be there; others are not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Body>,
}

/// An answer of the provider's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) status: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Body>,
}

/// A body: JSON, another text, or bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    Json(Value),
    Text(String),
    Base64(String),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Fails {
    Connect,
    Interrupted,
    Timeout,
    Other,
}

impl Fails {
    pub(crate) fn as_host_tells(self) -> Unanswered {
        match self {
            Self::Connect => Unanswered::Connect,
            Self::Interrupted => Unanswered::Interrupted,
            Self::Timeout => Unanswered::Timeout,
            Self::Other => Unanswered::Other,
        }
    }
}

impl From<Unanswered> for Fails {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Connect => Self::Connect,
            Unanswered::Interrupted => Self::Interrupted,
            Unanswered::Timeout => Self::Timeout,
            Unanswered::Other => Self::Other,
        }
    }
}

impl Body {
    /// A body as it is written down; none where there is none.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        Some(match str::from_utf8(bytes) {
            Ok(text) => match serde_json::from_str::<Value>(text) {
                Ok(value) if value.is_object() || value.is_array() => Self::Json(value),
                _ => Self::Text(text.to_owned()),
            },
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        })
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Base64(text) => STANDARD.decode(text).context("body.base64 is no base64")?,
        })
    }
}

impl Asked {
    pub(crate) fn of(request: &LineRequest) -> Self {
        let LineRequest { method, url, headers, auth, body } = request.clone();
        Self { method, url, headers, auth, body: Body::of(&body) }
    }
}

impl Told {
    pub(crate) fn of(answer: &LineAnswer) -> Self {
        let LineAnswer { status, headers, body } = answer.clone();
        Self { status, headers, body: Body::of(&body) }
    }

    pub(crate) fn as_host_tells(&self) -> Result<LineAnswer> {
        let body = self.body.as_ref().map(Body::bytes).transpose()?.unwrap_or_default();
        Ok(LineAnswer { status: self.status, headers: self.headers.clone(), body })
    }
}

impl Exchange {
    /// What the provider answers.
    ///
    /// # Errors
    /// When neither an answer stands there nor why there is none, or both.
    pub(crate) fn told(&self) -> Result<std::result::Result<LineAnswer, Unanswered>> {
        match (&self.answer, self.fails) {
            (Some(answer), None) => Ok(Ok(answer.as_host_tells()?)),
            (None, Some(why)) => Ok(Err(why.as_host_tells())),
            _ => bail!("an entry of http has either answer or fails"),
        }
    }
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// With the file, the field and the rule.
    pub(crate) fn read(place: &Path) -> Result<Self> {
        let text = files::read_text(place, INPUT_BYTES)?;
        let shown = place.display();
        let case: Self = serde_json::from_str(&text)
            .with_context(|| format!("{shown}: no case, as docs/plugins.md writes them"))?;
        if case.answer.is_some() == case.error.is_some() {
            bail!("{shown}: a case has either answer or error: what comes of the call");
        }
        for (at, exchange) in case.http.iter().enumerate() {
            let _sound = exchange.told().with_context(|| format!("{shown}: http[{at}]"))?;
        }
        Ok(case)
    }
}

/// The cases of a plugin by their names, which are those of their files without `.json`.
///
/// # Errors
/// When one cannot be read, or there are too many.
pub(crate) fn all(folder: &Path) -> Result<BTreeMap<String, Case>> {
    let place = folder.join(FOLDER);
    if !place.is_dir() {
        return Ok(BTreeMap::new());
    }
    let entries =
        fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))?;
    let mut cases = BTreeMap::new();
    for entry in entries {
        let path: PathBuf =
            entry.with_context(|| format!("cannot read {}", place.display()))?.path();
        let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|it| it == "json") && path.is_file() {
            cases.insert(name, Case::read(&path)?);
        }
        if CASES < cases.len() {
            bail!("{} has more than {CASES} cases", place.display());
        }
    }
    Ok(cases)
}
