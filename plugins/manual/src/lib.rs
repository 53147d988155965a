//! Bank transfer: customers see an account and a reference, and an operator marks what arrived.

mod reference;
mod settings;

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("billing-plugin", "../wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, clock, context, error, problems, settings, tell_panics, total,
    types::{AccountRef, Error, ErrorKind, Money},
};

use crate::{
    settings::Settings,
    world::{
        exports::myrelay::plugin::{
            billing::{
                Capabilities, Checkout, CheckoutRequest, Guest as Billing, NextStep,
                PaymentInstructions, Quote, QuoteRequest, Usage,
            },
            webhooks::{Guest as Webhooks, Outcome, Rejection, Request},
        },
        myrelay::plugin::billing_types::{Effect, Invoice, Refund},
    },
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.manual", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, Settings::problems)
}

fn ready() -> Result<String, Error> {
    let settings: Settings = settings()?;
    Ok(format!("transfers to {}", settings.account))
}

/// What this plugin does not do.
fn none_here<T>(what: &str) -> Result<T, Error> {
    Err(error(ErrorKind::InvalidInput, format!("bank transfers have {what}")))
}

fn checked(amount: &Money, settings: &Settings) -> Result<(), Error> {
    if amount.minor <= 0 {
        let message = format!("an amount above nothing, not {}", amount.minor);
        return Err(error(ErrorKind::InvalidInput, message));
    }
    if !settings.currencies.contains(&amount.currency) {
        let known = settings.currencies.join(", ");
        let message =
            format!("{} is none of the currencies of the account: {known}", amount.currency);
        return Err(error(ErrorKind::InvalidInput, message));
    }
    Ok(())
}

impl Billing for Plugin {
    fn get_capabilities() -> Result<Capabilities, Error> {
        Ok(Capabilities {
            one_time: true,
            subscriptions: false,
            saved_methods: false,
            refunds: true,
            partial_refunds: true,
            metered: false,
            hosted_portal: false,
            currencies: settings::<Settings>()?.currencies,
        })
    }

    fn price_quote(request: QuoteRequest) -> Result<Quote, Error> {
        tell_panics();
        let settings = settings::<Settings>()?;
        if request.coupon.is_some() {
            return none_here("no coupons");
        }
        let total = total(request.lines.iter().flat_map(|it| [it.amount.clone(), it.tax.clone()]))?;
        checked(&total, &settings)?;
        let expires_at = clock::now() + settings.days * DAY_MS;
        Ok(Quote { lines: request.lines, total, expires_at, disclosures: Vec::new() })
    }

    fn begin_checkout(request: CheckoutRequest) -> Result<Checkout, Error> {
        tell_panics();
        let settings = settings::<Settings>()?;
        if request.subscribe.is_some() {
            return none_here("no subscriptions: every period is an invoice of its own");
        }
        checked(&request.invoice.total, &settings)?;
        let reference = reference::of(&request.client_reference);
        let mut fields = vec![
            ("Recipient".to_owned(), settings.recipient),
            ("Account".to_owned(), settings.account),
        ];
        if !settings.bank.is_empty() {
            fields.push(("Bank".to_owned(), settings.bank));
        }
        let expires_at = clock::now() + settings.days * DAY_MS;
        let instructions = PaymentInstructions {
            fields,
            reference: reference.clone(),
            expires_at: Some(expires_at),
        };
        // The reference is the id too: an operator finds a transfer by what stands in it.
        Ok(Checkout {
            provider_id: reference,
            expires_at,
            step: NextStep::Instructions(instructions),
        })
    }

    fn charge_saved(_invoice: Invoice) -> Result<Vec<Effect>, Error> {
        none_here("nothing saved that could be charged")
    }

    fn refund(payment: String, amount: Money, reason: String) -> Result<Vec<Effect>, Error> {
        tell_panics();
        checked(&amount, &settings::<Settings>()?)?;
        // An operator sends it by hand; with this it stands in the books. The same delivery is the
        // same refund.
        let key: String = context::idempotency_key("refund").chars().take(24).collect();
        Ok(vec![Effect::PaymentRefunded(Refund {
            provider_id: format!("refund-{key}"),
            payment,
            amount,
            reason: Some(reason).filter(|it| !it.is_empty()),
            occurred_at: clock::now(),
        })])
    }

    fn cancel_subscription(_subscription: String, _at_end: bool) -> Result<Vec<Effect>, Error> {
        Err(error(ErrorKind::NotFound, "bank transfers have no subscriptions"))
    }

    fn report_usage(_batch: Vec<Usage>) -> Result<(), Error> {
        none_here("no meter to report to")
    }

    /// Nobody can be asked: what arrived is known when an operator says so.
    fn reconcile(_provider_id: String) -> Result<Vec<Effect>, Error> {
        Ok(Vec::new())
    }

    fn customer_portal_url(_account: AccountRef, _return_url: String) -> Result<String, Error> {
        none_here("no page where customers manage anything")
    }
}

impl Webhooks for Plugin {
    fn handle(_request: Request) -> Result<Outcome, Error> {
        Ok(Outcome::Rejected(Rejection::UnknownEndpoint))
    }
}

world::export!(Plugin with_types_in world);
