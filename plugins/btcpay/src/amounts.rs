//! Amounts between the smallest unit and the decimal numbers that BTCPay writes.

use myrelay_plugin_sdk::types::Money;

/// How many digits stand after the point (ISO 4217, and what the coins have).
fn digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "BTC" | "LTC" => 8,
        "XMR" => 12,
        _ => 2,
    }
}

/// The digits that are read. Rates that come from a division have more behind the point, and no
/// amount depends on them.
const DIGITS: usize = 20;

/// A decimal number as it stands in a text: `mantissa * 10^-scale`. No floating point comes near
/// money.
#[derive(Clone, Copy)]
pub(crate) struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    /// Reads `12`, `12.50`, and the `1.2E-05` of some servers.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (number, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let plain = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        if whole.is_empty() || DIGITS < whole.len() || !plain(whole) || !plain(part) {
            return None;
        }
        let part = &part[..part.len().min(DIGITS - whole.len())];
        let mantissa: i128 = format!("{whole}{part}").parse().ok()?;
        let scale = i32::try_from(part.len()).ok()? - power.parse::<i32>().ok()?;
        match u32::try_from(scale) {
            Ok(scale) => (scale <= 30).then_some(Self { mantissa, scale }),
            Err(_) => {
                let more = 10_i128.checked_pow(scale.unsigned_abs())?;
                Some(Self { mantissa: mantissa.checked_mul(more)?, scale: 0 })
            }
        }
    }

    /// One number times another: coins times their price.
    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Some(Self { mantissa, scale: self.scale + other.scale })
    }

    /// The nearest amount of a currency.
    pub(crate) fn money(self, currency: &str) -> Option<Money> {
        let wanted = digits(currency);
        let minor = if self.scale <= wanted {
            self.mantissa.checked_mul(10_i128.checked_pow(wanted - self.scale)?)?
        } else {
            let by = 10_i128.checked_pow(self.scale - wanted)?;
            self.mantissa.checked_add(by / 2)? / by
        };
        Some(Money { minor: minor.try_into().ok()?, currency: currency.to_owned() })
    }
}

/// An amount as a decimal number: 1200 cents are `12.00`.
pub(crate) fn written(money: &Money) -> String {
    let (minor, digits) = (money.minor.unsigned_abs(), digits(&money.currency));
    let by = 10_u64.pow(digits);
    let width = usize::try_from(digits).unwrap_or_default();
    if digits == 0 { minor.to_string() } else { format!("{}.{:0width$}", minor / by, minor % by) }
}
