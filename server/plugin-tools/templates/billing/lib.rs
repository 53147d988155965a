//! Takes payments by bank transfer: tells customers where to send money and what to write into the
//! transfer. That it arrived is what the operator says.

mod world {
    //! The bindings of the interface in wit/v1.
    myrelay_plugin_sdk::world!("billing-plugin", "wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, clock, error, problems, settings, tell_panics, total,
    types::{AccountRef, Error, ErrorKind, Money},
};
use serde_json::Value;

use crate::world::{
    exports::myrelay::plugin::{
        billing::{
            Capabilities, Checkout, CheckoutRequest, Guest as Billing, NextStep,
            PaymentInstructions, Quote, QuoteRequest, Usage,
        },
        webhooks::{Guest as Webhooks, Outcome, Rejection, Request},
    },
    myrelay::plugin::billing_types::{Effect, Invoice},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

struct Plugin;

fn text(settings: &Value, name: &str) -> String {
    settings[name].as_str().unwrap_or_default().to_owned()
}

/// That the account takes another currency, for operators; and what the customer reads of it, in
/// their language where the plugin has it: `account.locale`.
fn not_ours(ours: &str) -> Error {
    let public_message = Some(format!("This way to pay takes {ours} only"));
    let why = error(ErrorKind::InvalidInput, "another currency than the account's");
    Error { public_message, ..why }
}

/// How long a customer has to pay.
fn expires_at(settings: &Value) -> u64 {
    clock::now() + settings["days"].as_u64().unwrap_or(14) * DAY_MS
}

// As plugin.toml says: the host compares.
myrelay_plugin_sdk::lifecycle!(world, Plugin, "{{id}}", env!("CARGO_PKG_VERSION"), wrong, ready);

/// What config.schema.json cannot say of the settings.
fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Value| {
        let advice = "it has a mistake: its check digits do not fit".to_owned();
        if is_iban(&text(it, "iban")) { Vec::new() } else { vec![("/iban", advice)] }
    })
}

/// Whether it can do its work, for the operator.
fn ready() -> Result<String, Error> {
    Ok(format!("payments go to {}", text(&settings()?, "iban")))
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
            currencies: vec![text(&settings()?, "currency")],
        })
    }

    fn price_quote(request: QuoteRequest) -> Result<Quote, Error> {
        tell_panics();
        let settings = settings::<Value>()?;
        let total = total(request.lines.iter().flat_map(|it| [it.amount.clone(), it.tax.clone()]))?;
        let ours = text(&settings, "currency");
        if total.currency != ours {
            return Err(not_ours(&ours));
        }
        let disclosures = vec!["A transfer takes one to three days to arrive.".to_owned()];
        let expires_at = expires_at(&settings);
        Ok(Quote { lines: request.lines, total, expires_at, disclosures })
    }

    fn begin_checkout(request: CheckoutRequest) -> Result<Checkout, Error> {
        tell_panics();
        let settings = settings::<Value>()?;
        let invoice = request.invoice;
        let ours = text(&settings, "currency");
        if invoice.total.currency != ours {
            return Err(not_ours(&ours));
        }
        if invoice.total.minor <= 0 {
            return Err(error(ErrorKind::InvalidInput, "there is nothing to pay"));
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
