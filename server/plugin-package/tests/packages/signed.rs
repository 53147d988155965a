//! Signatures: ours are minisign's, and minisign's count here. The vectors were made by the program
//! minisign 0.11: `-G -W`, `-S -t 'dev.example.mail 0.1.0'`, and `-S -l` for the old form.

use myrelay_plugin_package::{
    PublisherKey, SignatureError, SigningKey, keygen, peek_key_id, sign, verify,
};

const MESSAGE: &[u8] = include_bytes!("vectors/message");
const SIGNATURE: &str = include_str!("vectors/message.minisig");
const LEGACY: &str = include_str!("vectors/legacy.minisig");
const PUBLIC: &str = include_str!("vectors/minisign.pub");
const SECRET: &str = include_str!("vectors/minisign.key");

#[test]
fn what_minisign_signed_counts() {
    let key = PublisherKey::parse(PUBLIC).unwrap();
    assert_eq!(key.key_id(), "14EFF8DC7F89EC84");
    assert_eq!(PublisherKey::parse(&key.to_string()).unwrap(), key);
    assert_eq!(key.to_file(), PUBLIC);
    let signed = verify(MESSAGE, SIGNATURE, &key).unwrap();
    assert_eq!(signed.key_id, key.key_id());
    assert_eq!(signed.comment, "dev.example.mail 0.1.0");
    // Checked out on another system.
    assert!(PublisherKey::parse(&PUBLIC.replace('\n', "\r\n")).is_ok());
}

#[test]
fn another_byte_another_comment_another_key_do_not_count() {
    let key = PublisherKey::parse(PUBLIC).unwrap();
    let mut tampered = MESSAGE.to_vec();
    tampered[3] ^= 1;
    assert_eq!(verify(&tampered, SIGNATURE, &key), Err(SignatureError::Wrong));
    assert_eq!(verify(&[], SIGNATURE, &key), Err(SignatureError::Wrong));
    let renamed = SIGNATURE.replace("0.1.0", "0.2.0");
    assert_eq!(verify(MESSAGE, &renamed, &key), Err(SignatureError::Wrong));

    let (_, other) = keygen(None).unwrap();
    let error = verify(MESSAGE, SIGNATURE, &other).unwrap_err();
    assert!(matches!(&error, SignatureError::OtherKey { signed, .. } if *signed == key.key_id()));
    assert!(error.to_string().contains(&other.key_id()), "{error}");
    // The same id on another key: ids are names, not proofs.
    let mut bytes = other.to_string().into_bytes();
    bytes[..16].copy_from_slice(&key.to_string().as_bytes()[..16]);
    let posing = PublisherKey::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    assert_eq!(posing.key_id(), key.key_id());
    assert_eq!(verify(MESSAGE, SIGNATURE, &posing), Err(SignatureError::Wrong));
}

#[test]
fn signatures_and_keys_have_one_form() {
    let key = PublisherKey::parse(PUBLIC).unwrap();
    let lines: Vec<&str> = SIGNATURE.lines().collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line;
        lines.join("\n")
    };
    for signature in [
        String::new(),
        lines[..3].join("\n"),
        SIGNATURE.to_owned() + "more\n",
        SIGNATURE.repeat(100),
        with(0, "no comment"),
        with(1, "RUSE7Il/"),
        with(1, "no Base64 at all"),
        with(2, "comment: dev.example.mail 0.1.0"),
        with(2, "trusted comment:"),
        with(3, &lines[3][4..]),
    ] {
        let error = verify(MESSAGE, &signature, &key).unwrap_err();
        assert!(matches!(error, SignatureError::Malformed(_)), "{signature}: {error}");
    }
    let error = verify(MESSAGE, LEGACY, &key).unwrap_err();
    assert!(error.to_string().contains("minisign -SH"), "{error}");
    for text in ["", "RW", "untrusted comment: x", &PUBLIC.repeat(2), SIGNATURE, SECRET] {
        assert_eq!(PublisherKey::parse(text), Err(SignatureError::Key), "{text}");
    }
}

#[test]
fn a_key_of_minisigns_and_our_own_sign() {
    let key = SigningKey::open(SECRET, None).unwrap();
    assert_eq!(key.publisher().unwrap(), PublisherKey::parse(PUBLIC).unwrap());
    let signature = sign(MESSAGE, &key, "by another program").unwrap();
    let signed = verify(MESSAGE, &signature, &key.publisher().unwrap()).unwrap();
    assert_eq!(signed.comment, "by another program");
    assert!(sign(MESSAGE, &key, "two\nlines").is_err());

    let (secret, public) = keygen(None).unwrap();
    assert_ne!(keygen(None).unwrap().1, public);
    assert!(!SigningKey::is_encrypted(&secret).unwrap());
    let own = SigningKey::open(&secret, None).unwrap();
    assert_eq!(own.publisher().unwrap(), public);
    let signature = sign(MESSAGE, &own, "dev.example.mail 1.0.0").unwrap();
    assert_eq!(peek_key_id(&signature).unwrap(), public.key_id());
    assert!(verify(MESSAGE, &signature, &public).is_ok());
    assert_eq!(format!("{own:?}"), "SigningKey(…)");
}

#[test]
fn a_password_opens_its_key_and_no_other_does() {
    let (secret, public) = keygen(Some("correct horse")).unwrap();
    assert!(SigningKey::is_encrypted(&secret).unwrap());
    let key = SigningKey::open(&secret, Some("correct horse")).unwrap();
    assert_eq!(key.publisher().unwrap(), public);
    assert!(verify(MESSAGE, &sign(MESSAGE, &key, "x").unwrap(), &public).is_ok());
    for password in [Some("wrong"), Some(""), None] {
        let error = SigningKey::open(&secret, password).unwrap_err();
        assert!(matches!(error, SignatureError::Password(_)), "{error}");
    }
    for text in ["", "one line", "two\nlines", PUBLIC, SIGNATURE] {
        assert!(SigningKey::open(text, None).is_err(), "{text}");
    }
}
