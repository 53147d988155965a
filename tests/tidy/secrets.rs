//! Types that hold a secret: nothing compares them and nothing prints them.

use std::{
    fmt::{Debug, Display},
    marker::PhantomData,
};

use myrelay_domain::{password::Password, token::Token};
use myrelay_node_protocol::JoinToken;
use myrelay_plugin_host::PluginSecret;
use myrelay_plugin_package::SigningKey;

use crate::tree::{File, rust, words};

/// Every type that holds a secret, wherever it is.
const SECRETS: [&str; 7] =
    ["JoinToken", "KeyPem", "Password", "PluginSecret", "PrivateKey", "SigningKey", "Token"];

/// What would compare a secret byte by byte, or let it out by mistake.
const BANNED: [&str; 7] = ["Display", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd", "Serialize"];

/// Written by intent: the agent's own key into its private file, and a plugin's secret into the
/// messages to the host, which puts it into requests.
const WRITTEN: [&str; 2] = ["KeyPem", "PluginSecret"];

/// Holds its secret as one of the others, and prints as they do.
const MADE_OF_OTHERS: &str = "JoinToken";

/// Asks the compiler whether a type has a trait: an inherent constant goes before a trait's, and
/// is there only where its bound holds.
struct Has<T: ?Sized>(PhantomData<T>);

trait HasNot {
    const EQUALITY: bool = false;
    const DISPLAY: bool = false;
}

impl<T: ?Sized> HasNot for Has<T> {}

impl<T: ?Sized + PartialEq> Has<T> {
    const EQUALITY: bool = true;
}

impl<T: ?Sized + Display> Has<T> {
    const DISPLAY: bool = true;
}

#[test]
fn p26_secret_types_have_no_equality() {
    const { assert!(Has::<String>::EQUALITY && Has::<String>::DISPLAY) };
    const { assert!(!Has::<Token>::EQUALITY && !Has::<Token>::DISPLAY) };
    const { assert!(!Has::<Password>::EQUALITY && !Has::<Password>::DISPLAY) };
    const { assert!(!Has::<JoinToken>::EQUALITY && !Has::<JoinToken>::DISPLAY) };
    const { assert!(!Has::<PluginSecret>::EQUALITY && !Has::<PluginSecret>::DISPLAY) };
    const { assert!(!Has::<SigningKey>::EQUALITY && !Has::<SigningKey>::DISPLAY) };

    let mut found = 0;
    for file in rust().filter(|file| !file.is_test() && !file.path.starts_with("tests/")) {
        for secret in SECRETS {
            for attributes in definitions(file, secret) {
                found += 1;
                let is_banned = |word: &&str| match *word {
                    "Serialize" => !WRITTEN.contains(&secret),
                    "Debug" => secret != MADE_OF_OTHERS,
                    word => BANNED.contains(&word),
                };
                let derived = words(&attributes).find(is_banned);
                assert!(derived.is_none(), "{}: {secret} derives {derived:?}", file.path);
            }
            for line in file.text.lines().filter(|line| line.starts_with("impl")) {
                let Some((traits, of)) = line.split_once(" for ") else { continue };
                let implemented = words(traits).find(|it| BANNED.contains(it));
                let ours = words(of).next() == Some(secret);
                assert!(!ours || implemented.is_none(), "{}: {line}", file.path);
            }
        }
    }
    assert!(SECRETS.len() < found, "the sources were read, and both kinds of private key found");
}

#[test]
fn a_secret_prints_as_its_name() {
    fn shows(secret: &impl Debug, name: &str) {
        assert_eq!(format!("{secret:?}"), format!("{name}(…)"));
    }
    shows(&Token::from_random([7; 32]), "Token");
    shows(&Password::typed("correct horse battery".to_owned()).unwrap(), "Password");
    for file in rust().filter(|file| !file.is_test()) {
        for secret in SECRETS {
            let start = format!("impl fmt::Debug for {secret} {{");
            let Some((_, body)) = file.text.split_once(&start) else { continue };
            let body = body.split("\n}").next().unwrap();
            assert!(body.contains("(…)"), "{}: {secret} prints more than its name", file.path);
        }
    }
}

/// The attributes of each type of this name that a file defines.
fn definitions(file: &File, name: &str) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let is_definition = |line: &str| {
        let mut parts = words(line).skip_while(|it| ["pub", "crate", "super"].contains(it));
        matches!(parts.next(), Some("struct" | "enum")) && parts.next() == Some(name)
    };
    let attributes = |at: usize| {
        let above = lines[..at].iter().rev().take_while(|line| !line.trim().is_empty());
        above.filter(|line| line.trim_start().starts_with("#[")).copied().collect()
    };
    let places = (0..lines.len()).filter(|at| is_definition(lines[*at]));
    places.map(attributes).collect()
}
