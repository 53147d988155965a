//! Settings that name servers: `x-server` says so in a schema, so that one that is not granted is
//! found where it is typed, and not by the first thing that goes there.

use myrelay_plugin_host::{
    AskedHttp, Denied, HttpGrant, Refusal, Scheme, judge_mail_server, judge_server,
};
use serde_json::{Map, Value};

use crate::schema::{ConfigSchema, PROBLEMS, SettingsProblem};

/// What a schema calls it.
const KEYWORD: &str = "x-server";

/// How the server is spoken to.
#[derive(Clone, Copy)]
enum By {
    /// The setting is a URL.
    Http,
    /// The setting is an object with `host`, and perhaps `port` and `security`.
    Smtp,
}

/// What a schema says of a setting.
struct Said<'a> {
    by: By,
    /// What the settings beside it have to be, or nothing goes to this server.
    when: Option<&'a Map<String, Value>>,
}

impl<'a> Said<'a> {
    /// What is said of the setting that this is the schema of; none: it names no server.
    fn of(schema: &'a Value) -> Result<Option<Self>, &'static str> {
        let Some(said) = schema.get(KEYWORD) else { return Ok(None) };
        let form =
            "it is { \"by\": \"http\" } or { \"by\": \"smtp\" }, and may have \"when\": an object";
        let said = said.as_object().ok_or(form)?;
        if said.keys().any(|it| it != "by" && it != "when") {
            return Err(form);
        }
        let by = match said.get("by").and_then(Value::as_str) {
            Some("http") => By::Http,
            Some("smtp") => By::Smtp,
            _ => return Err(form),
        };
        let when = said.get("when").map(|it| it.as_object().ok_or(form)).transpose()?;
        let has_host = schema.get("properties").is_some_and(|it| it.get("host").is_some());
        match (by, schema.get("type").and_then(Value::as_str)) {
            (By::Http, Some("string")) => {}
            (By::Smtp, Some("object")) if has_host => {}
            (By::Http, _) => return Err("\"http\" is for a setting of type string, a URL"),
            (By::Smtp, _) => return Err("\"smtp\" is for an object with the property host"),
        }
        Ok(Some(Self { by, when }))
    }

    /// Whether anything goes there, by the settings beside it.
    fn counts(&self, beside: Option<&Map<String, Value>>) -> bool {
        let is =
            |(name, value): (&String, &Value)| beside.and_then(|it| it.get(name)) == Some(value);
        self.when.is_none_or(|it| it.iter().all(is))
    }
}

/// Refuses a schema that says of servers what means nothing.
pub(crate) fn check(schema: &Value, place: &str) -> Result<(), String> {
    Said::of(schema).map_err(|why| format!("{place}/{KEYWORD}: {why}"))?;
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        check(schema, &format!("{place}/properties/{}", escaped(name)))?;
    }
    schema.get("items").map_or(Ok(()), |it| check(it, &format!("{place}/items")))
}

impl ConfigSchema {
    /// The servers in these settings that a plugin may not reach by what it asks for and is granted,
    /// each with what would allow it. The settings fit the schema.
    #[must_use]
    pub fn ungranted(
        &self,
        settings: &Value,
        asked: &[AskedHttp],
        granted: &[HttpGrant],
    ) -> Vec<SettingsProblem> {
        let mut found = Vec::new();
        visit(self.value(), (settings, None), "", &mut found);
        let judged = found.into_iter().filter_map(|(place, named)| {
            let denied = named.judge(asked, granted).err()?;
            Some(SettingsProblem::new(&place, &named.advice(&denied)))
        });
        judged.take(PROBLEMS).collect()
    }
}

/// Finds the servers that a setting names, and the settings inside it.
fn visit(
    schema: &Value,
    (value, beside): (&Value, Option<&Map<String, Value>>),
    place: &str,
    found: &mut Vec<(String, Named)>,
) {
    if let Ok(Some(said)) = Said::of(schema)
        && said.counts(beside)
    {
        let named = match said.by {
            By::Http => Named::url(value).map(|it| (place.to_owned(), it)),
            By::Smtp => Named::mails(value).map(|it| (format!("{place}/host"), it)),
        };
        found.extend(named);
    }
    match value {
        Value::Object(fields) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                let Some(value) = fields.get(name) else { continue };
                let place = format!("{place}/{}", escaped(name));
                visit(schema, (value, Some(fields)), &place, found);
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (at, item) in items.iter().enumerate() {
                visit(schema, (item, None), &format!("{place}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// A server.
enum Named {
    Url(String),
    Mails { scheme: Scheme, host: String, port: u16 },
}

impl Named {
    /// None where nothing was named.
    fn url(value: &Value) -> Option<Self> {
        let url = value.as_str().filter(|it| !it.is_empty())?;
        Some(Self::Url(url.to_owned()))
    }

    /// None where nothing was named, or in other words than the manifest's.
    fn mails(value: &Value) -> Option<Self> {
        let host = value.get("host")?.as_str().filter(|it| !it.is_empty())?;
        let security = value.get("security").map_or(Some("starttls"), Value::as_str);
        let all = [Scheme::Smtps, Scheme::Starttls, Scheme::Smtp];
        let scheme = all.into_iter().find(|it| it.security() == security)?;
        let port = value.get("port").and_then(Value::as_u64);
        let port = port.map_or(Ok(scheme.port()), u16::try_from).ok()?;
        Some(Self::Mails { scheme, host: host.to_ascii_lowercase(), port })
    }

    fn judge(&self, asked: &[AskedHttp], granted: &[HttpGrant]) -> Result<(), Denied> {
        match self {
            Self::Url(url) => judge_server(url, asked, granted),
            Self::Mails { scheme, host, port } => {
                judge_mail_server(*scheme, (host, *port), asked, granted)
            }
        }
    }

    /// What its operator can do about it.
    fn advice(&self, denied: &Denied) -> String {
        match denied.rule {
            Refusal::Grant => format!(
                "{}; name it where you install the plugin, among the hosts that it may reach (--host \
                 on a command line)",
                denied.why
            ),
            _ => denied.why.clone(),
        }
    }
}

/// A name as JSON pointers write it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
