//! An invoice at BTCPay's, and the address that it gives.

use myrelay_plugin_sdk::{
    Form, error, text,
    types::{Error, ErrorKind, Money},
};
use serde_json::{Value, json};

use crate::{
    amounts::written,
    api::Api,
    truth::{lacks, number},
    world::exports::myrelay::plugin::billing::{
        Checkout, CheckoutRequest, CryptoInstructions, NextStep,
    },
};

pub(crate) fn begin(request: &CheckoutRequest) -> Result<Checkout, Error> {
    let (api, total) = (Api::load()?, &request.invoice.total);
    let refused = |why: &str| Err(error(ErrorKind::InvalidInput, why));
    if request.subscribe.is_some() {
        return refused("coins are not sent by themselves: every period is an invoice of its own");
    }
    if total.minor <= 0 {
        return refused("an invoice of more than nothing");
    }
    // BTCPay keeps no idempotency keys: an earlier try is found by what it was made for.
    let query = Form::default().with("orderId", &request.client_reference);
    let known = api.get(&format!("invoices?{}", query.text()))?;
    let alive = |it: &&Value| it["status"] != "Expired" && it["status"] != "Invalid";
    let known = known.as_array().and_then(|it| it.iter().find(alive));
    let invoice = match known {
        Some(known) if known["status"] == "New" => known.clone(),
        // A second address would have them pay twice.
        Some(_) => {
            let came = "coins came for this checkout already";
            return Err(error(ErrorKind::Conflict, came));
        }
        None => api.post("invoices", &wanted(&api, request))?,
    };
    let id = text(&invoice, "/id").ok_or_else(|| lacks("id"))?;
    let expires = invoice["expirationTime"].as_u64().and_then(|it| it.checked_mul(1000));
    let expires_at = expires.ok_or_else(|| lacks("expirationTime"))?;
    let methods = api.get(&format!("invoices/{id}/payment-methods"))?;
    let coin = &api.0.coin;
    let mut methods = methods.as_array().into_iter().flatten();
    let method =
        methods.find(|it| text(it, "/paymentMethodId").is_some_and(|it| it.starts_with(coin)));
    let advice = format!("the store takes no {coin}: set up a wallet for it");
    let method = method.ok_or_else(|| error(ErrorKind::InvalidConfig, advice))?;
    let due: Option<Money> = number(method, "/due").and_then(|it| it.money(coin));
    let instructions = CryptoInstructions {
        address: text(method, "/destination").ok_or_else(|| lacks("destination"))?,
        amount: due.ok_or_else(|| lacks("due"))?,
        uri: link(method).ok_or_else(|| lacks("paymentLink"))?,
        expires_at,
        confirmations: api.0.confirmations,
    };
    Ok(Checkout { provider_id: id, expires_at, step: NextStep::Crypto(instructions) })
}

/// What a wallet opens, whole: a line would be cut.
fn link(method: &Value) -> Option<String> {
    method["paymentLink"].as_str().map(str::to_owned)
}

fn wanted(api: &Api, request: &CheckoutRequest) -> Value {
    let total = &request.invoice.total;
    json!({
        "amount": written(total),
        "currency": total.currency,
        "metadata": {
            "orderId": request.client_reference,
            "account": request.account.id,
            "invoice": request.invoice.id,
            "itemDesc": request.invoice.number,
        },
        "checkout": {
            "speedPolicy": api.0.speed(),
            "paymentMethods": [format!("{}-CHAIN", api.0.coin)],
            "expirationMinutes": api.0.minutes,
        },
    })
}
