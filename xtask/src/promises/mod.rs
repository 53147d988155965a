//! `cargo xtask promises`: every promise with the tests that keep it, found by their names.

mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::report;
use crate::test::{Outcome, Record, last_results};
use crate::workspace::Workspace;

/// From a promise's id to the names of its tests.
type Tests = BTreeMap<String, BTreeSet<String>>;

/// Lists the promises with their tests and last results, and writes `docs/promises.md`.
///
/// # Errors
/// When the sources cannot be read or the page cannot be written.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tests = all(workspace.root())?;
    let results = last_results(workspace);
    for (heading, promises) in text::CHAPTERS {
        report::line(format!("\n{heading}"));
        for (id, promise) in *promises {
            let tests = tests.get(*id);
            report::line(format!("{id}  {:<8}  {promise}", state(tests, &results)));
            for test in tests.into_iter().flatten() {
                report::line(format!("     {test}: {}", last(test, &results)));
            }
        }
    }
    let page = workspace.root().join("docs/promises.md");
    fs::create_dir_all(workspace.root().join("docs"))?;
    fs::write(&page, rendered(&tests)).with_context(|| format!("cannot write {}", page.display()))
}

/// The tests of the whole tree.
fn all(root: &Path) -> Result<Tests> {
    let mut tests = Tests::new();
    for folder in ["app", "node-agent", "server", "tests", "xtask"] {
        collect(&root.join(folder), &mut tests)?;
    }
    Ok(tests)
}

/// Finds the tests below a folder: functions whose names begin with the ids of promises. What
/// looks like one in these sources is an example.
fn collect(folder: &Path, tests: &mut Tests) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.ends_with("xtask/src/promises") {
            continue;
        }
        if path.is_dir() {
            collect(&path, tests)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            for name in names(&fs::read_to_string(&path)?) {
                for id in ids(&name) {
                    tests.entry(id.to_owned()).or_default().insert(name.clone());
                }
            }
        }
    }
    Ok(())
}

/// The promises that a name begins with: two for `p09_p34_names_are_checked`.
fn ids(name: &str) -> impl Iterator<Item = &str> {
    let is_id = |part: &&str| {
        part.strip_prefix('p')
            .is_some_and(|it| it.len() == 2 && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name.split('_').take_while(is_id)
}

/// The names of the form `pNN_…` among the functions that a source defines.
fn names(source: &str) -> Vec<String> {
    let is_promise = |name: &str| ids(name).next().is_some();
    source
        .lines()
        .filter_map(|line| line.split_once("fn ").map(|(_, rest)| rest))
        .map(|rest| rest.split(|char: char| !(char.is_alphanumeric() || char == '_')))
        .filter_map(|mut words| words.next().map(str::to_owned))
        .filter(|name| is_promise(name))
        .collect()
}

/// How the promise stands, in one word.
fn state(tests: Option<&BTreeSet<String>>, results: &[Record]) -> &'static str {
    let Some(tests) = tests else { return "no test" };
    let said: Vec<&str> = tests.iter().map(|test| last(test, results)).collect();
    if said.contains(&"failed") {
        "failed"
    } else if said.iter().all(|word| *word == "passed") {
        "passed"
    } else {
        "not run"
    }
}

/// What the last run of a test said; a test that runs at several levels failed if one did.
fn last(test: &str, results: &[Record]) -> &'static str {
    let of_this = results.iter().filter(|record| record.name.rsplit("::").next() == Some(test));
    let words: Vec<&str> = of_this
        .map(|record| match record.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
        })
        .collect();
    ["failed", "passed", "skipped"]
        .into_iter()
        .find(|word| words.contains(word))
        .unwrap_or("not run")
}

/// The page: the same on every machine, so without results.
fn rendered(tests: &Tests) -> String {
    let mut page = String::from(
        "# The promises\n\nWhat the service says about itself in public, and the tests that keep it true.\n\
         Written by `cargo xtask promises`, which also prints the last result of each test.\n",
    );
    for (heading, promises) in text::CHAPTERS {
        page += &format!("\n## {heading}\n\n| id | promise | tests |\n|---|---|---|\n");
        for (id, promise) in *promises {
            let tests = tests.get(*id).into_iter().flatten();
            let tests: Vec<String> = tests.map(|test| format!("`{test}`")).collect();
            let tests = if tests.is_empty() { "none yet".to_owned() } else { tests.join("<br>") };
            page += &format!("| {id} | {promise} | {tests} |\n");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_names() {
        let source =
            "    async fn p05_no_key_leaves() {\nfn p5_x() {}\nfn plain() {}\n// fn of p06\n";
        assert_eq!(names(source), ["p05_no_key_leaves"]);
        assert_eq!(ids("p09_p34_names_are_checked").collect::<Vec<_>>(), ["p09", "p34"]);
        assert_eq!(ids("plain_p34").count(), 0);
    }

    #[test]
    fn the_page_in_the_tree_names_the_tests_in_the_tree() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let page = fs::read_to_string(root.join("docs/promises.md")).unwrap();
        let is_fresh = page == rendered(&all(root).unwrap());
        assert!(is_fresh, "docs/promises.md is old: run `cargo xtask promises`");
    }

    #[test]
    fn every_promise_has_an_id_of_its_own() {
        let ids: Vec<_> =
            text::CHAPTERS.iter().flat_map(|(_, list)| list.iter().map(|(id, _)| *id)).collect();
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len());
        assert!((1..=47).all(|number| distinct.contains(&format!("p{number:02}").as_str())));
    }
}
