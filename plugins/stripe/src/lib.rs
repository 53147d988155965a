//! Stripe: checkouts on its pages, its webhooks, refunds, subscriptions and its customer pages.

mod api;
mod checkout;
mod effects;
mod hooks;
mod object;
mod truth;

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("billing-plugin", "../wit/v1");
}

use myrelay_plugin_sdk::{
    Form, Problems, clock, error, kv, placeholder, problems, tell_panics, total,
    types::{AccountRef, Error, ErrorKind, Money},
};

use crate::{
    api::{Api, Settings, plain},
    object::Object,
    world::{
        exports::myrelay::plugin::{
            billing::{
                Capabilities, Checkout, CheckoutRequest, Guest as Billing, Quote, QuoteRequest,
                Usage,
            },
            webhooks::{Guest as Webhooks, Outcome, Request},
        },
        myrelay::plugin::billing_types::{Effect, Invoice},
    },
};

/// How long a quoted price holds.
const QUOTE_MS: u64 = 60 * 60 * 1000;

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.stripe", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        let mut problems = Vec::new();
        if !it.api_url.starts_with("https://") && !it.api_url.starts_with("http://") {
            problems.push(("/api_url", "it begins with https://".to_owned()));
        }
        if !(100..=9000).contains(&it.timeout_ms) {
            problems.push(("/timeout_ms", "a number from 100 to 9000".to_owned()));
        }
        problems
    })
}

/// Asks for what the key has to allow in any case.
fn ready() -> Result<String, Error> {
    let api = Api::load()?;
    for name in ["api_key", "webhook_secret"] {
        placeholder(name)?;
    }
    api.get("/v1/checkout/sessions?limit=1")?;
    Ok(format!("connected to {}", api.0.api_url))
}

/// What this plugin does not do.
fn none_here<T>(what: &str) -> Result<T, Error> {
    Err(error(ErrorKind::InvalidInput, format!("with Stripe there are {what}")))
}

/// Where the customer that Stripe made for an account is remembered.
fn customer_key(account: &str) -> String {
    format!("customer:{account}")
}

fn customer(account: &str) -> Option<String> {
    let entry = kv::get(&customer_key(account)).ok().flatten()?;
    String::from_utf8(entry.value).ok()
}

impl Billing for Plugin {
    fn get_capabilities() -> Result<Capabilities, Error> {
        Ok(Capabilities {
            one_time: true,
            subscriptions: true,
            saved_methods: false,
            refunds: true,
            partial_refunds: true,
            metered: false,
            hosted_portal: true,
            currencies: Api::load()?.0.currencies,
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
        none_here("no charges without the customer: Stripe charges subscriptions by itself")
    }

    fn refund(payment: String, amount: Money, reason: String) -> Result<Vec<Effect>, Error> {
        tell_panics();
        if amount.minor <= 0 {
            return none_here("refunds of more than nothing only");
        }
        let by = if payment.starts_with("ch_") { "charge" } else { "payment_intent" };
        let form = Form::default()
            .with(by, plain(&payment)?)
            .with("amount", object::amount(&amount)?.to_string())
            .with("metadata[reason]", reason.chars().take(500).collect::<String>());
        let refund = Api::load()?.post("/v1/refunds", &form, "refund")?;
        let effects = effects::of_refund(Object(&refund), clock::now())?;
        // Some methods give money back over days.
        let waits = || Object(&refund).id().map(|it| vec![Effect::NeedsReconcile(it)]);
        if effects.is_empty() { waits() } else { Ok(effects) }
    }

    fn cancel_subscription(subscription: String, at_end: bool) -> Result<Vec<Effect>, Error> {
        tell_panics();
        let (api, path) = (Api::load()?, format!("/v1/subscriptions/{}", plain(&subscription)?));
        let ended = if at_end {
            let form = Form::default().with("cancel_at_period_end", "true");
            api.post(&path, &form, "cancel")?
        } else {
            api.delete(&path)?
        };
        effects::of_subscription(Object(&ended), clock::now())
    }

    fn report_usage(_batch: Vec<Usage>) -> Result<(), Error> {
        none_here("no meters")
    }

    fn reconcile(provider_id: String) -> Result<Vec<Effect>, Error> {
        tell_panics();
        truth::reconcile(&provider_id)
    }

    fn customer_portal_url(account: AccountRef, return_url: String) -> Result<String, Error> {
        tell_panics();
        let missing = || error(ErrorKind::NotFound, "Stripe has no customer for this account yet");
        let customer = customer(&account.id).ok_or_else(missing)?;
        let form = Form::default().with("customer", customer).with("return_url", return_url);
        let session = Api::load()?.post("/v1/billing_portal/sessions", &form, "portal")?;
        let lacks = || error(ErrorKind::Internal, "Stripe sent a portal session without url");
        Object(&session).url().ok_or_else(lacks)
    }
}

impl Webhooks for Plugin {
    fn handle(request: Request) -> Result<Outcome, Error> {
        tell_panics();
        hooks::handle(&request)
    }
}

world::export!(Plugin with_types_in world);
