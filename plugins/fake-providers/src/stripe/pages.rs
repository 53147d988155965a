//! The pages that customers see: a checkout with three buttons, and a page for subscribers.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde_json::Value;

use crate::stripe::Shared;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/c/pay/{session}", get(page))
        .route("/c/pay/{session}/{act}", post(act))
        .route("/p/session/{id}", get(|| async { Html("<h1>Your subscription</h1>") }))
        .with_state(shared)
}

/// A text as it may stand in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

async fn page(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let session = shared.book().get(&id);
    if session["object"] != "checkout.session" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let amount = &session["amount_total"];
    let currency = session["currency"].as_str().unwrap_or_default().to_uppercase();
    let id = escaped(&id);
    let button = |act: &str, name: &str| {
        format!(
            r#"<form method="post" action="/c/pay/{id}/{act}"><button id="{act}">{name}</button></form>"#
        )
    };
    let buttons = if session["status"] == "open" {
        button("pay", "Pay") + &button("fail", "Fail") + &button("cancel", "Cancel")
    } else {
        "<p>This checkout is over.</p>".to_owned()
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Fake checkout</title>\
         <h1>Fake checkout</h1><p>{amount} {} in the smallest unit</p>{buttons}</html>",
        escaped(&currency)
    );
    Html(page).into_response()
}

/// What a button does: it happens, the events are sent, and the customer goes back.
async fn act(
    State(shared): State<Arc<Shared>>,
    Path((id, act)): Path<(String, String)>,
) -> Response {
    let (session, events) = {
        let mut book = shared.book();
        let now = (shared.options.now)();
        let before = book.events.len();
        match act.as_str() {
            "pay" => book.pay(&id, now),
            "fail" => {
                book.pay_slowly(&id, now);
                book.settle(&id, false, now);
            }
            "cancel" => {}
            _ => return StatusCode::NOT_FOUND.into_response(),
        }
        (book.get(&id), book.events[before..].to_vec())
    };
    shared.tell(&events).await;
    let back = if act == "cancel" { &session["cancel_url"] } else { &session["success_url"] };
    match back {
        Value::String(back) => {
            Redirect::to(&back.replace("{CHECKOUT_SESSION_ID}", &id)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
