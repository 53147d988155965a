//! What Stripe answers, as far as it is read: fields by their JSON pointers, and amounts.

use myrelay_plugin_sdk::{
    error, text,
    types::{Error, ErrorKind, Money},
};
use serde_json::Value;

/// One of Stripe's objects.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a>(pub(crate) &'a Value);

impl Object<'_> {
    pub(crate) fn text(self, path: &str) -> Option<String> {
        text(self.0, path)
    }

    /// An address where customers go, whole: a line would be cut.
    pub(crate) fn url(self) -> Option<String> {
        self.0.pointer("/url")?.as_str().map(str::to_owned)
    }

    /// An id that stands in a field, or is the `id` of the object that stands there.
    pub(crate) fn id_at(self, path: &str) -> Option<String> {
        self.text(path).or_else(|| self.text(&format!("{path}/id")))
    }

    pub(crate) fn id(self) -> Result<String, Error> {
        self.text("/id").ok_or_else(|| self.lacks("/id"))
    }

    pub(crate) fn is(self, path: &str) -> bool {
        self.0.pointer(path).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A time, which Stripe counts in seconds, in milliseconds.
    pub(crate) fn time(self, path: &str) -> Option<u64> {
        self.0.pointer(path)?.as_u64()?.checked_mul(1000)
    }

    /// An amount, in the object's currency.
    pub(crate) fn money(self, path: &str) -> Result<Money, Error> {
        let minor = self.0.pointer(path).and_then(Value::as_i64).ok_or_else(|| self.lacks(path))?;
        let currency = self.text("/currency").ok_or_else(|| self.lacks("/currency"))?;
        let currency = currency.to_ascii_uppercase();
        let minor = match currency.as_str() {
            "ISK" | "UGX" => minor / 100,
            "MGA" => minor.saturating_mul(100),
            _ => minor,
        };
        Ok(Money { minor, currency })
    }

    fn lacks(self, path: &str) -> Error {
        let kind = self.text("/object").unwrap_or_else(|| "object".to_owned());
        error(ErrorKind::Internal, format!("Stripe sent a {kind} without {path}"))
    }
}

/// An amount as Stripe counts it: almost always in the smallest unit of ISO 4217, which is the
/// whole for yen and others without cents.
///
/// Stripe counts Icelandic króna and Ugandan shilling in hundredths that do not exist, ariary in
/// wholes, and of the currencies with three decimals it takes no last digit but 0.
pub(crate) fn amount(money: &Money) -> Result<i64, Error> {
    let wrong = |why: &str| {
        let message = format!("{} {}: {why}", money.minor, money.currency);
        Err(error(ErrorKind::InvalidInput, message))
    };
    if money.minor < 0 {
        return wrong("an amount is not below nothing");
    }
    let divisible = |by| money.minor % by == 0;
    match money.currency.as_str() {
        "ISK" | "UGX" => {
            let many = money.minor.checked_mul(100);
            many.map_or_else(|| wrong("it is too large"), Ok)
        }
        "MGA" if divisible(100) => Ok(money.minor / 100),
        "MGA" => wrong("Stripe takes whole ariary only"),
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" if !divisible(10) => {
            wrong("Stripe takes no last digit but 0 in this currency")
        }
        _ => Ok(money.minor),
    }
}
