//! What we take from others: where its version stands, where it comes from, and on what terms.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, semver};
use spdx::{Expression, Licensee, ParseMode};
use toml::Table;

use crate::tree::{BROWSER, HOST, files, metadata, read, root, rust, words};

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// The manifests of our crates, without the workspace's own.
fn manifests() -> Vec<(&'static str, Table)> {
    let members = files().iter().filter(|file| file.path.ends_with("/Cargo.toml"));
    members.map(|file| (file.path.as_str(), file.text.parse().unwrap())).collect()
}

#[test]
fn versions_stand_in_the_root_only() {
    for (path, manifest) in manifests() {
        for table in TABLES {
            let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for (name, how) in dependencies {
                let from_root = how.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(from_root, "{path}: {name}; its version stands in the root's Cargo.toml");
            }
        }
        let lints = manifest.get("lints").and_then(|it| it.get("workspace"));
        assert!(lints.is_some(), "{path}: the workspace's lints are off");
    }
}

#[test]
fn every_version_of_the_root_is_used() {
    let root: Table = read("Cargo.toml").parse().unwrap();
    let named = root["workspace"]["dependencies"].as_table().unwrap().keys().cloned();
    let named: BTreeSet<String> = named.collect();
    let mut used = BTreeSet::new();
    for (_, manifest) in manifests() {
        for table in TABLES {
            let dependencies = manifest.get(table).and_then(toml::Value::as_table);
            used.extend(dependencies.into_iter().flat_map(Table::keys).cloned());
        }
    }
    let unused: Vec<_> = named.difference(&used).filter(|it| !it.starts_with("myrelay-")).collect();
    assert!(unused.is_empty(), "nobody uses {unused:?}");
}

#[test]
fn packages_come_from_one_place_and_are_released() {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    for package in lock["package"].as_array().unwrap() {
        let Some(source) = package.get("source").and_then(toml::Value::as_str) else { continue };
        let known = source == "registry+https://github.com/rust-lang/crates.io-index";
        assert!(known, "{}: from {source}", package["name"]);
    }
    let metadata = metadata(HOST);
    let direct: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| package.dependencies.iter().map(|it| it.name.as_str()))
        .collect();
    for package in &metadata.packages {
        let early = package.version.pre != semver::Prerelease::EMPTY;
        let chosen = direct.contains(package.name.as_str());
        assert!(!(early && chosen), "{} {} is not released", package.name, package.version);
    }
}

/// With a list of targets, rustup downloads them wherever Cargo is called; where it cannot,
/// nothing builds.
#[test]
fn no_toolchain_file_names_targets() {
    for name in ["rust-toolchain", "rust-toolchain.toml"] {
        let file = root().join(name);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(!text.contains("targets"), "{name} lists targets");
    }
}

/// Everything that ends up in what people run or load may be handed on together with our code.
/// Which terms do, deny.toml says, with the reasons.
#[test]
fn p47_every_licence_fits_ours() {
    let deny: Table = read("deny.toml").parse().unwrap();
    let allowed: Vec<Licensee> = deny["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| Licensee::parse(id.as_str().unwrap()).unwrap())
        .collect();
    for platform in [HOST, BROWSER] {
        for package in &metadata(platform).packages {
            let name = &package.name;
            let text = package.license.as_deref();
            let text = text.unwrap_or_else(|| panic!("{name} names no licence"));
            let terms = Expression::parse_mode(text, ParseMode::LAX).unwrap();
            let fits = terms.evaluate(|asked| allowed.iter().any(|it| it.satisfies(asked)));
            assert!(fits, "{name}: {text}");
        }
    }
}

#[test]
fn p47_our_own_licence_is_mit() {
    assert!(read("LICENSE").starts_with("MIT License\n"));
    let metadata = metadata(HOST);
    for package in metadata.workspace_packages() {
        assert_eq!(package.license.as_deref(), Some("MIT"), "{}", package.name);
    }
}

/// What only tests and builds use stays out of what people run.
#[test]
fn test_tools_stay_in_tests() {
    let metadata = metadata(HOST);
    for package in metadata.workspace_packages() {
        if ["myrelay-tests", "xtask"].contains(&package.name.as_str()) {
            continue;
        }
        let normal = package.dependencies.iter().filter(|it| it.kind == DependencyKind::Normal);
        for dependency in normal {
            let tool = ["fantoccini", "proptest", "tempfile"].contains(&dependency.name.as_str());
            assert!(!tool, "{} is built with {}", package.name, dependency.name);
        }
    }
}

/// A package that no source names is one that nobody needs.
#[test]
fn every_dependency_is_named_in_a_source() {
    for (path, manifest) in manifests() {
        let folder = path.trim_end_matches("Cargo.toml");
        let sources: String = rust()
            .filter(|file| file.path.starts_with(folder))
            .map(|file| file.text.as_str())
            .collect();
        let named: BTreeSet<&str> = words(&sources).collect();
        for table in TABLES {
            let dependencies = manifest.get(table).and_then(toml::Value::as_table);
            for name in dependencies.into_iter().flat_map(Table::keys) {
                let found = named.contains(name.replace('-', "_").as_str());
                assert!(found, "{path}: no source there names {name}");
            }
        }
    }
}
