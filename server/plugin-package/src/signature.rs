//! Who made a package: signatures in the form of minisign, which anybody can check without us.

use std::{fmt, io::Cursor};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The most bytes of a key's file, and of a signature's.
const TEXT_BYTES: usize = 4096;
/// `Ed`, the key's id and the key.
const KEY_BYTES: usize = 42;
/// `ED`, the key's id and the signature.
const SIGNATURE_BYTES: usize = 74;
/// Where the id stands in both.
const ID: std::ops::Range<usize> = 2..10;
/// A secret key: how it is encrypted, and at the end its checksum.
const SECRET_BYTES: usize = 158;
const KDF: std::ops::Range<usize> = 2..4;
const CHECKSUM: std::ops::Range<usize> = 126..158;
/// What a secret key says that no password protects.
const UNENCRYPTED: [u8; 2] = [0, 0];

/// Why nothing was signed, or a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It is no public key.
    #[error("it is no public key of minisign: a line of 56 characters that begins with RW")]
    Key,
    /// It is no secret key.
    #[error("it is no secret key of minisign: {0}")]
    Secret(String),
    /// It is a secret key, and this is not its password.
    #[error("the secret key does not open: {0}")]
    Password(String),
    /// It is no signature.
    #[error("it is no signature of minisign: {0}")]
    Malformed(&'static str),
    /// Somebody else signed.
    #[error("it is signed with the key {signed}, and the publisher's key is {expected}")]
    OtherKey {
        /// The id of the key that signed.
        signed: String,
        /// The id of the key that should have.
        expected: String,
    },
    /// The bytes are not those that were signed.
    #[error(
        "the signature is not of this package: it was changed after it was signed, or the signature is another's"
    )]
    Wrong,
}

/// Who publishes a plugin, as everybody may know it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublisherKey {
    key: minisign_verify::PublicKey,
    bytes: [u8; KEY_BYTES],
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.bytes))
    }
}

impl fmt::Debug for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublisherKey({self})")
    }
}

impl PublisherKey {
    /// Reads the text of a `minisign.pub`, or its second line alone.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        if TEXT_BYTES < text.len() {
            return Err(SignatureError::Key);
        }
        let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        let first = lines.next().ok_or(SignatureError::Key)?;
        let line = if is_comment(first) { lines.next().unwrap_or_default() } else { first };
        let bytes: [u8; KEY_BYTES] = decode(line).ok_or(SignatureError::Key)?;
        let key = minisign_verify::PublicKey::from_base64(line).ok();
        match (key, lines.next()) {
            (Some(key), None) if bytes.starts_with(b"Ed") => Ok(Self { key, bytes }),
            _ => Err(SignatureError::Key),
        }
    }

    /// The key's id, by which people and signatures name it.
    #[must_use]
    pub fn key_id(&self) -> String {
        key_id(&self.bytes)
    }

    /// The text of a `minisign.pub`.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{self}\n", self.key_id())
    }
}

fn is_comment(line: &str) -> bool {
    line.starts_with("untrusted comment:")
}

fn decode<const BYTES: usize>(line: &str) -> Option<[u8; BYTES]> {
    STANDARD.decode(line).ok()?.try_into().ok()
}

/// As minisign prints it.
fn key_id(bytes: &[u8]) -> String {
    bytes[ID].iter().rev().map(|it| format!("{it:02X}")).collect()
}

/// What a signature that counts says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The id of the key that signed.
    pub key_id: String,
    /// The line that was signed along: who signed writes it. One line without controls.
    pub comment: String,
}

/// The four lines of a signature, of which the second is signed by the fourth.
fn lines(signature: &str) -> Result<[&str; 4], SignatureError> {
    let malformed = SignatureError::Malformed("it has four lines, the first and third of comments");
    if TEXT_BYTES < signature.len() {
        return Err(malformed);
    }
    let lines: Vec<&str> = signature.lines().collect();
    let four: Option<[&str; 4]> = lines.try_into().ok();
    let is_trusted = |it: &str| it.starts_with("trusted comment: ");
    four.filter(|it| is_comment(it[0]) && is_trusted(it[2])).ok_or(malformed)
}

/// The id of the key that a signature says it is by. Nothing is verified.
///
/// # Errors
/// When it is no signature.
pub fn peek_key_id(signature: &str) -> Result<String, SignatureError> {
    let bytes: Option<[u8; SIGNATURE_BYTES]> = decode(lines(signature)?[1]);
    let bytes = bytes.ok_or(SignatureError::Malformed("the second line is 100 characters"))?;
    match &bytes[..2] {
        b"ED" => Ok(key_id(&bytes)),
        b"Ed" => {
            Err(SignatureError::Malformed("it is of the old form; `minisign -SH` makes the new"))
        }
        _ => Err(SignatureError::Malformed("the second line begins with RU")),
    }
}

/// Whether a publisher signed exactly these bytes.
///
/// # Errors
/// When it is no signature, another's, or of other bytes.
pub fn verify(
    package: &[u8],
    signature: &str,
    key: &PublisherKey,
) -> Result<Signed, SignatureError> {
    let (signed, expected) = (peek_key_id(signature)?, key.key_id());
    if signed != expected {
        return Err(SignatureError::OtherKey { signed, expected });
    }
    let parsed = minisign_verify::Signature::decode(signature);
    let parsed =
        parsed.ok().ok_or(SignatureError::Malformed("the fourth line is 88 characters"))?;
    key.key.verify(package, &parsed, false).ok().ok_or(SignatureError::Wrong)?;
    let comment = parsed.trusted_comment();
    if comment.chars().any(char::is_control) {
        return Err(SignatureError::Malformed("its comment has control characters"));
    }
    Ok(Signed { key_id: signed, comment: comment.to_owned() })
}

/// The second line of a secret key's file.
fn secret_bytes(text: &str) -> Result<Zeroizing<[u8; SECRET_BYTES]>, SignatureError> {
    let not = |why: &str| SignatureError::Secret(why.to_owned());
    if TEXT_BYTES < text.len() {
        return Err(not("it is too long"));
    }
    let line = text.lines().nth(1).ok_or_else(|| not("it has two lines"))?;
    let bytes = decode(line.trim()).ok_or_else(|| not("the second line is 212 characters"))?;
    Ok(Zeroizing::new(bytes))
}

/// What signs. It prints as its name.
pub struct SigningKey {
    secret: minisign::SecretKey,
    public: minisign::PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Whether a secret key's file wants a password.
    ///
    /// # Errors
    /// When it is no secret key.
    pub fn is_encrypted(text: &str) -> Result<bool, SignatureError> {
        Ok(secret_bytes(text)?[KDF] != UNENCRYPTED)
    }

    /// Opens a secret key.
    ///
    /// # Errors
    /// When it is none, or the password is not its.
    pub fn open(text: &str, password: Option<&str>) -> Result<Self, SignatureError> {
        let bytes = secret_bytes(text)?;
        let refused = |error: minisign::PError| SignatureError::Password(error.to_string());
        let boxed = minisign::SecretKeyBox::from_string(text).map_err(refused)?;
        let secret = if bytes[KDF] != UNENCRYPTED {
            let missing = || SignatureError::Password("it needs its password".to_owned());
            let password = password.ok_or_else(missing)?.to_owned();
            boxed.into_secret_key(Some(password))
        } else if bytes[CHECKSUM].iter().all(|it| *it == 0) {
            // So the program minisign writes keys without a password. Signing tries the key.
            minisign::SecretKey::from_bytes(bytes.as_slice())
        } else {
            boxed.into_unencrypted_secret_key()
        };
        let secret = secret.map_err(refused)?;
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(refused)?;
        Ok(Self { secret, public })
    }

    /// The key that others verify with.
    ///
    /// # Errors
    /// When the secret key is no key after all.
    pub fn publisher(&self) -> Result<PublisherKey, SignatureError> {
        PublisherKey::parse(&self.public.to_base64())
    }
}

/// A new key: the text of its secret file, and what others verify with. Without a password
/// whoever reads the file can sign.
///
/// # Errors
/// When this machine has no chance to offer.
pub fn keygen(password: Option<&str>) -> Result<(Zeroizing<String>, PublisherKey), SignatureError> {
    let failed = |error: minisign::PError| SignatureError::Secret(error.to_string());
    let pair = match password {
        Some(password) => minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
        None => minisign::KeyPair::generate_unencrypted_keypair(),
    };
    let pair = pair.map_err(failed)?;
    let public = PublisherKey::parse(&pair.pk.to_base64())?;
    let comment = format!("minisign secret key {}", public.key_id());
    let secret = pair.sk.to_box(Some(&comment)).map_err(failed)?;
    Ok((Zeroizing::new(secret.to_string()), public))
}

/// Signs a package. The comment is one line that is signed along.
///
/// # Errors
/// When the comment is more than a line, or the key does not sign.
pub fn sign(package: &[u8], key: &SigningKey, comment: &str) -> Result<String, SignatureError> {
    if comment.chars().any(char::is_control) || 1000 < comment.len() {
        return Err(SignatureError::Malformed("its comment is one line of 1000 bytes at most"));
    }
    let id = key.publisher()?.key_id();
    let signature = minisign::sign(
        Some(&key.public),
        &key.secret,
        Cursor::new(package),
        Some(comment),
        Some(&format!("signature from minisign secret key {id}")),
    );
    let signature = signature.map_err(|error| SignatureError::Secret(error.to_string()))?;
    Ok(signature.into_string())
}
