//! A package's signature and its publisher's key, as texts from strangers.

use myrelay_plugin_package::{PublisherKey, peek_key_id, verify};

/// What the corpus' signature is of.
const MESSAGE: &[u8] = b"A package, as far as the signature knows.\n";
/// Who made it.
const KEY: &str = "RWSE7Il/3PjvFHKRlxU+pAYHUwoTOeojl6a/nWr2WzGSELGB2DDXjf2+";

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    if let Ok(key) = PublisherKey::parse(text) {
        assert_eq!(PublisherKey::parse(&key.to_file()).as_ref(), Ok(&key));
        assert_eq!(PublisherKey::parse(&key.to_string()).as_ref(), Ok(&key));
        assert!(key.key_id().len() == 16 && key.key_id().bytes().all(|it| it.is_ascii_hexdigit()));
        return true;
    }
    let key = PublisherKey::parse(KEY).unwrap();
    match verify(MESSAGE, text, &key) {
        Ok(signed) => {
            assert_eq!(peek_key_id(text), Ok(signed.key_id.clone()));
            assert_eq!(signed.key_id, key.key_id());
            assert_eq!(signed.comment, "dev.example.mail 0.1.0", "only what was signed");
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
