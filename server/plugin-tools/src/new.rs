//! `new`: a folder with a plugin that works, and everything it is built from but Rust itself.

use std::{fs, io::Write, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{
    Arg, ArgMatches, Command,
    builder::{PossibleValuesParser, TypedValueParser as _},
    value_parser,
};

use crate::files;

/// The interface, as it is published.
const WIT: [(&str, &str); 8] = [
    ("wit/v1/billing.wit", include_str!("../../../plugins/wit/v1/billing.wit")),
    ("wit/v1/events.wit", include_str!("../../../plugins/wit/v1/events.wit")),
    ("wit/v1/imports.wit", include_str!("../../../plugins/wit/v1/imports.wit")),
    ("wit/v1/invoicing.wit", include_str!("../../../plugins/wit/v1/invoicing.wit")),
    ("wit/v1/lifecycle.wit", include_str!("../../../plugins/wit/v1/lifecycle.wit")),
    ("wit/v1/notifier.wit", include_str!("../../../plugins/wit/v1/notifier.wit")),
    ("wit/v1/types.wit", include_str!("../../../plugins/wit/v1/types.wit")),
    ("wit/v1/worlds.wit", include_str!("../../../plugins/wit/v1/worlds.wit")),
];

/// What every plugin in Rust has.
const COMMON: [(&str, &str); 11] = [
    ("Cargo.toml", include_str!("../templates/common/Cargo.toml.in")),
    ("sdk/Cargo.toml", include_str!("../templates/common/sdk.Cargo.toml.in")),
    ("sdk/src/answers.rs", include_str!("../../../plugins/sdk/src/answers.rs")),
    ("sdk/src/form.rs", include_str!("../../../plugins/sdk/src/form.rs")),
    ("sdk/src/json.rs", include_str!("../../../plugins/sdk/src/json.rs")),
    ("sdk/src/lib.rs", include_str!("../../../plugins/sdk/src/lib.rs")),
    ("sdk/src/settings.rs", include_str!("../../../plugins/sdk/src/settings.rs")),
    ("sdk/src/signed.rs", include_str!("../../../plugins/sdk/src/signed.rs")),
    (".gitignore", include_str!("../templates/common/gitignore.in")),
    ("README.md", include_str!("../templates/common/README.md.in")),
    ("fixtures/health.json", "\"Health\"\n"),
];

const SERVICE: (&str, &str) = ("src/service.rs", include_str!("../templates/common/service.rs"));
const SECRETS: (&str, &str) = ("dev/secrets.json", "{ \"token\": \"a-token-for-trials\" }\n");

/// One kind of plugin to begin with.
struct Template {
    kind: &'static str,
    about: &'static str,
    call: &'static str,
    files: &'static [(&'static str, &'static str)],
}

const TEMPLATES: [Template; 3] = [
    Template {
        kind: "notification",
        about: "A notification plugin for MyRelay: it posts every message to a service by HTTP.",
        call: "myrelay plugin call fixtures/deliver.json --secrets dev/secrets.json",
        files: &[
            ("plugin.toml", include_str!("../templates/notification/plugin.toml")),
            ("config.schema.json", include_str!("../templates/notification/config.schema.json")),
            ("src/lib.rs", include_str!("../templates/notification/lib.rs")),
            ("fixtures/deliver.json", include_str!("../templates/notification/deliver.json")),
            SERVICE,
            SECRETS,
        ],
    },
    Template {
        kind: "event",
        about: "An event plugin for MyRelay: it tells a service by HTTP what happened.",
        call: "myrelay plugin call fixtures/event.json --secrets dev/secrets.json",
        files: &[
            ("plugin.toml", include_str!("../templates/event/plugin.toml")),
            ("config.schema.json", include_str!("../templates/event/config.schema.json")),
            ("src/lib.rs", include_str!("../templates/event/lib.rs")),
            ("fixtures/event.json", include_str!("../templates/event/event.json")),
            SERVICE,
            SECRETS,
        ],
    },
    Template {
        kind: "billing",
        about: "A billing plugin for MyRelay: it tells customers how to pay by bank transfer.",
        call: "myrelay plugin call fixtures/checkout.json --config dev/config.json",
        files: &[
            ("plugin.toml", include_str!("../templates/billing/plugin.toml")),
            ("config.schema.json", include_str!("../templates/billing/config.schema.json")),
            ("src/lib.rs", include_str!("../templates/billing/lib.rs")),
            ("fixtures/checkout.json", include_str!("../templates/billing/checkout.json")),
            // Where customers send money is never a default.
            ("dev/config.json", include_str!("../templates/billing/config.json")),
        ],
    },
];

pub(crate) fn command() -> Command {
    let kinds = PossibleValuesParser::new(TEMPLATES.map(|it| it.kind))
        .map(|kind| TEMPLATES.iter().position(|it| it.kind == kind).unwrap_or_default());
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
                .value_parser(["rust"])
                .default_value("rust")
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
    for (path, text) in COMMON.iter().chain(&WIT).chain(template.files) {
        let place = folder.join(path);
        let parent = place.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let text = text
            .replace("{{name}}", name)
            .replace("{{id}}", &id)
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
            .replace("{{about}}", template.about)
            .replace("{{call}}", template.call);
        let mode = if *path == SECRETS.0 { 0o600 } else { 0o644 };
        files::create(&place, text.as_bytes(), mode)?;
    }
    writeln!(out, "{}: a {} plugin, {id}", folder.display(), template.kind)?;
    writeln!(out, "next: cd {} && myrelay plugin build && myrelay plugin check", folder.display())?;
    Ok(())
}

fn is_name(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    text.len() <= 40
        && text.starts_with(|it: char| it.is_ascii_lowercase())
        && text.split('-').all(|it| !it.is_empty() && it.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SDK is handed on with what it is built from here.
    #[test]
    fn the_sdk_is_built_from_the_same_as_here() {
        let root = include_str!("../../../Cargo.toml");
        let sdk = include_str!("../../../plugins/sdk/Cargo.toml");
        let (_, dependencies) = sdk.split_once("[dependencies]\n").unwrap();
        let rust = root.lines().find(|it| it.starts_with("rust-version = ")).unwrap();
        for file in [COMMON[0], COMMON[1]] {
            assert!(file.1.lines().any(|it| it == rust), "{}: {rust}", file.0);
        }
        for name in dependencies.lines().filter_map(|it| it.strip_suffix(".workspace = true")) {
            let line = root.lines().find(|it| it.starts_with(&format!("{name} = "))).unwrap();
            assert!(COMMON[1].1.lines().any(|it| it == line), "{line}");
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/sdk/src");
        for entry in fs::read_dir(folder).unwrap() {
            let name = format!("sdk/src/{}", entry.unwrap().file_name().to_string_lossy());
            assert!(COMMON.iter().any(|it| it.0 == name), "{name} is not handed on");
        }
    }

    #[test]
    fn the_whole_interface_is_handed_on() {
        let published = include_str!("../../../plugins/wit/published");
        let names: Vec<&str> = published.lines().map(|it| it.split_once("  ").unwrap().1).collect();
        for name in &names {
            assert!(WIT.iter().any(|it| it.0 == format!("wit/{name}")), "{name} is not handed on");
        }
        assert_eq!(names.len(), WIT.len());
    }
}
