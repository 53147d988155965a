//! The trace that a call belongs to, as W3C Trace Context writes it.

use sha2::{Digest as _, Sha256};

/// The `traceparent` of one try of a delivery. All tries of it belong to one trace, each is a part of
/// its own, and a call that is made once more has what it had. It tells nobody which delivery it is.
pub(super) fn parent(delivery: &str, attempt: u32) -> String {
    let trace: [u8; 16] = first(&format!("myrelay trace {delivery}"));
    let part: [u8; 8] = first(&format!("myrelay part {attempt} {delivery}"));
    format!("00-{}-{}-01", id(trace), id(part))
}

/// As many bytes of the hash of a text.
fn first<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (byte, hashed) in bytes.iter_mut().zip(Sha256::digest(text)) {
        *byte = hashed;
    }
    bytes
}

/// The digits of an id. Nothing but zeros would say that there is none.
fn id<const BYTES: usize>(mut bytes: [u8; BYTES]) -> String {
    if let (true, Some(last)) = (bytes.iter().all(|it| *it == 0), bytes.last_mut()) {
        *last = 1;
    }
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        text.split('-').map(str::to_owned).collect()
    }

    #[test]
    fn tries_of_one_delivery_are_parts_of_one_trace() {
        let (once, again) = (parts(&parent("one", 1)), parts(&parent("one", 2)));
        let lengths: Vec<usize> = once.iter().map(String::len).collect();
        assert_eq!(lengths, [2, 32, 16, 2]);
        let is_hex = |it: &String| it.bytes().all(|it| b"0123456789abcdef".contains(&it));
        assert!(once.iter().all(is_hex), "{once:?}");
        assert_eq!((&*once[0], &*once[3]), ("00", "01"));
        assert_eq!(once[1], again[1]);
        assert_ne!(once[2], again[2]);
        assert_ne!(once[1], parts(&parent("two", 1))[1]);
        assert_eq!(parent("one", 1), parent("one", 1));
    }

    #[test]
    fn no_id_is_all_zero() {
        assert_eq!(id([0; 8]), "0000000000000001");
        assert_eq!(id([0, 2]), "0002");
    }
}
