//! What customers write into a transfer: short, hard to mistype, and the same for the same checkout.

use sha2::{Digest as _, Sha256};

/// Digits and letters without those that are taken for others (I, L, O, U, Z).
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKMNPQRSTVWXY";

/// How many characters there are before the one that checks them: some 800 million million
/// references.
const LENGTH: u64 = 10;

/// The reference of a checkout: `MR-7K2QX-M0V4T-C`.
///
/// The last character makes the sum of all, each times its place, a multiple of 31. As 31 is a
/// prime, no single wrong character and no two that changed places leave the sum right.
pub(crate) fn of(client_reference: &str) -> String {
    let hash = Sha256::digest(client_reference.as_bytes());
    let mut number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (mut text, mut sum) = (String::from("MR"), 0);
    for place in 1..=LENGTH {
        let digit = number % 31;
        number /= 31;
        sum += place * digit;
        if place % 5 == 1 {
            text.push('-');
        }
        text.push(letter(digit));
    }
    // The weight of the last place is 11, and 11 * 17 leaves 1 of 31.
    let check = (31 - sum % 31) * 17 % 31;
    text.push('-');
    text.push(letter(check));
    text
}

fn letter(digit: u64) -> char {
    usize::try_from(digit).ok().and_then(|it| ALPHABET.get(it)).map_or('?', |it| char::from(*it))
}
