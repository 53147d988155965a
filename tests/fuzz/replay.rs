//! Throws every corpus, and mutations of it, at its target.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{fuzz_targets::TARGETS, mutate::Mutator};

/// How many changed inputs each target gets besides its corpus.
const MUTATIONS: usize = 2000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every file of a corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(target);
    names(&folder)
        .into_iter()
        .map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()))
        .collect()
}

/// Says which input it was, for it cannot be guessed from what broke.
struct Tell<'a>(&'a str, &'a str, &'a [u8]);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(target, name, input) = self;
            let text = String::from_utf8_lossy(input);
            panic_note(&format!("{target} broke on {name}: {text:?}\n{input:02x?}"));
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that fails says on what")]
fn panic_note(text: &str) {
    eprintln!("{text}");
}

fn replay(target: &str) {
    let (_, run) = TARGETS.iter().find(|it| it.0 == target).unwrap();
    let corpus = corpus(target);
    for (name, input) in &corpus {
        let _tell = Tell(target, name, input);
        assert!(run(input) || !name.starts_with("valid"), "{target}: {name} means nothing");
    }
    let mut mutator = Mutator::of(target);
    for number in 0..MUTATIONS {
        let (name, input) = &corpus[mutator.below(corpus.len())];
        let (_, other) = &corpus[mutator.below(corpus.len())];
        let input = mutator.change(input, other);
        let name = format!("change {number}, of {name}");
        let _tell = Tell(target, &name, &input);
        run(&input);
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(names(&corpora()), targets);
    for target in targets {
        let corpus = corpus(&target);
        for kind in ["valid", "cut", "hostile"] {
            assert!(corpus.iter().any(|it| it.0.starts_with(kind)), "{target} has no {kind} input");
        }
    }
}

#[test]
fn fuzz_agent_msg() {
    replay("agent_msg");
}

#[test]
fn p33_fuzz_cidr_list() {
    replay("cidr_list");
}

#[test]
fn p36_fuzz_conf_render() {
    replay("conf_render");
}

#[test]
fn fuzz_csr_der() {
    replay("csr_der");
}

#[test]
fn fuzz_join_token() {
    replay("join_token");
}

#[test]
fn fuzz_state_delta() {
    replay("state_delta");
}

#[test]
fn fuzz_plugin_manifest() {
    replay("plugin_manifest");
}

#[test]
fn fuzz_plugin_package() {
    replay("plugin_package");
}

#[test]
fn fuzz_plugin_signature() {
    replay("plugin_signature");
}

#[test]
fn fuzz_key_rotation() {
    replay("key_rotation");
}

#[test]
fn fuzz_url_policy() {
    replay("url_policy");
}

#[test]
fn fuzz_plugin_effects() {
    replay("plugin_effects");
}

#[test]
fn fuzz_webhook_signature() {
    replay("webhook_signature");
}
