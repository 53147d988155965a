//! Amounts of money, as people read them.

use serde_json::Value;

/// Currencies without a smaller unit, and with one of a thousandth (ISO 4217).
const WHOLE: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF",
];
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// The amount of an event: `amount` in the currency's smallest unit, and `currency` in three
/// letters. None where it has none.
pub(super) fn read(payload: &Value) -> Option<String> {
    let amount = payload["amount"].as_i64()?;
    let currency = payload["currency"].as_str()?.to_ascii_uppercase();
    let sound = currency.len() == 3 && currency.bytes().all(|it| it.is_ascii_uppercase());
    sound.then(|| words(amount, &currency))
}

fn words(amount: i64, currency: &str) -> String {
    let digits: usize = match currency {
        it if WHOLE.contains(&it) => 0,
        it if THOUSANDTHS.contains(&it) => 3,
        _ => 2,
    };
    let sign = if amount < 0 { "-" } else { "" };
    let number = amount.unsigned_abs().to_string();
    let padded = format!("{number:0>width$}", width = digits + 1);
    let (whole, part) = padded.split_at_checked(padded.len() - digits).unwrap_or_default();
    let point = if digits == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part} {currency}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        for (amount, currency, expected) in [
            (990, "EUR", "9.90 EUR"),
            (5, "usd", "0.05 USD"),
            (0, "CHF", "0.00 CHF"),
            (1200, "JPY", "1200 JPY"),
            (1, "KWD", "0.001 KWD"),
            (-250, "EUR", "-2.50 EUR"),
        ] {
            let payload = json!({ "amount": amount, "currency": currency });
            assert_eq!(read(&payload).unwrap(), expected);
        }
        for payload in
            [json!({}), json!({ "amount": 1 }), json!({ "amount": 1, "currency": "<b>" })]
        {
            assert_eq!(read(&payload), None, "{payload}");
        }
    }
}
