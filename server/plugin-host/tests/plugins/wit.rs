//! What is published stays as it is.

use std::{collections::BTreeMap, fs, path::Path};

use aws_lc_rs::digest::{SHA256, digest};

/// Every file of every version, and its SHA-256: lines are added, and never changed.
const PUBLISHED: &str = include_str!("../../../../plugins/wit/published");

#[test]
fn a_published_interface_never_changes() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/wit");
    let mut found = BTreeMap::new();
    for version in fs::read_dir(&wit).unwrap().map(|it| it.unwrap().path()) {
        if !version.is_dir() {
            continue;
        }
        for file in fs::read_dir(&version).unwrap().map(|it| it.unwrap().path()) {
            let hash = digest(&SHA256, &fs::read(&file).unwrap());
            let hash: String = hash.as_ref().iter().map(|it| format!("{it:02x}")).collect();
            let name = file.strip_prefix(&wit).unwrap().to_str().unwrap().to_owned();
            found.insert(name, hash);
        }
    }
    let published: BTreeMap<String, String> = PUBLISHED
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect();
    for (name, hash) in &published {
        let now = found.get(name).map(String::as_str);
        assert_eq!(now, Some(hash.as_str()), "{name} is published: add a file instead");
    }
    for (name, hash) in &found {
        assert!(published.contains_key(name), "add to plugins/wit/published: {hash}  {name}");
    }
}
