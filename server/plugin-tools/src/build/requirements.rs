//! What `requirements.txt` pins, and what pip put into `.venv` of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use myrelay_bill_of_materials::Part;

use crate::files;

const FILE: &str = "requirements.txt";
/// The most bytes of it, and of what it includes.
const FILE_BYTES: usize = 1 << 20;
/// Files that include each other for ever end here.
const DEPTH: usize = 8;

/// Something that pip installs, by its name as registries write it.
#[derive(PartialEq, Eq, Debug)]
struct Pinned {
    name: String,
    /// Empty where the file leaves it open.
    version: String,
}

/// What the plugin in a folder needs of others', but for the packages that only build it.
///
/// # Errors
/// When a file cannot be read or understood, and when something else is installed than it says.
pub(super) fn parts(folder: &Path, tools: &[&str]) -> Result<BTreeSet<Part>> {
    let mut pinned = Vec::new();
    if folder.join(FILE).exists() {
        read(folder, FILE, DEPTH, &mut pinned)?;
    }
    let installed = installed(folder);
    let mut parts = BTreeSet::new();
    for Pinned { name, mut version } in pinned {
        if tools.contains(&&*name) {
            continue;
        }
        let mut licence = None;
        if let Some((there, its)) = installed.get(&name) {
            if !version.is_empty() && !is_same(&version, there) {
                bail!(
                    "{name}: {there} is installed, and {FILE} says {version}: type \
                     `.venv/bin/pip install --require-hashes -r {FILE}` in {}",
                    folder.display()
                );
            }
            version.clone_from(there);
            licence.clone_from(its);
        }
        parts.insert(Part {
            name,
            version,
            licence,
            registry: Some("pypi"),
            about: None,
            builds: false,
        });
    }
    Ok(parts)
}

/// Reads a file as pip does: lines that end with \ go on, and # begins a comment.
fn read(folder: &Path, name: &str, depth: usize, into: &mut Vec<Pinned>) -> Result<()> {
    if depth == 0 {
        bail!("{FILE}: {name} includes itself");
    }
    let text = files::read_text(&folder.join(name), FILE_BYTES)?;
    let mut whole = String::new();
    for (at, line) in text.lines().enumerate() {
        let code = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or(line) };
        if let Some(begun) = code.strip_suffix('\\') {
            whole.push_str(begun);
            continue;
        }
        whole.push_str(code);
        let line = std::mem::take(&mut whole);
        let line = line.trim();
        let included = ["--requirement=", "--requirement ", "-r"]
            .into_iter()
            .find_map(|option| line.strip_prefix(option));
        if let Some(other) = included {
            let beside = Path::new(name).parent().unwrap_or(Path::new(""));
            let other = beside.join(other.trim());
            read(folder, &other.to_string_lossy(), depth - 1, into)?;
        } else if is_place(line) {
            // A file or an address: pip knows its name, and a reader of the bill sees where it is of.
            into.push(Pinned { name: line.to_owned(), version: String::new() });
        } else if !line.is_empty() && !line.starts_with('-') {
            let told = || format!("{name}: line {}: write NAME==VERSION: {line}", at + 1);
            into.push(requirement(line).with_context(told)?);
        }
    }
    Ok(())
}

/// Whether a line names a package by where it is.
fn is_place(line: &str) -> bool {
    let name = line.split([' ', ';']).next().unwrap_or_default();
    name.starts_with(['.', '/']) || name.contains("://")
}

/// Whether two versions are one for pip: zeros at a number's beginning and at the end say nothing,
/// nor does what stands after a + (PEP 440).
fn is_same(one: &str, other: &str) -> bool {
    let plain = |it: &str| -> Vec<String> {
        let public = it.split('+').next().unwrap_or_default().to_lowercase();
        let numbers = public.split('.').map(|it| {
            let short = it.trim_start_matches('0');
            if short.is_empty() { "0".to_owned() } else { short.to_owned() }
        });
        let mut all: Vec<String> = numbers.collect();
        while all.last().is_some_and(|it| it == "0") {
            all.pop();
        }
        all
    };
    plain(one) == plain(other)
}

/// `name[extra]==1.2.0 ; marker --hash=…`, and nothing where it names no package.
fn requirement(line: &str) -> Option<Pinned> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    let line = line.split(" --").next()?.split(';').next()?.trim();
    let (name, rest) = line.split_at(line.find(|it| !plain(it)).unwrap_or(line.len()));
    let ends = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    if !ends(name.chars().next()) || !ends(name.chars().next_back()) {
        return None;
    }
    let mut rest = rest.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1.trim_start();
    }
    if !rest.is_empty() && !rest.starts_with(['=', '<', '>', '!', '~', '(', '@']) {
        return None;
    }
    let exact = rest.strip_prefix("===").or_else(|| rest.strip_prefix("=="));
    let exact = exact.map(str::trim).filter(|it| !it.contains([',', '*']));
    Some(Pinned { name: normal(name), version: exact.unwrap_or_default().to_owned() })
}

/// A name as registries write it: `Foo_Bar` and `foo.bar` are one.
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|it| !it.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Versions and licences of what is in the folder's own environment, by names.
fn installed(folder: &Path) -> BTreeMap<String, (String, Option<String>)> {
    let below = |place: &Path| fs::read_dir(place).into_iter().flatten().flatten();
    let mut found = BTreeMap::new();
    for python in below(&folder.join(".venv/lib")) {
        for entry in below(&python.path().join("site-packages")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(named) = name.strip_suffix(".dist-info") else { continue };
            let Some((name, version)) = named.split_once('-') else { continue };
            let about = fs::read_to_string(entry.path().join("METADATA")).unwrap_or_default();
            found.insert(normal(name), (version.to_owned(), licence(&about)));
        }
    }
    found
}

/// The licence that a package's METADATA names in one line.
fn licence(about: &str) -> Option<String> {
    let head: Vec<&str> = about.lines().take_while(|it| !it.is_empty()).collect();
    let field = |name: &str| head.iter().find_map(|it| it.strip_prefix(name)).map(str::trim);
    let named = field("License-Expression:").or_else(|| field("License:"));
    named.filter(|it| !it.is_empty() && *it != "UNKNOWN").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(name: &str, version: &str) -> Option<Pinned> {
        Some(Pinned { name: name.to_owned(), version: version.to_owned() })
    }

    #[test]
    fn a_requirement_is_a_name_and_perhaps_a_version() {
        for (line, name, version) in [
            ("idna==3.10", "idna", "3.10"),
            ("Foo_Bar[more, other] == 1.2.0 ; python_version < '3.12'", "foo-bar", "1.2.0"),
            ("a.b==1.0 --hash=sha256:00 --hash=sha256:11", "a-b", "1.0"),
            ("idna", "idna", ""),
            ("idna>=3,<4", "idna", ""),
            ("idna==3.*", "idna", ""),
            ("idna ; sys_platform == 'wasi'", "idna", ""),
            ("idna @ https://a.example/idna.whl", "idna", ""),
        ] {
            assert_eq!(requirement(line), pinned(name, version), "{line}");
        }
        for line in ["./idna.whl", "https://a.example/idna.whl", "{\"idna\": 1}", "idna 3.10"] {
            assert_eq!(requirement(line), None, "{line}");
        }
    }

    #[test]
    fn versions_are_compared_as_pip_does() {
        for (one, other) in [("2023.07.22", "2023.7.22"), ("23.2", "23.2.0"), ("2.1+local", "2.1")]
        {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [("1.0", "1.1"), ("10", "1"), ("1.0rc1", "1.0")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
        for line in ["./x.whl", "https://a.example/idna.whl", "git+https://a.example/x ; extra"] {
            assert!(is_place(line), "{line}");
        }
        assert!(!is_place("idna==3.10 --hash=sha256:00"));
    }

    #[test]
    fn what_is_pinned_is_named_with_its_licence_and_the_tools_are_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let place = root.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        };
        assert_eq!(parts(root.path(), &[]).unwrap(), BTreeSet::new());
        write(FILE, "# built by\ntool==1.0 \\\n    --hash=sha256:00\n-r more.txt\n--no-index\n");
        write("more.txt", "Idna==3.10 # names\n\nother>=2\n");
        write(
            ".venv/lib/python3.11/site-packages/idna-3.10.dist-info/METADATA",
            "Name: idna\nLicense-Expression: BSD-3-Clause\n\nLicense: of a text below\n",
        );
        let other = ".venv/lib/python3.11/site-packages/other-2.7.dist-info/METADATA";
        write(other, "Name: other\nLicense: MIT License\n");
        let told = parts(root.path(), &["tool"]).unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|it| (&*it.name, &*it.version, it.licence.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(told, [("idna", "3.10", "BSD-3-Clause"), ("other", "2.7", "MIT License")]);

        write("more.txt", "Idna==3.9\n");
        let error = parts(root.path(), &[]).unwrap_err().to_string();
        assert!(error.contains("3.10 is installed, and requirements.txt says 3.9"), "{error}");
        write("more.txt", "\n\n<<<<<<< ours\n");
        let error = parts(root.path(), &[]).unwrap_err().to_string();
        assert!(error.starts_with("more.txt: line 3: "), "{error}");
        write("more.txt", "-r requirements.txt\n");
        assert!(parts(root.path(), &[]).unwrap_err().to_string().contains("includes itself"));
    }
}
