//! How signatures are written in the headers of webhooks. Nothing here is of the interface: the
//! bytes are a stranger's.

/// Signatures that are looked at: two are usual while a secret is changed.
const SIGNATURES: usize = 8;

/// A signature with the time at which it was made, as Stripe writes it:
/// `t=1767225600,v1=…,v1=…` (<https://docs.stripe.com/webhooks/signature>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<'a> {
    /// The time as it is written, which is a part of what is signed.
    pub stamp: &'a str,
    /// The same in seconds since 1970.
    pub seconds: u64,
    /// The tags of the version `v1`, at most eight.
    pub tags: Vec<Vec<u8>>,
}

impl<'a> Timed<'a> {
    /// Reads a header. None where there is no time, more than one, or one that is no number.
    pub fn read(header: &'a str) -> Option<Self> {
        let mut stamp = None;
        let mut tags = Vec::new();
        for part in header.split(',') {
            match part.trim().split_once('=') {
                // Whoever says two times means to be read in two ways.
                Some(("t", _)) if stamp.is_some() => return None,
                Some(("t", text)) => stamp = Some(text),
                Some(("v1", text)) if tags.len() < SIGNATURES => tags.extend(hex(text)),
                _ => {}
            }
        }
        let stamp = stamp.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Self { stamp, seconds: stamp.parse().ok()?, tags })
    }
}

/// Bytes that are written as hexadecimal digits.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().all(|it| it.is_ascii_hexdigit()) && text.len().is_multiple_of(2);
    let pairs = text.as_bytes().chunks(2).filter(|_| digits);
    let bytes = pairs.map(|it| u8::from_str_radix(str::from_utf8(it).ok()?, 16).ok()).collect();
    if digits { bytes } else { None }
}
