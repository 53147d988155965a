//! Takes payments by bank transfer: tells customers where to send money and what to write into the
//! transfer. That it arrived is what the operator says.

mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("billing-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    clock, config, tell_panics,
    types::{AccountRef, Error, ErrorKind, Money},
};
use serde_json::Value;

use crate::world::{
    exports::myrelay::plugin::{
        billing::{
            Capabilities, Checkout, CheckoutRequest, Guest as Billing, NextStep,
            PaymentInstructions, Quote, QuoteRequest, Usage,
        },
        lifecycle::{ConfigProblem, Guest as Lifecycle, HealthReport, Info},
        webhooks::{Guest as Webhooks, Outcome, Rejection, Request},
    },
    myrelay::plugin::billing_types::{Effect, Invoice},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

struct Plugin;

/// An error; its kind decides what the portal does next.
fn error(kind: ErrorKind, message: &str) -> Error {
    Error {
        kind,
        message: message.to_owned(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    }
}

/// The settings, which are good by config.schema.json.
fn settings() -> Value {
    serde_json::from_str(&config::get()).unwrap_or_default()
}

fn text(settings: &Value, name: &str) -> String {
    settings[name].as_str().unwrap_or_default().to_owned()
}

/// How long a customer has to pay.
fn expires_at(settings: &Value) -> u64 {
    clock::now() + settings["days"].as_u64().unwrap_or(14) * DAY_MS
}

impl Lifecycle for Plugin {
    /// As plugin.toml says: the host compares.
    fn describe() -> Info {
        Info {
            id: "{{id}}".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_version: "1.0".to_owned(),
        }
    }

    fn activate(_webhook_url: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    fn deactivate() -> Result<(), Error> {
        Ok(())
    }

    /// What config.schema.json cannot say.
    fn validate_config(candidate: String) -> Result<Vec<ConfigProblem>, Error> {
        tell_panics();
        let candidate: Value = serde_json::from_str(&candidate).unwrap_or_default();
        let problem = ConfigProblem {
            path: "/iban".to_owned(),
            message: "it has a mistake: its check digits do not fit".to_owned(),
        };
        Ok(if is_iban(&text(&candidate, "iban")) { Vec::new() } else { vec![problem] })
    }

    fn migrate(_from_version: String) -> Result<(), Error> {
        Ok(())
    }

    fn health() -> Result<HealthReport, Error> {
        tell_panics();
        let iban = text(&settings(), "iban");
        Ok(HealthReport { ok: is_iban(&iban), detail: format!("payments go to {iban}") })
    }
}

/// Whether the check digits of ISO 13616 fit: the whole, its first four characters at the end and
/// letters as numbers, leaves 1 when it is divided by 97.
fn is_iban(text: &str) -> bool {
    let letters: Vec<char> = text.chars().filter(|it| *it != ' ').collect();
    if !(15..=34).contains(&letters.len()) {
        return false;
    }
    let mut rest = 0;
    for c in letters[4..].iter().chain(&letters[..4]) {
        rest = match c.to_digit(36) {
            Some(digit) if digit < 10 => (rest * 10 + digit) % 97,
            Some(letter) => (rest * 100 + letter) % 97,
            None => return false,
        };
    }
    rest == 1
}

impl Billing for Plugin {
    fn get_capabilities() -> Result<Capabilities, Error> {
        Ok(Capabilities {
            one_time: true,
            subscriptions: false,
            saved_methods: false,
            refunds: false,
            partial_refunds: false,
            metered: false,
            hosted_portal: false,
            currencies: vec![text(&settings(), "currency")],
        })
    }

    fn price_quote(request: QuoteRequest) -> Result<Quote, Error> {
        tell_panics();
        let settings = settings();
        let currency = text(&settings, "currency");
        let mut minor = 0_i64;
        for line in &request.lines {
            if line.amount.currency != currency || line.tax.currency != currency {
                return Err(error(ErrorKind::InvalidInput, "another currency than the account's"));
            }
            minor = minor
                .checked_add(line.amount.minor)
                .and_then(|it| it.checked_add(line.tax.minor))
                .ok_or_else(|| error(ErrorKind::InvalidInput, "too much money"))?;
        }
        let disclosures = vec!["A transfer takes one to three days to arrive.".to_owned()];
        let total = Money { minor, currency };
        let expires_at = expires_at(&settings);
        Ok(Quote { lines: request.lines, total, expires_at, disclosures })
    }

    fn begin_checkout(request: CheckoutRequest) -> Result<Checkout, Error> {
        tell_panics();
        let settings = settings();
        let invoice = request.invoice;
        if invoice.total.currency != text(&settings, "currency") {
            return Err(error(ErrorKind::InvalidInput, "another currency than the account's"));
        }
        let expires_at = expires_at(&settings);
        let named = |label: &str, name: &str| (label.to_owned(), text(&settings, name));
        Ok(Checkout {
            provider_id: request.client_reference,
            expires_at,
            step: NextStep::Instructions(PaymentInstructions {
                fields: vec![
                    named("Recipient", "recipient"),
                    named("IBAN", "iban"),
                    named("Bank", "bank"),
                ],
                reference: invoice.number.unwrap_or(invoice.id),
                expires_at: Some(expires_at),
            }),
        })
    }

    fn charge_saved(_invoice: Invoice) -> Result<Vec<Effect>, Error> {
        Err(error(ErrorKind::Denied, "a bank transfer is made by the customer"))
    }

    fn refund(_payment: String, _amount: Money, _reason: String) -> Result<Vec<Effect>, Error> {
        Err(error(ErrorKind::Denied, "send the money back at the bank"))
    }

    fn cancel_subscription(_id: String, _at_period_end: bool) -> Result<Vec<Effect>, Error> {
        Err(error(ErrorKind::NotFound, "there are no subscriptions"))
    }

    fn report_usage(_batch: Vec<Usage>) -> Result<(), Error> {
        Err(error(ErrorKind::Denied, "usage is not paid for by transfer"))
    }

    /// Nobody but the operator can tell whether money came.
    fn reconcile(_provider_id: String) -> Result<Vec<Effect>, Error> {
        Ok(Vec::new())
    }

    fn customer_portal_url(_account: AccountRef, _return_url: String) -> Result<String, Error> {
        Err(error(ErrorKind::Denied, "banks have no page for this"))
    }
}

impl Webhooks for Plugin {
    /// No bank calls us.
    fn handle(_request: Request) -> Result<Outcome, Error> {
        Ok(Outcome::Rejected(Rejection::UnknownEndpoint))
    }
}

world::export!(Plugin with_types_in world);
