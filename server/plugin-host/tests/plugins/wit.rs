//! What is published stays as it is: everything but its words.

use std::{collections::BTreeMap, fs, path::Path};

use aws_lc_rs::digest::{SHA256, digest};

/// Every file of every version, and the SHA-256 of its meaning: lines are added, and never changed.
const PUBLISHED: &str = include_str!("../../../../plugins/wit/published");

/// What a file says to a machine. Comments, blanks, and commas before a closing bracket say nothing.
fn meaning(wit: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_%@".contains(c);
    let code = wit.lines().flat_map(|line| {
        let code = line.split("//").next().unwrap_or_default();
        code.chars().chain(['\n'])
    });
    let (mut meaning, mut apart) = (String::new(), false);
    for c in code {
        if c.is_whitespace() {
            apart = true;
            continue;
        }
        if "})>".contains(c) && meaning.ends_with(',') {
            meaning.pop();
        }
        if apart && is_word(c) && meaning.ends_with(is_word) {
            meaning.push(' ');
        }
        meaning.push(c);
        apart = false;
    }
    assert!(!meaning.contains("/*"), "comments begin with // here");
    meaning
}

fn hash(wit: &str) -> String {
    let hash = digest(&SHA256, meaning(wit).as_bytes());
    hash.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}

#[test]
fn a_published_interface_never_changes() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/wit");
    let mut found = BTreeMap::new();
    for version in fs::read_dir(&wit).unwrap().map(|it| it.unwrap().path()) {
        if !version.is_dir() {
            continue;
        }
        for file in fs::read_dir(&version).unwrap().map(|it| it.unwrap().path()) {
            let hash = hash(&fs::read_to_string(&file).unwrap());
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
        let advice = "is published, and more than its comments changed: add a file instead";
        assert_eq!(now, Some(hash.as_str()), "{name} {advice}");
    }
    for (name, hash) in &found {
        assert!(published.contains_key(name), "add to plugins/wit/published: {hash}  {name}");
    }
}

const SMALL: &str = "package a:b@1.0.0;

/// Money.
interface money {
    /// How much.
    record amount { minor: s64, currency: string }
    enum kind { one, two }
    pay: func(amount: amount) -> result<_, string>;
    give: func() -> option<amount>;
}
";

/// What is written where something else stood.
fn with(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replacen(from, to, 1)
}

#[test]
fn words_may_become_better() {
    for (from, to) in [
        ("/// How much.", "/// How much it is, in cents: 1200 is 12.00."),
        ("    /// How much.\n", ""),
        ("{ one, two }", "{\n        /// The first.\n        one, // first\n\n        two,\n    }"),
        ("(amount: amount)", "(\n    amount: amount,\n)"),
        ("\n\n", "\n"),
    ] {
        assert_eq!(hash(&with(from, to)), hash(SMALL), "{from}");
    }
}

#[test]
fn nothing_but_words_may_change() {
    let functions = "    pay: func(amount: amount) -> result<_, string>;\n    \
                     give: func() -> option<amount>;\n";
    let turned = "    give: func() -> option<amount>;\n    \
                  pay: func(amount: amount) -> result<_, string>;\n";
    for (from, to) in [
        ("minor: s64", "minor: u64"),
        ("minor: s64", "smallest: s64"),
        ("minor: s64, currency: string", "currency: string, minor: s64"),
        ("minor: s64, currency: string", "minor: s64"),
        ("minor: s64", "minor: s64, scale: u8"),
        ("one, two", "two, one"),
        ("one, two", "one, two, three"),
        ("one, two", "one"),
        ("one, two", "one-two"),
        ("one, two", "// one, two"),
        ("amount: amount)", "sum: amount)"),
        ("result<_, string>", "result<string, string>"),
        ("option<amount>", "amount"),
        ("give: func", "give-back: func"),
        (functions, turned),
        ("    give: func() -> option<amount>;\n", ""),
        ("@1.0.0", "@1.0.1"),
    ] {
        assert_ne!(hash(&with(from, to)), hash(SMALL), "{from} became {to}");
    }
}
