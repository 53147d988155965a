//! `new`: a folder with a plugin that works, and everything it is built from but the language's own
//! tools.

mod languages;

use std::{fs, io::Write, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{
    Arg, ArgMatches, Command,
    builder::{PossibleValuesParser, TypedValueParser as _},
    value_parser,
};

use crate::{
    files,
    new::languages::{File, LANGUAGES, common, written},
};

const HEALTH: File = ("fixtures/health.json", "\"Health\"\n");
const SECRETS: File = ("dev/secrets.json", "{ \"token\": \"a-token-for-trials\" }\n");

/// What plugins are in that hand things to a service, in each language.
const SERVICE_RUST: File = ("src/service.rs", include_str!("../../templates/common/service.rs"));
const SERVICE_PYTHON: File = ("src/service.py", include_str!("../../templates/common/service.py"));
const SERVICE_SCRIPT: &str = include_str!("../../templates/common/service.script");

/// One kind of plugin to begin with.
struct Template {
    kind: &'static str,
    about: &'static str,
    call: &'static str,
    /// What it has in every language.
    files: &'static [File],
    rust: &'static [File],
    js: &'static [File],
    ts: &'static [File],
    python: &'static [File],
}

impl Template {
    fn sources(&self, language: &str) -> &'static [File] {
        match language {
            "js" => self.js,
            "ts" => self.ts,
            "python" => self.python,
            _ => self.rust,
        }
    }
}

const TEMPLATES: [Template; 3] = [
    Template {
        kind: "notification",
        about: "A notification plugin for MyRelay: it posts every message to a service by HTTP.",
        call: "myrelay plugin call fixtures/deliver.json --secrets dev/secrets.json",
        files: &[
            ("plugin.toml", include_str!("../../templates/notification/plugin.toml")),
            ("config.schema.json", include_str!("../../templates/notification/config.schema.json")),
            ("fixtures/deliver.json", include_str!("../../templates/notification/deliver.json")),
            ("tests/deliver.json", include_str!("../../templates/notification/case.json")),
            (
                "tests/conformance.toml",
                include_str!("../../templates/notification/conformance.toml"),
            ),
            SECRETS,
        ],
        rust: &[("src/lib.rs", include_str!("../../templates/notification/lib.rs")), SERVICE_RUST],
        js: &[
            ("src/plugin.js", include_str!("../../templates/notification/plugin.script")),
            ("src/service.js", SERVICE_SCRIPT),
        ],
        ts: &[
            ("src/plugin.ts", include_str!("../../templates/notification/plugin.script")),
            ("src/service.ts", SERVICE_SCRIPT),
        ],
        python: &[
            ("src/plugin.py", include_str!("../../templates/notification/plugin.py")),
            SERVICE_PYTHON,
        ],
    },
    Template {
        kind: "event",
        about: "An event plugin for MyRelay: it tells a service by HTTP what happened.",
        call: "myrelay plugin call fixtures/event.json --secrets dev/secrets.json",
        files: &[
            ("plugin.toml", include_str!("../../templates/event/plugin.toml")),
            ("config.schema.json", include_str!("../../templates/event/config.schema.json")),
            ("fixtures/event.json", include_str!("../../templates/event/event.json")),
            ("tests/event.json", include_str!("../../templates/event/case.json")),
            SECRETS,
        ],
        rust: &[("src/lib.rs", include_str!("../../templates/event/lib.rs")), SERVICE_RUST],
        js: &[
            ("src/plugin.js", include_str!("../../templates/event/plugin.script")),
            ("src/service.js", SERVICE_SCRIPT),
        ],
        ts: &[
            ("src/plugin.ts", include_str!("../../templates/event/plugin.script")),
            ("src/service.ts", SERVICE_SCRIPT),
        ],
        python: &[
            ("src/plugin.py", include_str!("../../templates/event/plugin.py")),
            SERVICE_PYTHON,
        ],
    },
    Template {
        kind: "billing",
        about: "A billing plugin for MyRelay: it tells customers how to pay by bank transfer.",
        call: "myrelay plugin call fixtures/checkout.json --config dev/config.json",
        files: &[
            ("plugin.toml", include_str!("../../templates/billing/plugin.toml")),
            ("config.schema.json", include_str!("../../templates/billing/config.schema.json")),
            ("fixtures/checkout.json", include_str!("../../templates/billing/checkout.json")),
            ("tests/checkout.json", include_str!("../../templates/billing/case.json")),
            // Where customers send money is never a default.
            ("dev/config.json", include_str!("../../templates/billing/config.json")),
        ],
        rust: &[("src/lib.rs", include_str!("../../templates/billing/lib.rs"))],
        js: &[("src/plugin.js", include_str!("../../templates/billing/plugin.script"))],
        ts: &[("src/plugin.ts", include_str!("../../templates/billing/plugin.script"))],
        python: &[("src/plugin.py", include_str!("../../templates/billing/plugin.py"))],
    },
];

pub(crate) fn command() -> Command {
    let kinds = PossibleValuesParser::new(TEMPLATES.map(|it| it.kind))
        .map(|kind| TEMPLATES.iter().position(|it| it.kind == kind).unwrap_or_default());
    let languages = PossibleValuesParser::new(LANGUAGES.map(|it| it.name))
        .map(|name| LANGUAGES.iter().position(|it| it.name == name).unwrap_or_default());
    Command::new("new")
        .about("Make a folder with a small plugin that works")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .help("Lower case words with - between them"),
        )
        .arg(
            Arg::new("lang")
                .long("lang")
                .value_parser(languages)
                .default_value(LANGUAGES[0].name)
                .help("What to write it in"),
        )
        .arg(Arg::new("kind").long("kind").required(true).value_parser(kinds).help("What it is"))
        .arg(
            Arg::new("id").long("id").value_name("ID").help(
                "A reverse domain name of yours with the plugin's; by default dev.example.NAME",
            ),
        )
        .arg(
            Arg::new("folder")
                .long("folder")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("Where to; by default NAME"),
        )
}

pub(crate) fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    if !is_name(name) {
        bail!("{name:?}: a name is lower case words with - between them, of at most 40 letters");
    }
    let id = matches.get_one::<String>("id").cloned();
    let id = id.unwrap_or_else(|| format!("dev.example.{name}"));
    if !id.split('.').all(is_name) || !(2..=8).contains(&id.split('.').count()) {
        bail!("{id:?}: an id is a reverse domain name in lower case: dev.example.{name}");
    }
    let folder = matches.get_one::<PathBuf>("folder").cloned();
    let folder = folder.unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() {
        bail!("{} is there already, and nothing is overwritten", folder.display());
    }
    let chosen = matches.get_one::<usize>("kind").and_then(|it| TEMPLATES.get(*it));
    let template = chosen.context("no such kind")?;
    let chosen = matches.get_one::<usize>("lang").and_then(|it| LANGUAGES.get(*it));
    let language = chosen.context("no such language")?;
    let sources = template.sources(language.name);
    let files = common(language).chain([&HEALTH]).chain(template.files).chain(sources);
    for (path, text) in files {
        let place = folder.join(path);
        let parent = place.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let text = written(language, text)
            .replace("{{name}}", name)
            .replace("{{id}}", &id)
            .replace("{{lang}}", language.name)
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
            .replace("{{about}}", template.about)
            .replace("{{call}}", template.call);
        let mode = if *path == SECRETS.0 { 0o600 } else { 0o644 };
        files::create(&place, text.as_bytes(), mode)?;
    }
    writeln!(out, "{}: {} plugin {id}", folder.display(), template.kind)?;
    let install = language.install.map_or(String::new(), |it| format!("{it} && "));
    let folder = folder.display();
    writeln!(out, "next: cd {folder} && {install}myrelay plugin build && myrelay plugin check")?;
    Ok(())
}

fn is_name(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    text.len() <= 40
        && text.starts_with(|it: char| it.is_ascii_lowercase())
        && text.split('-').all(|it| !it.is_empty() && it.bytes().all(plain))
}
