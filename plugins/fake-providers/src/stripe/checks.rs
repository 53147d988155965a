//! What a checkout is refused for.

use serde_json::{Map, Value};

use crate::stripe::api::{Fields, refusal};

type Refusal = (u16, Value);

/// What a checkout may say, up to the first bracket.
const KNOWN: [&str; 9] = [
    "cancel_url",
    "client_reference_id",
    "customer",
    "line_items",
    "metadata",
    "mode",
    "payment_intent_data",
    "subscription_data",
    "success_url",
];

/// Refuses what it does not know, as the real one does: whoever mistypes a name hears of it.
pub(super) fn known(fields: &Fields) -> Result<(), Refusal> {
    for name in fields.keys() {
        let first = name.split('[').next().unwrap_or_default();
        if !KNOWN.contains(&first) {
            let told = format!("Received unknown parameter: {name}");
            return Err(refusal(400, "parameter_unknown", &told));
        }
    }
    Ok(())
}

/// What all lines come to, what of it is due again and again, and the currency in lower case.
pub(super) fn amounts(fields: &Fields) -> Result<(i64, i64, String), Refusal> {
    let invalid = |told: &str| Err(refusal(400, "parameter_invalid_integer", told));
    let (mut total, mut each, mut currency) = (0_i64, 0, String::new());
    for at in 0.. {
        let price = format!("line_items[{at}][price_data]");
        let field = |name: &str| fields.get(&format!("{price}{name}"));
        let Some(amount) = field("[unit_amount]") else { break };
        let Some(amount) = amount.parse::<i64>().ok().filter(|it| 0 <= *it) else {
            return invalid("Invalid integer: unit_amount");
        };
        let code = field("[currency]").cloned().unwrap_or_default();
        let wrong = match code.as_str() {
            "isk" | "ugx" => amount % 100 != 0,
            "bhd" | "jod" | "kwd" | "omr" | "tnd" => amount % 10 != 0,
            code => code.len() != 3 || code.bytes().any(|it| !it.is_ascii_lowercase()),
        };
        let other = !currency.is_empty() && currency != code;
        if wrong || other || field("[product_data][name]").is_none_or(String::is_empty) {
            return invalid("Invalid line: its amount, currency or name");
        }
        if field("[recurring][interval]").is_some() {
            each += amount;
        }
        (total, currency) = (total + amount, code);
    }
    let subscribes = fields.get("mode").is_some_and(|it| it == "subscription");
    if total == 0 || subscribes != (each != 0) {
        return invalid("Invalid line_items for this mode");
    }
    Ok((total, each, currency))
}

/// What was written down under a name: `metadata[account]`.
pub(super) fn metadata(fields: &Fields, name: &str) -> Value {
    let start = format!("{name}[");
    let entries = fields.iter().filter_map(|(field, value)| {
        let key = field.strip_prefix(&start)?.strip_suffix(']')?;
        Some((key.to_owned(), Value::String(value.clone())))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}
