//! What a publisher says of their next key, as a text from strangers.

use myrelay_plugin_package::Rotation;

/// The keys of the corpus.
const FROM: &str = "RWRa7uJ/oLT6bz0LXpg6whhMabHH103uVVMRT0iM6/RDkH+9kj981MIx";
const TO: &str = "RWSHbbSpeZRrCAkoxjOaI1C2YtuPzeZ7swxlGJ3SFq3+DaD8sl7Lcitm";

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    match Rotation::read(text) {
        Ok(read) => {
            // Nobody else's keys are at hand: only what was signed is believed.
            assert_eq!((read.from().to_string(), read.to().to_string()), (FROM.into(), TO.into()));
            let said = format!("myrelay publisher rotation 1\nfrom {FROM}\nto {TO}\n");
            assert!(text.starts_with(&said) && text.lines().count() == 7, "one form: {text:?}");
            true
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() < 400, "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
            false
        }
    }
}
