//! `test --record`: a case of a real call, without its secrets.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use myrelay_plugin_host::{Call, CallRequest, Outcome, PluginHost as _, PluginSecret, PrivateNet};
use myrelay_plugin_package::Package;
use serde_json::Value;

use crate::{
    call,
    call::INPUT_BYTES,
    cases,
    cases::{Bench, Case, Recorder},
    files,
    store::Store,
    trial,
};

/// The options of `--record`.
pub(crate) fn options() -> [Arg; 8] {
    let file = |name, help| crate::file_option(name, help).requires("record");
    [
        crate::file_option("record", "Make the call in this JSON file, and write a case of it")
            .value_name("CALL")
            .conflicts_with("only"),
        Arg::new("name")
            .long("name")
            .value_name("NAME")
            .requires("record")
            .help("What the case is called; by default as the call's file"),
        Arg::new("delivery")
            .long("delivery")
            .value_name("ID")
            .requires("record")
            .help("What is delivered: the same for every try of the same delivery"),
        file("config", "A JSON file with the settings"),
        file("secrets", "A JSON file with names and secrets; none of them stands in the case"),
        file("kv", "A JSON file with what it remembers"),
        Arg::new("failure")
            .long("failure")
            .requires("record")
            .action(ArgAction::SetTrue)
            .help("Write the case though the call goes wrong, where that is what it shows"),
        Arg::new("private")
            .long("private")
            .value_name("NETWORK:PORT")
            .requires("record")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PrivateNet))
            .help("Let requests go to a machine that plugins must not reach, such as 127.0.0.1/32:8025"),
    ]
}

/// How the keys of Standard Webhooks begin; base64 follows.
const SIGNING_KEY: &str = "whsec_";

/// What stands in a case in a secret's place: as a key where the secret is one.
fn stand_in(name: &str, secret: &str) -> String {
    let plain = format!("trial-secret-of-{name}");
    let key = secret.strip_prefix(SIGNING_KEY).and_then(|it| STANDARD.decode(it).ok());
    key.map_or(plain.clone(), |_| format!("{SIGNING_KEY}{}", STANDARD.encode(plain)))
}

/// Makes a call and writes down what came of it.
pub(crate) async fn record(
    matches: &ArgMatches,
    folder: &Path,
    package: Package,
    input: &Path,
    out: &mut dyn Write,
) -> Result<()> {
    let stem = input.file_stem().and_then(|it| it.to_str()).unwrap_or("case").to_owned();
    let name = matches.get_one::<String>("name").cloned().unwrap_or(stem);
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    if name.is_empty() || !name.chars().all(plain) {
        bail!("{name:?}: a case's name has letters, digits, - and _: choose one by --name");
    }
    let place = folder.join(cases::FOLDER).join(format!("{name}.json"));
    if place.exists() {
        bail!("{} is there already: remove it, or choose another --name", place.display());
    }
    let text = files::read_text(input, INPUT_BYTES)?;
    let asked: Call = serde_json::from_str(&text).with_context(|| {
        format!("{}: no call that plugins know, as docs/plugins.md writes them", input.display())
    })?;
    let (request, store) = asked_for(matches, &package, asked)?;
    let real = request.secrets.clone();
    let (case, outcome) = made(matches, folder, &package, (request, store)).await?;
    if case.error.is_some() && !matches.get_flag("failure") {
        call::tell(&outcome, out)?;
        bail!("no case was written, since the call went wrong; --failure writes one all the same");
    }
    let text = serde_json::to_string_pretty(&case)? + "\n";
    tells_nothing(&text, &real)?;
    let compiler = trial::compiler(matches, folder)?;
    let wrong = Bench::new(compiler, package).await?.replay(&case).await?;
    if !wrong.is_empty() {
        let unsent: Vec<_> = outcome.http.iter().filter(|it| !it.sent).collect();
        if !unsent.is_empty() {
            let lines: Vec<String> = unsent.into_iter().map(call::request_line).collect();
            bail!(
                "no case was written: of a request that was not sent there is no answer to keep:\n  {}",
                lines.join("\n  ")
            );
        }
        bail!(
            "no case was written, since with other secrets something else comes of it:\n  {}\nWhat \
             the plugin signs or verifies depends on a secret's text: call it with {} as the secret \
             of each name, which is what stands in cases",
            wrong.join("\n  "),
            stand_in("NAME", "")
        );
    }
    let parent = place.parent().unwrap_or(folder);
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    files::create(&place, text.as_bytes(), 0o644)?;
    writeln!(out, "{}  requests: {}", place.display(), case.http.len())?;
    writeln!(out, "read it before you hand it on: what the provider answered stands in it")?;
    Ok(())
}

/// The call as it is made, and what the plugin remembers before it.
fn asked_for(matches: &ArgMatches, package: &Package, asked: Call) -> Result<(CallRequest, Store)> {
    let kv = matches.get_one::<PathBuf>("kv");
    let store = kv.map(|it| Store::read(it)).transpose()?.unwrap_or_default();
    Ok((call::request(matches, package, asked)?, store))
}

/// Makes the call, and a case of what came of it.
async fn made(
    matches: &ArgMatches,
    folder: &Path,
    package: &Package,
    (request, store): (CallRequest, Store),
) -> Result<(Case, Outcome)> {
    let compiler = trial::compiler(matches, folder)?;
    let private: Vec<PrivateNet> =
        matches.get_many("private").unwrap_or_default().copied().collect();
    let recorder = Arc::<Recorder>::default();
    let host = trial::install(compiler, package, &private, Some(recorder.clone())).await?;
    let secrets = request.secrets.iter();
    let secrets = secrets.map(|(name, it)| (name.clone(), stand_in(name, it.expose()))).collect();
    let outcome = host.call(request.clone(), Arc::new(store.clone())).await;
    let (answer, error) = match outcome.result.clone() {
        Ok(answer) => (Some(answer), None),
        Err(failure) => (None, Some(failure)),
    };
    let case = Case {
        call: request.call,
        delivery: request.delivery_id,
        now_ms: request.now_ms,
        config: serde_json::from_str(&request.config)?,
        secrets,
        remembered: store.written(),
        http: recorder.exchanges(),
        answer,
        error,
        log: None,
        writes: cases::writes(&outcome.kv),
    };
    Ok((case, outcome))
}

/// Whether a text holds no secret, as it is or as it is written in URLs and in basic logins.
fn tells_nothing(text: &str, secrets: &BTreeMap<String, PluginSecret>) -> Result<()> {
    for (name, secret) in secrets {
        let secret = secret.expose();
        if secret == stand_in(name, secret) {
            continue;
        }
        let escaped = Value::from(secret).to_string();
        let escaped = escaped.trim_matches('"');
        let percent: String = secret.bytes().fold(String::new(), |mut text, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _infallible = write!(text, "%{byte:02X}");
            }
            text
        });
        let basic = STANDARD.encode(format!("{secret}:"));
        let forms = [secret, escaped, &percent, basic.trim_end_matches('=')];
        if forms.into_iter().any(|it| text.contains(it)) {
            bail!(
                "no case was written: the text of the secret {name} would stand in it. Take it out of \
                 the call, the settings or what is remembered, or let the plugin name the secret \
                 instead of holding it"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_secret_is_written() {
        let secret = PluginSecret::new("s3cr\"t/+ü".to_owned()).unwrap();
        let secrets = BTreeMap::from([("token".to_owned(), secret)]);
        tells_nothing("{\"auth\": \"bearer token\"}", &secrets).unwrap();
        for told in ["s3cr\"t/+ü", "s3cr\\\"t/+ü", "a=s3cr%22t%2F%2B%C3%BC"] {
            let why = tells_nothing(told, &secrets).unwrap_err().to_string();
            assert!(why.contains("the secret token") && !why.contains("s3cr"), "{why}");
        }
        let basic = STANDARD.encode("s3cr\"t/+ü:");
        tells_nothing(&basic, &secrets).unwrap_err();
        // What stands in cases anyway is no secret.
        for like in ["s3cret", "whsec_AAEC/w=="] {
            let own = stand_in("token", like);
            let secrets = [("token".to_owned(), PluginSecret::new(own.clone()).unwrap())];
            tells_nothing(&own, &BTreeMap::from(secrets)).unwrap();
        }
        // A key stays a key, or nothing could be signed with it.
        assert_eq!(stand_in("token", "whsec_AAEC/w=="), "whsec_dHJpYWwtc2VjcmV0LW9mLXRva2Vu");
    }
}
