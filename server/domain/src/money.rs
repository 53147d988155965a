//! Money in whole minor units of a currency, never in fractions of one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most that anything costs or anybody pays at once: it leaves sums far from where they end.
const MOST_MINOR: i64 = 1_000_000_000_000;

/// A currency of ISO 4217, by its code: `EUR`. Coins that providers take are converted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    digits: u32,
}

/// The currencies that are sold in, each with the digits of its minor unit (ISO 4217, 2026).
const CURRENCIES: &[(&str, u32)] = &[
    ("AED", 2),
    ("ARS", 2),
    ("AUD", 2),
    ("BGN", 2),
    ("BHD", 3),
    ("BRL", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("CLP", 0),
    ("CNY", 2),
    ("COP", 2),
    ("CZK", 2),
    ("DKK", 2),
    ("EGP", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("HUF", 2),
    ("IDR", 2),
    ("ILS", 2),
    ("INR", 2),
    ("ISK", 0),
    ("JPY", 0),
    ("KES", 2),
    ("KRW", 0),
    ("KWD", 3),
    ("MAD", 2),
    ("MXN", 2),
    ("MYR", 2),
    ("NGN", 2),
    ("NOK", 2),
    ("NZD", 2),
    ("PEN", 2),
    ("PHP", 2),
    ("PKR", 2),
    ("PLN", 2),
    ("RON", 2),
    ("RSD", 2),
    ("RUB", 2),
    ("SAR", 2),
    ("SEK", 2),
    ("SGD", 2),
    ("THB", 2),
    ("TND", 3),
    ("TRY", 2),
    ("TWD", 2),
    ("UAH", 2),
    ("USD", 2),
    ("VND", 0),
    ("ZAR", 2),
];

/// Text that is no amount, or no currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("a currency by its code, such as EUR")]
    Currency,
    #[error("an amount such as {0}, with a point and without the currency")]
    Amount(String),
    #[error("amounts go up to {0}")]
    TooMuch(String),
}

impl Currency {
    /// The currency of a code in any case.
    ///
    /// # Errors
    /// [`MoneyError::Currency`] where nothing is sold in it.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let code = text.trim().to_ascii_uppercase();
        let found = CURRENCIES.iter().find(|(known, _)| *known == code);
        let (code, digits) = found.ok_or(MoneyError::Currency)?;
        Ok(Self { code, digits: *digits })
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// All that are sold in, by their codes.
    pub fn all() -> impl Iterator<Item = &'static str> {
        CURRENCIES.iter().map(|(code, _)| *code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount; negative where it goes the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// In the currency's smallest unit: cents.
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// An amount above nothing, as it is typed: `9.99`, or `1200` in a currency without cents.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] where it is none, has more decimals than the currency, or is nothing;
    /// [`MoneyError::TooMuch`] beyond ten thousand million.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = usize::try_from(currency.digits).unwrap_or_default();
        let wrong = || MoneyError::Amount(Self { minor: 999, currency }.number());
        let text = text.trim();
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        let sound = !whole.is_empty() && plain(whole) && plain(part) && part.len() <= digits;
        if !sound || text.ends_with('.') {
            return Err(wrong());
        }
        let most = || MoneyError::TooMuch(Self { minor: MOST_MINOR, currency }.number());
        let joined = format!("{whole}{part:0<digits$}");
        let minor: i64 = joined.parse().map_err(|_long| most())?;
        match minor {
            0 => Err(wrong()),
            it if MOST_MINOR < it => Err(most()),
            minor => Ok(Self { minor, currency }),
        }
    }

    /// What a plugin reports: an amount above nothing, within what anybody pays.
    ///
    /// # Errors
    /// As [`Money::parse`].
    pub fn reported(minor: i64, currency: &str) -> Result<Self, MoneyError> {
        let currency = Currency::parse(currency)?;
        if (1..=MOST_MINOR).contains(&minor) {
            Ok(Self { minor, currency })
        } else {
            Err(MoneyError::TooMuch(Self { minor: MOST_MINOR, currency }.number()))
        }
    }

    /// The number without the currency, with as many decimals as it has: `9.99`.
    #[must_use]
    pub fn number(&self) -> String {
        let digits = usize::try_from(self.currency.digits).unwrap_or_default();
        let sign = if self.minor < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.minor.unsigned_abs(), width = digits + 1);
        let (whole, part) = text.split_at(text.len() - digits);
        if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

impl fmt::Display for Money {
    /// `9.99 EUR`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.currency)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    minor: i64,
    currency: String,
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let currency = self.currency.to_string();
        Written { minor: self.minor, currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { minor, currency } = Written::deserialize(deserializer)?;
        let currency = Currency::parse(&currency).map_err(serde::de::Error::custom)?;
        Ok(Self { minor, currency })
    }
}

/// How often a price is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    Month,
    Year,
}

impl Interval {
    /// Its name in forms and in rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The interval of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Month, Self::Year].into_iter().find(|it| it.name() == name)
    }

    /// How many months it has.
    #[must_use]
    pub fn months(self) -> i32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// What a plan costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// For one interval, above nothing.
    pub amount: Money,
    pub interval: Interval,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str, currency: &str) -> Result<String, MoneyError> {
        Money::parse(text, Currency::parse(currency)?).map(|it| it.to_string())
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (text, currency, shown) in [
            ("9.99", "eur", "9.99 EUR"),
            (" 9.9 ", "USD", "9.90 USD"),
            ("1200", "JPY", "1200 JPY"),
            ("0.005", "KWD", "0.005 KWD"),
            ("0.01", "EUR", "0.01 EUR"),
            ("10000000000", "EUR", "10000000000.00 EUR"),
        ] {
            assert_eq!(money(text, currency).as_deref(), Ok(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_one_that_is() {
        for (text, currency) in [
            ("", "EUR"),
            ("0", "EUR"),
            ("0.00", "EUR"),
            ("9,99", "EUR"),
            ("9.999", "EUR"),
            ("-1", "EUR"),
            ("+1", "EUR"),
            ("1e3", "EUR"),
            ("9.", "EUR"),
            (".9", "EUR"),
            ("1.5", "JPY"),
            ("١", "EUR"),
            ("9.99 EUR", "EUR"),
        ] {
            let error = money(text, currency).unwrap_err().to_string();
            assert!(error.starts_with("an amount such as "), "{text}: {error}");
        }
        assert!(money("10000000000.01", "EUR").unwrap_err().to_string().contains("go up to"));
        assert!(money("99999999999999999999", "EUR").is_err());
        for currency in ["", "EU", "EURO", "QQQ", "BTC", "€"] {
            assert_eq!(money("1", currency), Err(MoneyError::Currency), "{currency}");
        }
    }

    #[test]
    fn what_is_reported_is_above_nothing() {
        assert!(Money::reported(1, "EUR").is_ok());
        for minor in [0, -1, i64::MIN, i64::MAX, MOST_MINOR + 1] {
            assert!(Money::reported(minor, "EUR").is_err(), "{minor}");
        }
        assert_eq!(Money { minor: -5, ..Money::reported(5, "EUR").unwrap() }.number(), "-0.05");
    }

    #[test]
    fn money_reads_back_as_itself() {
        let written = Written { minor: 1, currency: "EUR".to_owned() };
        let money = Money::reported(written.minor, &written.currency).unwrap();
        assert_eq!((money.minor, money.currency.code()), (1, "EUR"));
        assert!(Currency::all().all(|it| Currency::parse(it).is_ok()));
        for interval in [Interval::Month, Interval::Year] {
            assert_eq!(Interval::parse(interval.name()), Some(interval));
        }
    }
}
