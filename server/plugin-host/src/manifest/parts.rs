//! The tables of a manifest, one function each.

use toml::Table;

use crate::{
    egress::rules::{HostPattern, HttpRule, MAIL, METHODS, Scheme, is_path_prefix, parse_method},
    limits::KV_BYTES,
    manifest::{
        AskedHttp, Job, Kind, Manifest, ManifestError, Place, Secret, SecretUse, Webhooks,
        reader::Reader,
    },
    text,
};

/// The versions of the interface that this host implements, by their minor numbers.
const API: [&str; 1] = ["1.0"];

fn is_line(text: &str, most: usize) -> bool {
    let length = text.chars().count();
    (1..=most).contains(&length) && !text.chars().any(text::is_hostile) && text.trim() == text
}

/// Lower case letters and digits with single marks between them.
fn is_name(text: &str, mark: u8, most: usize) -> bool {
    let parts = text.as_bytes().split(|it| *it == mark);
    let is_part = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    text.len() <= most && parts.into_iter().all(is_part) && text.as_bytes()[0].is_ascii_lowercase()
}

fn is_id(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    (2..=8).contains(&labels.len()) && labels.iter().all(|it| is_name(it, b'-', 40))
}

fn is_number(text: &str) -> bool {
    let plain = text == "0" || !text.starts_with('0');
    (1..=6).contains(&text.len()) && plain && text.bytes().all(|it| it.is_ascii_digit())
}

/// `1.4.0`, or `1.4.0-beta.2`.
fn is_version(text: &str) -> bool {
    let (numbers, more) = text.split_once('-').unwrap_or((text, "0"));
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_more = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric());
    text.len() <= 40
        && parts.len() == 3
        && parts.into_iter().all(is_number)
        && more.split('.').all(is_more)
}

fn api_minor(text: &str) -> Option<u32> {
    let minor = API.iter().position(|it| *it == text)?;
    u32::try_from(minor).ok()
}

/// `billing.invoice.finalized.v1`.
fn is_event(text: &str) -> bool {
    let Some((name, version)) = text.rsplit_once(".v") else { return false };
    let parts = name.split('.').collect::<Vec<_>>();
    (2..=6).contains(&parts.len())
        && parts.iter().all(|it| is_name(it, b'-', 40))
        && is_number(version)
}

/// Five fields of numbers, `*`, ranges, lists and steps, each within its bounds.
fn is_cron(text: &str) -> bool {
    let bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    let fields: Vec<&str> = text.split(' ').collect();
    let number = |text: &str, (from, to)| {
        let number = is_number(text).then(|| text.parse::<u32>().ok()).flatten();
        number.filter(|it| (from..=to).contains(it))
    };
    let is_entry = |entry: &str, bounds: (u32, u32)| {
        let (range, step) = entry.split_once('/').map_or((entry, None), |(a, b)| (a, Some(b)));
        let range = match range.split_once('-') {
            _ if range == "*" => true,
            Some((a, b)) => match (number(a, bounds), number(b, bounds)) {
                (Some(a), Some(b)) => a <= b,
                _ => false,
            },
            // A step needs something to step through.
            None => step.is_none() && number(range, bounds).is_some(),
        };
        range && step.is_none_or(|it| number(it, (1, bounds.1)).is_some())
    };
    text.len() <= 100
        && fields.len() == bounds.len()
        && fields
            .iter()
            .zip(bounds)
            .all(|(it, bounds)| it.split(',').all(|entry| is_entry(entry, bounds)))
}

pub(super) fn manifest(table: Table) -> Result<Manifest, ManifestError> {
    let mut root = Reader::new("", table);
    if root.number("manifest", 1, 1)?.is_none() {
        return Err(root.wrong("manifest", "it is missing; this form of the file is 1"));
    }
    let missing = root.wrong("plugin", "it is missing; a table with id, name, version, kind, api");
    let mut plugin = root.inner("plugin")?.ok_or(missing)?;
    let mut manifest = identity(&mut plugin)?;
    plugin.end()?;
    if let Some(mut build) = root.inner("build")? {
        let rule = "rust, js, ts, python or prebuilt";
        let known = |it: &str| ["rust", "js", "ts", "python", "prebuilt"].contains(&it);
        manifest.language = Some(build.text("language", rule, known)?);
        build.end()?;
    }
    if let Some(mut asked) = root.inner("capabilities")? {
        capabilities(&mut asked, &mut manifest)?;
        asked.end()?;
    }
    for secret in root.tables("secrets")? {
        let secret = self::secret(secret, &manifest)?;
        manifest.secrets.push(secret);
    }
    if let Some(mut config) = root.inner("config")? {
        let rule = "a file beside plugin.toml whose name ends with .json";
        let is_file = |it: &str| it.strip_suffix(".json").is_some_and(|it| is_name(it, b'.', 40));
        manifest.config_schema = Some(config.text("schema", rule, is_file)?);
        config.end()?;
    }
    for mut job in root.tables("jobs")? {
        let name =
            job.text("name", "lower case words with - between them", |it| is_name(it, b'-', 40))?;
        if manifest.jobs.iter().any(|it| it.name == name) {
            return Err(job.wrong("name", "another job has this name"));
        }
        let cron = job.text("cron", "five fields as cron reads them: 17 3 * * *", is_cron)?;
        job.end()?;
        manifest.jobs.push(Job { name, cron });
    }
    if let Some(mut limits) = root.inner("limits")? {
        let memory = limits.number("memory_mib", 1, 256)?;
        manifest.memory_mib = memory.and_then(|it| u32::try_from(it).ok());
        limits.end()?;
    }
    root.end()?;
    Ok(manifest)
}

fn identity(plugin: &mut Reader) -> Result<Manifest, ManifestError> {
    let kinds =
        plugin.list("kind", "billing, notification, event or invoicing", |it| match it {
            "billing" => Some(Kind::Billing),
            "notification" => Some(Kind::Notification),
            "event" => Some(Kind::Event),
            "invoicing" => Some(Kind::Invoicing),
            _ => None,
        })?;
    if kinds.is_empty() {
        return Err(plugin.wrong("kind", "it names at least one kind"));
    }
    let id = "a reverse domain name in lower case: dev.example.stripe";
    let version = "three numbers, and perhaps more after a -: 1.4.0";
    let api = "the version of myrelay:plugin that it was built with, and that this host knows: 1.0";
    let portal = "a version of the portal: 0.9.0";
    let page = "an address that begins with https://";
    let is_page = |it: &str| it.starts_with("https://") && is_line(it, 200) && !it.contains(' ');
    Ok(Manifest {
        id: plugin.text("id", id, is_id)?,
        name: plugin.text("name", "one line of 1 to 60 characters", |it| is_line(it, 60))?,
        version: plugin.text("version", version, is_version)?,
        kinds,
        api_minor: plugin.parsed("api", api, api_minor)?,
        min_portal: plugin.optional_text("min_portal", portal, |it| {
            is_version(it) || is_version(&format!("{it}.0"))
        })?,
        license: plugin.optional_text("license", "an SPDX expression", |it| is_line(it, 100))?,
        homepage: plugin.optional_text("homepage", page, is_page)?,
        language: None,
        kv: None,
        crypto: false,
        events: Vec::new(),
        http: Vec::new(),
        webhooks: None,
        secrets: Vec::new(),
        config_schema: None,
        jobs: Vec::new(),
        memory_mib: None,
    })
}

fn capabilities(asked: &mut Reader, manifest: &mut Manifest) -> Result<(), ManifestError> {
    if let Some(mut kv) = asked.inner("kv")? {
        let bytes = kv.number("max_bytes", 1, KV_BYTES.cast_signed())?;
        manifest.kv = Some(bytes.and_then(|it| u64::try_from(it).ok()));
        kv.end()?;
    }
    manifest.crypto = asked.switch("crypto")?;
    manifest.events =
        asked.list("events", "events with their versions: account.deleted.v1", |it| {
            is_event(it).then(|| it.to_owned())
        })?;
    for mut http in asked.tables("http")? {
        let rule = http_rule(&mut http)?;
        let reason = http.text("reason", REASON, |it| is_line(it, 200))?;
        http.end()?;
        manifest.http.push(AskedHttp { rule, reason });
    }
    for mut smtp in asked.tables("smtp")? {
        let rule = mail_rule(&mut smtp)?;
        let reason = smtp.text("reason", REASON, |it| is_line(it, 200))?;
        smtp.end()?;
        manifest.http.push(AskedHttp { rule, reason });
    }
    if let Some(mut webhooks) = asked.inner("webhooks")? {
        let rule = "lower case words with - between them";
        let hosts = "names of hosts, or *. and a domain";
        let path = webhooks.text("path", rule, |it| is_name(it, b'-', 40))?;
        let max_body = webhooks.number("max_body", 1, 1 << 20)?.unwrap_or(1 << 20);
        let checkout_hosts = webhooks
            .list("checkout_hosts", hosts, |it| HostPattern::parse(it).filter(|it| !it.is_any()))?;
        webhooks.end()?;
        let max_body = u32::try_from(max_body).unwrap_or(1 << 20);
        manifest.webhooks = Some(Webhooks { path, max_body, checkout_hosts });
    }
    Ok(())
}

/// Why customers are not sent there, and what to write instead.
pub(super) fn no_form_leads_to(host: &HostPattern) -> String {
    format!(
        "{host} has a _ in its name: browsers let no form lead to such a host, and the button for it \
         would do nothing; give the page a name of letters, digits, - and ., or write *. and the \
         domain above it"
    )
}

/// What a reason is.
const REASON: &str = "one line of 1 to 200 characters that tells the operator what for";

/// What the host of a rule is.
const HOST: &str = "a name in lower case, *. and a domain, or * for what the operator names";

/// A server for mails, as a rule that no request fits.
fn mail_rule(smtp: &mut Reader) -> Result<HttpRule, ManifestError> {
    let host = smtp.parsed("host", HOST, HostPattern::parse)?;
    let scheme = smtp.parsed("security", "tls, starttls or clear", |it| match it {
        "tls" => Some(Scheme::Smtps),
        "starttls" => Some(Scheme::Starttls),
        "clear" => Some(Scheme::Smtp),
        _ => None,
    })?;
    let port = smtp.number("port", 1, 65_535)?.and_then(|it| u16::try_from(it).ok());
    let (port, path_prefix) = (port.unwrap_or(scheme.port()), "/".to_owned());
    Ok(HttpRule { scheme, host, port, methods: vec![MAIL.to_owned()], path_prefix })
}

fn http_rule(http: &mut Reader) -> Result<HttpRule, ManifestError> {
    let host = http.parsed("host", HOST, HostPattern::parse)?;
    let scheme = if http.has("scheme") {
        http.parsed("scheme", "https or http", Scheme::parse)?
    } else {
        Scheme::Https
    };
    let port = http.number("port", 1, 65_535)?.and_then(|it| u16::try_from(it).ok());
    let methods = http.list("methods", &METHODS.join(", "), parse_method)?;
    if methods.is_empty() {
        return Err(http.wrong("methods", "it names at least one method"));
    }
    let rule = "it begins with / and has no .., %, ?, # or spaces";
    let path = http.optional_text("path_prefix", rule, is_path_prefix)?;
    let path_prefix = path.unwrap_or_else(|| "/".to_owned());
    Ok(HttpRule { scheme, host, port: port.unwrap_or(scheme.port()), methods, path_prefix })
}

fn secret(mut secret: Reader, manifest: &Manifest) -> Result<Secret, ManifestError> {
    let name =
        secret.text("name", "lower case words with _ between them", |it| is_name(it, b'_', 40))?;
    if manifest.secret(&name).is_some() {
        return Err(secret.wrong("name", "another secret has this name"));
    }
    let label =
        secret.optional_text("label", "one line of 1 to 100 characters", |it| is_line(it, 100))?;
    let generated = secret.switch("generated")?;
    let optional = secret.switch("optional")?;
    let mut uses = Vec::new();
    for mut it in secret.tables("use")? {
        let found = if it.has("hmac") {
            if !it.switch("hmac")? {
                return Err(it.wrong("hmac", "true, or the whole entry goes"));
            }
            if !manifest.crypto {
                return Err(it.wrong("hmac", "it needs capabilities.crypto = true"));
            }
            SecretUse::Hmac
        } else {
            secret_in_requests(&mut it, manifest)?
        };
        it.end()?;
        uses.push(found);
    }
    if uses.is_empty() {
        return Err(secret.wrong("use", "it names at least one use"));
    }
    secret.end()?;
    Ok(Secret { name, label, generated, optional, uses })
}

fn secret_in_requests(it: &mut Reader, manifest: &Manifest) -> Result<SecretUse, ManifestError> {
    let rule = "a host of capabilities.http or capabilities.smtp, as it stands there";
    let host = it.parsed("host", rule, HostPattern::parse)?;
    if !manifest.http.iter().any(|asked| asked.rule.host == host) {
        return Err(it.wrong("host", rule));
    }
    let places = it.list("in", "auth, header, query, path or body", |it| match it {
        "auth" => Some(Place::Auth),
        "header" => Some(Place::Header),
        "query" => Some(Place::Query),
        "path" => Some(Place::Path),
        "body" => Some(Place::Body),
        _ => None,
    })?;
    if places.is_empty() {
        return Err(it.wrong("in", "it names at least one place"));
    }
    Ok(SecretUse::Http { host, places })
}
