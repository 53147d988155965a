//! What of Cargo's packages is in something, by what `cargo metadata` says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::Part;

/// The packages that the roots are built from, and the roots; behind each stands whether it only
/// builds: a macro, or what macros are made of. What builds or tests by itself is not named.
pub fn needed<'a>(
    metadata: &'a Value,
    is_root: impl Fn(&Value) -> bool,
) -> impl Iterator<Item = (&'a Value, bool)> {
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let is_macro = |id: &str| packages.get(id).is_some_and(|it| is_macro(it));
    let reached = |through_macros: bool| -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let roots = packages.iter().filter(|(_, package)| is_root(package));
        let mut next: VecDeque<&str> = roots.map(|(id, _)| *id).collect();
        while let Some(id) = next.pop_front() {
            if (through_macros || !is_macro(id)) && found.insert(id) {
                let dependencies = nodes.get(id).into_iter().flat_map(|node| list(&node["deps"]));
                let normal = dependencies.filter(|dependency| {
                    list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null())
                });
                next.extend(normal.map(|dependency| text(&dependency["pkg"])));
            }
        }
        found
    };
    let inside = reached(false);
    let all = reached(true).into_iter();
    all.filter_map(move |id| Some((*packages.get(id)?, !inside.contains(id))))
}

fn is_macro(package: &Value) -> bool {
    let mut kinds = list(&package["targets"]).flat_map(|target| list(&target["kind"]));
    kinds.any(|kind| kind == "proc-macro")
}

/// A package as the part of something.
#[must_use]
pub fn package((package, builds): (&Value, bool)) -> Part {
    Part {
        name: text(&package["name"]).to_owned(),
        version: text(&package["version"]).to_owned(),
        licence: package["license"].as_str().map(str::to_owned),
        registry: Some("cargo"),
        about: None,
        builds,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_builds_it_is_told_apart_and_what_tests_it_is_no_part_of_it() {
        let package = |name: &str| {
            let kind = if name == "macro" { "proc-macro" } else { "lib" };
            json!({ "id": name, "name": name, "version": "1.0.0", "targets": [{ "kind": [kind] }] })
        };
        let needs =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let normal = |name: &str| needs(name, Value::Null);
        let packages = ["it", "used", "deep", "macro", "syntax", "tested", "built"].map(package);
        let metadata = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "it", "deps": [
                    normal("used"), normal("macro"), needs("tested", json!("dev")),
                    needs("built", json!("build")),
                ] },
                { "id": "used", "deps": [normal("deep"), normal("macro"), needs("it", json!("dev"))] },
                { "id": "macro", "deps": [normal("syntax"), normal("deep")] },
            ] },
        });
        let found = needed(&metadata, |package| package["name"] == "it").map(super::package);
        let told: Vec<(String, bool)> = found.map(|it| (it.name, it.builds)).collect();
        let told: Vec<(&str, bool)> = told.iter().map(|it| (&*it.0, it.1)).collect();
        let (inside, builds) = (false, true);
        assert_eq!(
            told,
            [
                ("deep", inside),
                ("it", inside),
                ("macro", builds),
                ("syntax", builds),
                ("used", inside),
            ]
        );
    }
}
