//! The operator's bank account.

use myrelay_plugin_sdk::Problems;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whose account it is.
    pub(crate) recipient: String,
    /// An IBAN, or a number as its bank writes it.
    pub(crate) account: String,
    /// The bank's name or BIC; empty where nobody needs it.
    #[serde(default)]
    pub(crate) bank: String,
    pub(crate) currencies: Vec<String>,
    /// How long a customer has to pay.
    #[serde(default = "two_weeks")]
    pub(crate) days: u64,
}

fn two_weeks() -> u64 {
    14
}

impl Settings {
    /// What customers could not pay to, with the field it stands in.
    pub(crate) fn problems(&self) -> Problems {
        let mut problems = Vec::new();
        if looks_like_iban(&self.account) && !is_iban(&self.account) {
            let advice = "its check digits are wrong: compare it with what your bank shows";
            problems.push(("/account", advice.to_owned()));
        }
        let is_code = |it: &String| it.len() == 3 && it.bytes().all(|it| it.is_ascii_uppercase());
        if self.currencies.is_empty() || !self.currencies.iter().all(is_code) {
            problems.push(("/currencies", "name some by their codes in capitals: EUR".to_owned()));
        }
        if !(1..=90).contains(&self.days) {
            problems.push(("/days", "a number from 1 to 90".to_owned()));
        }
        problems
    }
}

/// Two letters and two digits, which no other kind of number begins with.
fn looks_like_iban(account: &str) -> bool {
    let Some((letters, digits)) = account.as_bytes().get(..4).map(|it| it.split_at(2)) else {
        return false;
    };
    letters.iter().all(u8::is_ascii_alphabetic) && digits.iter().all(u8::is_ascii_digit)
}

/// Whether the check digits fit (ISO 13616): read as one long number, it leaves 1 of 97.
fn is_iban(account: &str) -> bool {
    let plain: Vec<char> = account.chars().filter(|it| *it != ' ').collect();
    let turned = plain.iter().skip(4).chain(plain.iter().take(4));
    let mut rest = 0;
    for c in turned {
        // Letters are two digits: A is 10, Z is 35.
        let Some(value) = c.to_digit(36) else { return false };
        rest = (rest * if value < 10 { 10 } else { 100 } + value) % 97;
    }
    (15..=34).contains(&plain.len()) && rest == 1
}
