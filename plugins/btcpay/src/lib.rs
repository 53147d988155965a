//! Coins by a BTCPay Server: an address to send to, and what came there.

mod amounts;
mod api;
mod checkout;
mod truth;

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("billing-plugin", "../wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, clock, error, header, hex, is_signed, placeholder, problems, tell_panics, text,
    total,
    types::{AccountRef, Error, ErrorKind, Money},
};
use serde_json::Value;

use crate::{
    api::{Api, Settings},
    world::{
        exports::myrelay::plugin::{
            billing::{
                Capabilities, Checkout, CheckoutRequest, Guest as Billing, Quote, QuoteRequest,
                Usage,
            },
            webhooks::{Accepted, Guest as Webhooks, Outcome, Rejection, Request},
        },
        myrelay::plugin::billing_types::{Effect, Invoice},
    },
};

/// How long a quoted price holds.
const QUOTE_MS: u64 = 60 * 60 * 1000;

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.btcpay", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        let mut problems = Vec::new();
        if !it.url.starts_with("https://") && !it.url.starts_with("http://") {
            problems.push(("/url", "it begins with https://".to_owned()));
        }
        if it.store.is_empty() || !it.store.bytes().all(|it| it.is_ascii_alphanumeric()) {
            problems.push(("/store", "the id in the store's settings".to_owned()));
        }
        if !["BTC", "LTC", "XMR"].contains(&it.coin.as_str()) {
            problems.push(("/coin", "BTC, LTC or XMR".to_owned()));
        }
        if it.speed().is_none() {
            problems.push(("/confirmations", "0, 1, 2 or 6".to_owned()));
        }
        problems
    })
}

fn ready() -> Result<String, Error> {
    placeholder("webhook_secret")?;
    let api = Api::load()?;
    api.get("invoices?take=1")?;
    Ok(format!("connected to {}", api.0.url))
}

/// What this plugin does not do.
fn none_here<T>(what: &str) -> Result<T, Error> {
    Err(error(ErrorKind::InvalidInput, format!("with coins there are {what}")))
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
            currencies: Vec::new(),
        })
    }

    fn price_quote(request: QuoteRequest) -> Result<Quote, Error> {
        tell_panics();
        if request.coupon.is_some() {
            return none_here("no coupons of the portal's");
        }
        let total = total(request.lines.iter().flat_map(|it| [it.amount.clone(), it.tax.clone()]))?;
        let (lines, expires_at) = (request.lines, clock::now() + QUOTE_MS);
        Ok(Quote { lines, total, expires_at, disclosures: Vec::new() })
    }

    fn begin_checkout(request: CheckoutRequest) -> Result<Checkout, Error> {
        tell_panics();
        checkout::begin(&request)
    }

    fn charge_saved(_invoice: Invoice) -> Result<Vec<Effect>, Error> {
        none_here("no charges without the customer")
    }

    fn refund(_payment: String, _amount: Money, _reason: String) -> Result<Vec<Effect>, Error> {
        none_here("no refunds but by hand: ask the customer for an address and send them")
    }

    fn cancel_subscription(_subscription: String, _at_end: bool) -> Result<Vec<Effect>, Error> {
        Err(error(ErrorKind::NotFound, "with coins there are no subscriptions"))
    }

    fn report_usage(_batch: Vec<Usage>) -> Result<(), Error> {
        none_here("no meters")
    }

    fn reconcile(provider_id: String) -> Result<Vec<Effect>, Error> {
        tell_panics();
        truth::reconcile(&provider_id)
    }

    fn customer_portal_url(_account: AccountRef, _return_url: String) -> Result<String, Error> {
        none_here("no pages where customers manage anything")
    }
}

impl Webhooks for Plugin {
    /// A webhook says which invoice changed; how it stands is asked, since deliveries overtake one
    /// another and do not say how much it was.
    fn handle(request: Request) -> Result<Outcome, Error> {
        tell_panics();
        let signature = header(&request.headers, "btcpay-sig").unwrap_or_default();
        let tag = signature.strip_prefix("sha256=").and_then(hex);
        let secrets = ["webhook_secret", "webhook_secret_previous"];
        let tags: Vec<Vec<u8>> = tag.into_iter().collect();
        if !is_signed(&secrets, &request.body, &tags)? {
            return Ok(Outcome::Rejected(Rejection::BadSignature));
        }
        let Ok(event) = serde_json::from_slice::<Value>(&request.body) else {
            return Ok(Outcome::Rejected(Rejection::Malformed("it is no JSON".to_owned())));
        };
        // There is no time in the signature: what comes again is known by its first id.
        let first = text(&event, "/originalDeliveryId");
        let event_id = first.or_else(|| text(&event, "/deliveryId"));
        let invoice = text(&event, "/invoiceId");
        let (Some(event_id), Some(invoice)) = (event_id, invoice) else {
            let lacks = "an event has deliveryId and invoiceId".to_owned();
            return Ok(Outcome::Rejected(Rejection::Malformed(lacks)));
        };
        let effects = truth::reconcile(&invoice)?;
        if effects.is_empty() {
            return Ok(Outcome::Ignored("nothing came yet, or it is not the portal's".to_owned()));
        }
        Ok(Outcome::Accepted(Accepted { event_id, effects, status: None, body: None }))
    }
}

world::export!(Plugin with_types_in world);
