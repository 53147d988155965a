//! The routes of the API, each with what it checks.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::stripe::{Shared, book::Book, checks};

/// What a request is answered: a status and JSON.
type Answer = (StatusCode, Json<Value>);

/// A form, flat: `metadata[account]` is a name like any other.
pub(super) type Fields = BTreeMap<String, String>;

/// A refusal in the provider's own words.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> (u16, Value) {
    let error = json!({ "type": "invalid_request_error", "code": code, "message": message });
    (status, json!({ "error": error }))
}

fn answer((status, body): (u16, Value)) -> Answer {
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body))
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/checkout/sessions", get(list).post(create))
        .route("/v1/checkout/sessions/{id}", get(read))
        .route("/v1/payment_intents/{id}", get(read))
        .route("/v1/invoices/{id}", get(read))
        .route("/v1/refunds", get(list).post(refund))
        .route("/v1/refunds/{id}", get(read))
        .route("/v1/disputes/{id}", get(read))
        .route("/v1/subscriptions/{id}", get(read).post(change).delete(end))
        .route("/v1/billing_portal/sessions", post(portal))
        .with_state(shared)
}

/// Whether the request logs in; a real refusal quotes the key as well.
fn log_in(shared: &Shared, headers: &HeaderMap) -> Result<(), Answer> {
    let sent = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let key = sent.strip_prefix("Bearer ").unwrap_or_default();
    if key == shared.options.api_key {
        return Ok(());
    }
    let told = format!("Invalid API Key provided: {key}");
    Err(answer(refusal(401, "api_key_invalid", &told)))
}

/// Does what a form asks, once for each idempotency key.
fn once(
    shared: &Shared,
    headers: &HeaderMap,
    body: &Bytes,
    act: impl FnOnce(&mut Book, Fields, u64) -> Result<Value, (u16, Value)>,
) -> Answer {
    if let Err(refused) = log_in(shared, headers) {
        return refused;
    }
    let text = String::from_utf8_lossy(body).into_owned();
    let Ok(fields) = serde_urlencoded::from_str::<Fields>(&text) else {
        return answer(refusal(400, "parameter_invalid", "The body is no form."));
    };
    let key = headers.get("idempotency-key").and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut book = shared.book();
    if let Some((form, status, said)) = key.as_ref().and_then(|it| book.answered.get(it)) {
        if *form != text {
            let told = "Keys for idempotent requests can only be used with the same parameters.";
            return answer(refusal(400, "idempotency_error", told));
        }
        return answer((*status, said.clone()));
    }
    let (status, said) = match act(&mut book, fields, (shared.options.now)()) {
        Ok(said) => (200, said),
        Err(refused) => refused,
    };
    if let Some(key) = key {
        book.answered.insert(key, (text, status, said.clone()));
    }
    answer((status, said))
}

async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    once(&shared, &headers, &body, |book, fields, now| {
        checks::known(&fields)?;
        let (total, each, currency) = checks::amounts(&fields)?;
        let id = book.id("cs_test");
        let field = |name: &str| fields.get(name).cloned();
        let needed = |name: &str| {
            let told = format!("Missing required param: {name}.");
            field(name).ok_or_else(|| refusal(400, "parameter_missing", &told))
        };
        if let Some(customer) = field("customer").filter(|it| book.get(it).is_null()) {
            let told = format!("No such customer: '{customer}'");
            return Err(refusal(400, "resource_missing", &told));
        }
        let mode = needed("mode")?;
        let inner =
            if mode == "subscription" { "subscription_data" } else { "payment_intent_data" };
        let session = json!({
            "id": id, "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "mode": mode, "amount_total": total, "currency": currency, "each": each,
            "success_url": needed("success_url")?, "cancel_url": needed("cancel_url")?,
            "client_reference_id": field("client_reference_id"), "customer": field("customer"),
            "metadata": checks::metadata(&fields, "metadata"),
            "inner": checks::metadata(&fields, &format!("{inner}[metadata]")),
            "created": now, "expires_at": now + 86_400, "livemode": false,
            // As long as real ones, which keep half of what they need behind the #.
            "url": format!("{}/c/pay/{id}#{}", shared.pages, "fid".repeat(200)),
            "payment_intent": null, "subscription": null,
        });
        book.put(&session);
        Ok(session)
    })
}

async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    let book = shared.book();
    let mut found = book.get(&id);
    if found.is_null() {
        return answer(refusal(404, "resource_missing", &format!("No such object: '{id}'")));
    }
    let query: Fields = serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let mut inside = &mut found;
    for name in query.get("expand[]").into_iter().flat_map(|it| it.split('.')) {
        inside[name] = book.get(inside[name].as_str().unwrap_or_default());
        inside = &mut inside[name];
    }
    answer((200, found))
}

async fn list(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    if let Err(refused) = log_in(&shared, &headers) {
        return refused;
    }
    let query: Fields = serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let found = match query.get("payment_intent") {
        Some(payment) => shared.book().all("refund", |it| it["payment_intent"] == *payment),
        None => Vec::new(),
    };
    answer((200, json!({ "object": "list", "data": found, "has_more": false })))
}

async fn refund(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    once(&shared, &headers, &body, |book, fields, now| {
        let payment = fields.get("payment_intent").cloned().unwrap_or_default();
        let intent = book.get(&payment);
        if intent.is_null() {
            let told = format!("No such payment_intent: '{payment}'");
            return Err(refusal(404, "resource_missing", &told));
        }
        let left = book.left(&payment);
        if left == 0 {
            let told = format!("Charge for {payment} has already been refunded.");
            return Err(refusal(400, "charge_already_refunded", &told));
        }
        let amount = fields.get("amount").map_or(Some(left), |it| it.parse().ok()).unwrap_or(-1);
        if amount <= 0 || left < amount {
            let told =
                format!("Refund amount ({amount}) is greater than unrefunded amount ({left})");
            return Err(refusal(400, "amount_too_large", &told));
        }
        let refund = json!({
            "id": book.id("re"), "object": "refund", "status": "succeeded", "created": now,
            "payment_intent": payment, "amount": amount, "currency": intent["currency"],
            "metadata": checks::metadata(&fields, "metadata"),
        });
        book.tell("refund.created", &refund, now);
        let charge = json!({
            "id": book.id("ch"), "object": "charge", "payment_intent": payment,
            "amount": intent["amount_received"], "currency": intent["currency"],
            "amount_refunded": intent["amount_received"].as_i64().unwrap_or_default()
                - book.left(&payment),
        });
        book.tell("charge.refunded", &charge, now);
        Ok(refund)
    })
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    once(&shared, &headers, &body, |book, fields, now| {
        let mut subscription = book.get(&id);
        if subscription.is_null() {
            return Err(refusal(404, "resource_missing", "No such subscription"));
        }
        let end = fields.get("cancel_at_period_end").is_some_and(|it| it == "true");
        subscription["cancel_at_period_end"] = json!(end);
        book.tell("customer.subscription.updated", &subscription, now);
        Ok(subscription)
    })
}

async fn end(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    once(&shared, &headers, &Bytes::new(), |book, _, now| {
        let mut subscription = book.get(&id);
        if subscription.is_null() || subscription["status"] == "canceled" {
            return Err(refusal(404, "resource_missing", "No such subscription"));
        }
        subscription["status"] = json!("canceled");
        book.tell("customer.subscription.deleted", &subscription, now);
        Ok(subscription)
    })
}

async fn portal(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answer {
    once(&shared, &headers, &body, |book, fields, now| {
        let customer = fields.get("customer").cloned().unwrap_or_default();
        if book.get(&customer).is_null() {
            return Err(refusal(404, "resource_missing", "No such customer"));
        }
        let id = book.id("bps");
        Ok(json!({
            "id": id, "object": "billing_portal.session", "created": now, "customer": customer,
            "return_url": fields.get("return_url"), "url": format!("{}/p/session/{id}", shared.pages),
        }))
    })
}
