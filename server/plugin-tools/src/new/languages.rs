//! What a plugin's folder has because of the language that it is written in.

use crate::interface::WIT;

/// A file of a new folder: where it stands, and what is in it.
pub(super) type File = (&'static str, &'static str);

/// One language to write plugins in.
pub(super) struct Language {
    /// As `--lang` and `plugin.toml` say it.
    pub(super) name: &'static str,
    /// What every plugin in it has.
    pub(super) common: &'static [File],
    /// Whether the interface is copied beside it: where `build` does not hand it in.
    pub(super) has_wit: bool,
    /// What has to be done once before `build`.
    pub(super) install: Option<&'static str>,
}

/// The languages, the usual one first.
pub(super) const LANGUAGES: [Language; 4] = [
    Language { name: "rust", common: &RUST, has_wit: true, install: None },
    Language { name: "js", common: &SCRIPT, has_wit: false, install: Some(NPM) },
    Language { name: "ts", common: &SCRIPT, has_wit: false, install: Some(NPM) },
    Language { name: "python", common: &PYTHON, has_wit: false, install: Some(PIP) },
];

const PIP: &str =
    "python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt";
const NPM: &str = "npm ci --ignore-scripts";

pub(super) const RUST: [File; 13] = [
    ("Cargo.toml", include_str!("../../templates/common/Cargo.toml.in")),
    ("sdk/Cargo.toml", include_str!("../../templates/common/sdk.Cargo.toml.in")),
    ("sdk/src/answers.rs", include_str!("../../../../plugins/sdk/src/answers.rs")),
    ("sdk/src/events.rs", include_str!("../../../../plugins/sdk/src/events.rs")),
    ("sdk/src/form.rs", include_str!("../../../../plugins/sdk/src/form.rs")),
    ("sdk/src/json.rs", include_str!("../../../../plugins/sdk/src/json.rs")),
    ("sdk/src/lib.rs", include_str!("../../../../plugins/sdk/src/lib.rs")),
    ("sdk/src/scheme.rs", include_str!("../../../../plugins/sdk/src/scheme.rs")),
    ("sdk/src/settings.rs", include_str!("../../../../plugins/sdk/src/settings.rs")),
    ("sdk/src/signed.rs", include_str!("../../../../plugins/sdk/src/signed.rs")),
    (".gitignore", include_str!("../../templates/common/gitignore.in")),
    ("DEVELOPING.md", include_str!("../../templates/common/DEVELOPING.md.in")),
    ("README.md", include_str!("../../templates/common/OPERATORS.md.in")),
];

pub(super) const SCRIPT: [File; 22] = [
    (".gitignore", include_str!("../../templates/common/gitignore.in")),
    ("package.json", include_str!("../../../../plugins/sdk-js/package.json")),
    ("package-lock.json", include_str!("../../../../plugins/sdk-js/package-lock.json")),
    ("tsconfig.json", include_str!("../../../../plugins/sdk-js/tsconfig.json")),
    ("sdk/answers.js", include_str!("../../../../plugins/sdk-js/answers.js")),
    ("sdk/engine.js", include_str!("../../../../plugins/sdk-js/engine.js")),
    ("sdk/errors.js", include_str!("../../../../plugins/sdk-js/errors.js")),
    ("sdk/events.d.ts", include_str!("../../../../plugins/sdk-js/events.d.ts")),
    ("sdk/events.js", include_str!("../../../../plugins/sdk-js/events.js")),
    ("sdk/globals.d.ts", include_str!("../../../../plugins/sdk-js/globals.d.ts")),
    ("sdk/http.js", include_str!("../../../../plugins/sdk-js/http.js")),
    ("sdk/index.js", include_str!("../../../../plugins/sdk-js/index.js")),
    ("sdk/interface.d.ts", include_str!("../../../../plugins/sdk-js/interface.d.ts")),
    ("sdk/life.js", include_str!("../../../../plugins/sdk-js/life.js")),
    ("sdk/memory.js", include_str!("../../../../plugins/sdk-js/memory.js")),
    ("sdk/settings.js", include_str!("../../../../plugins/sdk-js/settings.js")),
    ("sdk/shapes.js", include_str!("../../../../plugins/sdk-js/shapes.js")),
    ("sdk/signed.js", include_str!("../../../../plugins/sdk-js/signed.js")),
    ("sdk/url.js", include_str!("../../../../plugins/sdk-js/url.js")),
    ("sdk/utf8.js", include_str!("../../../../plugins/sdk-js/utf8.js")),
    ("DEVELOPING.md", include_str!("../../templates/common/DEVELOPING.script.in")),
    ("README.md", include_str!("../../templates/common/OPERATORS.md.in")),
];

pub(super) const PYTHON: [File; 15] = [
    (".gitignore", include_str!("../../templates/common/gitignore.in")),
    ("DEVELOPING.md", include_str!("../../templates/common/DEVELOPING.python.in")),
    ("README.md", include_str!("../../templates/common/OPERATORS.md.in")),
    ("requirements.txt", include_str!("../../../../plugins/sdk-python/requirements.txt")),
    (
        "myrelay_sdk/__init__.py",
        include_str!("../../../../plugins/sdk-python/myrelay_sdk/__init__.py"),
    ),
    (
        "myrelay_sdk/answers.py",
        include_str!("../../../../plugins/sdk-python/myrelay_sdk/answers.py"),
    ),
    ("myrelay_sdk/engine.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/engine.py")),
    ("myrelay_sdk/errors.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/errors.py")),
    ("myrelay_sdk/events.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/events.py")),
    (
        "myrelay_sdk/headers.py",
        include_str!("../../../../plugins/sdk-python/myrelay_sdk/headers.py"),
    ),
    ("myrelay_sdk/http.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/http.py")),
    ("myrelay_sdk/life.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/life.py")),
    ("myrelay_sdk/memory.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/memory.py")),
    (
        "myrelay_sdk/settings.py",
        include_str!("../../../../plugins/sdk-python/myrelay_sdk/settings.py"),
    ),
    ("myrelay_sdk/signed.py", include_str!("../../../../plugins/sdk-python/myrelay_sdk/signed.py")),
];

/// Everything that every plugin in a language has.
pub(super) fn common(language: &Language) -> impl Iterator<Item = &'static File> {
    let wit = if language.has_wit { &WIT[..] } else { &[] };
    language.common.iter().chain(wit)
}

/// The text of a template: what only TypeScript says stands between « and ».
pub(super) fn written(language: &Language, text: &str) -> String {
    if language.name != "js" {
        return text.replace(['«', '»'], "");
    }
    let mut parts = text.split('«');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, it| kept + it.split_once('»').map_or(it, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The SDK is handed on with what it is built from here.
    #[test]
    fn the_sdk_is_built_from_the_same_as_here() {
        let root = include_str!("../../../../Cargo.toml");
        let sdk = include_str!("../../../../plugins/sdk/Cargo.toml");
        let (_, dependencies) = sdk.split_once("[dependencies]\n").unwrap();
        let rust = root.lines().find(|it| it.starts_with("rust-version = ")).unwrap();
        for file in [RUST[0], RUST[1]] {
            assert!(file.1.lines().any(|it| it == rust), "{}: {rust}", file.0);
        }
        for name in dependencies.lines().filter_map(|it| it.strip_suffix(".workspace = true")) {
            let begins = format!("{name} = ");
            let line = root.lines().find(|it| it.starts_with(&begins)).unwrap();
            assert!(RUST[1].1.lines().any(|it| it == line), "{line}");
            // What a plugin has besides is the same.
            let mut own = RUST[0].1.lines().filter(|it| it.starts_with(&begins));
            assert!(own.all(|it| it == line), "{line}");
        }
    }

    #[test]
    fn every_file_of_the_sdks_is_handed_on() {
        for (folder, files, place) in [
            ("sdk/src", &RUST[..], "sdk/src/"),
            ("sdk-js", &SCRIPT, "sdk/"),
            ("sdk-python/myrelay_sdk", &PYTHON, "myrelay_sdk/"),
        ] {
            let folder = format!("{}/../../plugins/{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let places = [format!("{place}{name}"), name];
                assert!(
                    files.iter().any(|it| places.iter().any(|place| place == it.0)),
                    "{} is not handed on",
                    places[0]
                );
            }
        }
    }

    #[test]
    fn types_stand_in_typescript_only() {
        let text = "«import type { A } from \"a\";\n»function it(a«: A») {}\n";
        assert_eq!(written(&LANGUAGES[1], text), "function it(a) {}\n");
        let typed = "import type { A } from \"a\";\nfunction it(a: A) {}\n";
        assert_eq!(written(&LANGUAGES[2], text), typed);
    }
}
