//! A store like one of BTCPay Server's: invoices with an address, coins that come, and webhooks.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use aws_lc_rs::hmac;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    routing::get,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::{
    serve::{Fake, Server, bind},
    stripe::{Event, Flaw},
};

/// Units of currency for one coin.
const RATE: u32 = 50_000;

/// How the store is set up.
#[derive(Clone)]
pub struct BtcpayOptions {
    /// The key that requests log in with.
    pub api_key: String,
    /// The store's id.
    pub store: String,
    /// The secret that webhooks are signed with.
    pub webhook_secret: String,
    /// The port; any free one where it is 0.
    pub port: u16,
    /// The time, in seconds since 1970.
    pub now: fn() -> u64,
}

/// The store.
pub struct Btcpay {
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    options: BtcpayOptions,
    store: Mutex<Store>,
}

#[derive(Default)]
struct Store {
    invoices: BTreeMap<String, Value>,
    /// The coins that came, by invoice.
    coins: BTreeMap<String, Vec<Value>>,
    made: u32,
}

type Answer = (StatusCode, Json<Value>);

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn next(&mut self) -> u32 {
        self.made += 1;
        self.made
    }

    fn event(&mut self, kind: &str, invoice: &str) -> Event {
        let delivery = format!("delivery{:08}", self.next());
        Event(json!({
            "deliveryId": delivery, "originalDeliveryId": delivery, "isRedelivery": false,
            "type": kind, "invoiceId": invoice,
        }))
    }
}

impl Fake for Btcpay {
    fn server(&self) -> &Server {
        &self.server
    }
}

impl Btcpay {
    /// Starts at a port of loopback.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(options: BtcpayOptions) -> Result<Self> {
        let (port, base) = (options.port, format!("/api/v1/stores/{}/invoices", options.store));
        let shared = Arc::new(Shared { options, store: Mutex::default() });
        let router = Router::new()
            .route(&base, get(list).post(create))
            .route(&format!("{base}/{{id}}"), get(read))
            .route(&format!("{base}/{{id}}/payment-methods"), get(methods))
            .with_state(shared.clone());
        Ok(Self { server: Server::start(bind(port).await?, router)?, shared })
    }

    /// An invoice as it is now; null where there is none of this id.
    #[must_use]
    pub fn invoice(&self, id: &str) -> Value {
        self.shared.store().invoices.get(id).cloned().unwrap_or_default()
    }

    /// Coins come for an invoice, as many as `value` says in decimals, and are confirmed if they
    /// are `settled`.
    pub fn send_coins(&self, invoice: &str, value: &str, settled: bool) -> Vec<Event> {
        let mut store = self.shared.store();
        let (number, now) = (store.next(), (self.shared.options.now)());
        let status = if settled { "Settled" } else { "Processing" };
        store.coins.entry(invoice.to_owned()).or_default().push(json!({
            "id": format!("{number:064x}-0"), "value": value, "status": status,
            "receivedDate": now, "destination": "bcrt1qfake",
        }));
        vec![store.event("InvoiceReceivedPayment", invoice)]
    }

    /// What is on its way is confirmed.
    pub fn confirm(&self, invoice: &str) -> Vec<Event> {
        let mut store = self.shared.store();
        for coin in store.coins.entry(invoice.to_owned()).or_default() {
            coin["status"] = json!("Settled");
        }
        vec![store.event("InvoicePaymentSettled", invoice)]
    }

    /// An invoice becomes this, as the server itself or its owner decides.
    pub fn become_status(&self, invoice: &str, status: &str, additional: &str) -> Vec<Event> {
        let mut store = self.shared.store();
        if let Some(found) = store.invoices.get_mut(invoice) {
            found["status"] = json!(status);
            found["additionalStatus"] = json!(additional);
        }
        vec![store.event(&format!("Invoice{status}"), invoice)]
    }

    /// A request with an event, signed. There is no time in these signatures, and never two.
    #[must_use]
    pub fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>) {
        let mut body = event.0.to_string();
        let other = flaw == Flaw::OtherSecret;
        let secret = if other { "of somebody else" } else { &self.shared.options.webhook_secret };
        let tag =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let tag = tag.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        });
        let scheme = if flaw == Flaw::OtherScheme { "sha1" } else { "sha256" };
        if flaw == Flaw::OtherBody {
            body.push(' ');
        }
        let signature = Some(("BTCPay-Sig".to_owned(), format!("{scheme}={tag}")));
        (signature.filter(|_| flaw != Flaw::Missing).into_iter().collect(), body.into_bytes())
    }
}

fn refused(status: StatusCode, message: &str) -> Answer {
    (status, Json(json!({ "code": "refused", "message": message })))
}

/// Whether the request logs in; the refusal quotes the key, so that it is seen to be taken out.
fn log_in(shared: &Shared, headers: &HeaderMap) -> Result<(), Answer> {
    let sent = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    if sent.strip_prefix("token ") == Some(&shared.options.api_key) {
        return Ok(());
    }
    Err(refused(StatusCode::UNAUTHORIZED, &format!("Unknown key: {sent}")))
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let amount = body["amount"].as_str().unwrap_or_default();
    let minutes = body["checkout"]["expirationMinutes"].as_u64().unwrap_or(15);
    let nothing = amount.bytes().all(|it| b"0.".contains(&it));
    if nothing || !body["currency"].is_string() {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "The amount should be more than 0.");
    }
    let mut store = shared.store();
    let (id, now) = (format!("Inv{:019}", store.next()), (shared.options.now)());
    let invoice = json!({
        "id": id, "storeId": shared.options.store, "amount": amount, "currency": body["currency"],
        "metadata": body["metadata"], "checkout": body["checkout"], "createdTime": now,
        "expirationTime": now + minutes * 60, "status": "New", "additionalStatus": "None",
    });
    store.invoices.insert(id, invoice.clone());
    (StatusCode::OK, Json(invoice))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    let order = query.get("orderId");
    let store = shared.store();
    let meant = |it: &&Value| order.is_none_or(|order| it["metadata"]["orderId"] == **order);
    (StatusCode::OK, Json(store.invoices.values().filter(meant).cloned().collect()))
}

async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    match shared.store().invoices.get(&id) {
        Some(invoice) => (StatusCode::OK, Json(invoice.clone())),
        None => refused(StatusCode::NOT_FOUND, "The invoice was not found"),
    }
}

fn number(text: &Value) -> f64 {
    text.as_str().and_then(|it| it.parse().ok()).unwrap_or_default()
}

async fn methods(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    let store = shared.store();
    let Some(invoice) = store.invoices.get(&id) else {
        return refused(StatusCode::NOT_FOUND, "The invoice was not found");
    };
    let coins = store.coins.get(&id).cloned().unwrap_or_default();
    let came: f64 = coins.iter().map(|it| number(&it["value"])).sum();
    let due = (number(&invoice["amount"]) / f64::from(RATE) - came).max(0.0);
    // Rates that come from a division have all the digits there are.
    let (due, rate) = (format!("{due:.8}"), format!("{RATE}.{:0<24}", 0));
    let methods = invoice["checkout"]["paymentMethods"].as_array().into_iter().flatten();
    let methods = methods.map(|method| {
        json!({
            "paymentMethodId": method, "rate": rate, "due": due, "payments": coins,
            "destination": "bcrt1qfake", "paymentLink": format!("bitcoin:bcrt1qfake?amount={due}"),
        })
    });
    (StatusCode::OK, Json(methods.collect()))
}
