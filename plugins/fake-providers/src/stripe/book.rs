//! What the provider knows: its objects by their ids, and what happened to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::signed::Event;

/// A month, for whoever counts in seconds.
const MONTH_S: u64 = 30 * 24 * 60 * 60;

/// Everything that there is.
#[derive(Default)]
pub(super) struct Book {
    objects: BTreeMap<String, Value>,
    pub(super) events: Vec<Event>,
    /// Status and body that were answered, with the form they answered, by idempotency key.
    pub(super) answered: BTreeMap<String, (String, u16, Value)>,
    made: u64,
}

impl Book {
    /// A new id.
    pub(super) fn id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}_{:06}", self.made)
    }

    pub(super) fn get(&self, id: &str) -> Value {
        self.objects.get(id).cloned().unwrap_or_default()
    }

    /// Writes an object down by its id.
    pub(super) fn put(&mut self, object: &Value) {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        self.objects.insert(id, object.clone());
    }

    /// The objects of a kind for which something holds, the newest first.
    pub(super) fn all(&self, kind: &str, holds: impl Fn(&Value) -> bool) -> Vec<Value> {
        let found = self.objects.values().filter(|it| it["object"] == kind && holds(it));
        let mut found: Vec<Value> = found.cloned().collect();
        found.reverse();
        found
    }

    /// Writes an object down, and that something happened to it.
    pub(super) fn tell(&mut self, kind: &str, object: &Value, now: u64) {
        self.put(object);
        let id = self.id("evt");
        self.events.push(Event(json!({
            "id": id, "object": "event", "type": kind, "created": now, "livemode": false,
            "data": { "object": object },
        })));
    }

    /// How much of a payment was not given back yet.
    pub(super) fn left(&self, payment: &str) -> i64 {
        let amount = |it: &Value| it["amount"].as_i64().unwrap_or_default();
        let received = self.get(payment)["amount_received"].as_i64().unwrap_or_default();
        let given =
            self.all("refund", |it| it["payment_intent"] == payment && it["status"] != "failed");
        received - given.iter().map(amount).sum::<i64>()
    }

    fn intent(&mut self, session: &Value, status: &str, now: u64) -> Value {
        let total = &session["amount_total"];
        let arrived = status == "succeeded";
        let intent = json!({
            "id": self.id("pi"), "object": "payment_intent", "status": status, "created": now,
            "amount": total, "amount_received": if arrived { total.clone() } else { json!(0) },
            "currency": session["currency"], "metadata": session["inner"],
        });
        self.put(&intent);
        intent
    }

    pub(super) fn pay(&mut self, id: &str, now: u64) {
        let mut session = self.get(id);
        if session["status"] != "open" {
            return;
        }
        session["status"] = json!("complete");
        session["payment_status"] = json!("paid");
        if session["mode"] == "subscription" {
            self.begin_subscription(&mut session, "succeeded", now);
        } else {
            session["payment_intent"] = self.intent(&session, "succeeded", now)["id"].clone();
        }
        self.tell("checkout.session.completed", &session, now);
    }

    pub(super) fn pay_slowly(&mut self, id: &str, now: u64) {
        let mut session = self.get(id);
        if session["status"] != "open" {
            return;
        }
        session["status"] = json!("complete");
        session["payment_status"] = json!("unpaid");
        if session["mode"] == "subscription" {
            self.begin_subscription(&mut session, "processing", now);
        } else {
            session["payment_intent"] = self.intent(&session, "processing", now)["id"].clone();
        }
        self.tell("checkout.session.completed", &session, now);
    }

    pub(super) fn settle(&mut self, id: &str, arrives: bool, now: u64) {
        let mut session = self.get(id);
        let waits = session["payment_status"] == "unpaid" && session["status"] == "complete";
        if waits && session["mode"] == "subscription" {
            self.settle_first(session, arrives, now);
            return;
        }
        if !waits || session["payment_intent"].is_null() {
            return;
        }
        let mut intent = self.get(session["payment_intent"].as_str().unwrap_or_default());
        if arrives {
            session["payment_status"] = json!("paid");
            intent["status"] = json!("succeeded");
            intent["amount_received"] = intent["amount"].clone();
            self.put(&intent);
            self.tell("checkout.session.async_payment_succeeded", &session, now);
        } else {
            intent["status"] = json!("requires_payment_method");
            intent["last_payment_error"] =
                json!({ "code": "debit_not_authorized", "message": "The debit was refused." });
            self.put(&intent);
            self.tell("checkout.session.async_payment_failed", &session, now);
        }
    }

    /// What was begun for the first period of a subscription arrives, or does not.
    fn settle_first(&mut self, mut session: Value, arrives: bool, now: u64) {
        let at = |book: &Self, it: &Value| book.get(it.as_str().unwrap_or_default());
        let mut subscription = at(self, &session["subscription"]);
        let mut invoice = at(self, &subscription["latest_invoice"]);
        let mut intent = at(self, &invoice["payment_intent"]);
        let (of_invoice, of_session) = if arrives {
            session["payment_status"] = json!("paid");
            intent["status"] = json!("succeeded");
            intent["amount_received"] = intent["amount"].clone();
            invoice["status"] = json!("paid");
            invoice["amount_paid"] = invoice["amount_due"].clone();
            invoice["next_payment_attempt"] = Value::Null;
            ("invoice.paid", "checkout.session.async_payment_succeeded")
        } else {
            intent["status"] = json!("requires_payment_method");
            subscription["status"] = json!("past_due");
            ("invoice.payment_failed", "checkout.session.async_payment_failed")
        };
        self.put(&intent);
        self.tell(of_invoice, &invoice, now);
        self.tell("customer.subscription.updated", &subscription, now);
        self.tell(of_session, &session, now);
    }

    pub(super) fn expire(&mut self, id: &str, now: u64) {
        let mut session = self.get(id);
        if session["status"] == "open" {
            session["status"] = json!("expired");
            self.tell("checkout.session.expired", &session, now);
        }
    }

    fn begin_subscription(&mut self, session: &mut Value, status: &str, now: u64) {
        let mut customer = session["customer"].clone();
        if customer.is_null() {
            let id = self.id("cus");
            self.put(&json!({ "id": id, "object": "customer" }));
            customer = json!(id);
        }
        let subscription = json!({
            "id": self.id("sub"), "object": "subscription", "status": "active", "created": now,
            "customer": customer, "metadata": session["inner"], "cancel_at_period_end": false,
            "current_period_end": now + MONTH_S, "currency": session["currency"],
            "each": session["each"],
        });
        session["customer"] = customer;
        session["subscription"] = subscription["id"].clone();
        self.tell("customer.subscription.created", &subscription, now);
        let total = session["amount_total"].clone();
        self.invoice(subscription, (&total, "subscription_create"), status, now);
    }

    /// An invoice of a subscription, and what it changes about it.
    fn invoice(&mut self, mut subscription: Value, what: (&Value, &str), status: &str, now: u64) {
        let ((total, reason), paid) = (what, status == "succeeded");
        let payment = json!({
            "amount_total": total, "currency": subscription["currency"], "inner": {},
        });
        let mut intent = self.intent(&payment, status, now);
        let invoice = json!({
            "id": self.id("in"), "object": "invoice", "created": now, "attempted": true,
            "status": if paid { "paid" } else { "open" }, "billing_reason": reason,
            "amount_due": total, "amount_paid": if paid { total.clone() } else { json!(0) },
            "currency": subscription["currency"], "customer": subscription["customer"],
            "subscription": subscription["id"], "payment_intent": intent["id"],
            "subscription_details": { "metadata": subscription["metadata"] },
            "next_payment_attempt": if paid { Value::Null } else { json!(now + 86_400) },
        });
        intent["invoice"] = invoice["id"].clone();
        self.put(&intent);
        subscription["latest_invoice"] = invoice["id"].clone();
        self.put(&subscription);
        match status {
            "succeeded" => self.tell("invoice.paid", &invoice, now),
            "processing" => self.put(&invoice),
            _ => self.tell("invoice.payment_failed", &invoice, now),
        }
    }

    pub(super) fn renew(&mut self, id: &str, paid: bool, now: u64) {
        let mut subscription = self.get(id);
        if subscription.is_null() {
            return;
        }
        let end = subscription["current_period_end"].as_u64().unwrap_or(now);
        subscription["status"] = json!(if paid { "active" } else { "past_due" });
        subscription["current_period_end"] = json!(end + MONTH_S);
        let each = subscription["each"].clone();
        let status = if paid { "succeeded" } else { "requires_payment_method" };
        self.invoice(subscription, (&each, "subscription_cycle"), status, now);
        let subscription = self.get(id);
        self.tell("customer.subscription.updated", &subscription, now);
    }

    pub(super) fn dispute(&mut self, payment: &str, status: &str, now: u64) {
        let known = self.all("dispute", |it| it["payment_intent"] == payment).into_iter().next();
        let kind = match (&known, status) {
            (None, _) => "charge.dispute.created",
            (Some(_), "won" | "lost" | "warning_closed") => "charge.dispute.closed",
            (Some(_), _) => "charge.dispute.updated",
        };
        let intent = self.get(payment);
        let mut dispute = match known {
            Some(dispute) => dispute,
            None => json!({
                "id": self.id("dp"), "object": "dispute", "created": now,
                "payment_intent": payment, "amount": intent["amount_received"],
                "currency": intent["currency"],
                "balance_transactions": [{ "fee": 2000, "currency": intent["currency"] }],
            }),
        };
        dispute["status"] = json!(status);
        self.tell(kind, &dispute, now);
    }

    pub(super) fn bounce_refund(&mut self, id: &str, now: u64) {
        let mut refund = self.get(id);
        if !refund.is_null() {
            refund["status"] = json!("failed");
            refund["failure_reason"] = json!("lost_or_stolen_card");
            self.tell("refund.failed", &refund, now);
        }
    }
}
