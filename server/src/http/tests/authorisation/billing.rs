//! The rows of the authorisation table that are about money.

use myrelay_app::contract::{AddPlan, BillingContract, PlanContract};

use super::{Row, operator_form, operator_page, own_form, own_page};
use crate::testing::Actor;

/// The pages about money. The owner chose a plan; nobody paid anything yet.
#[rustfmt::skip]
pub(super) fn billing_table() -> Vec<Row> {
    vec![
        ("GET", "/plan", own_page(200, 200)),
        // A choice is everybody's own; twice it is the same invoice.
        ("POST", "/plan/choose", own_form(303, 303)),
        ("GET", "/plan/invoices/{invoice}", own_page(200, 404)),
        // There is no such way to pay.
        ("POST", "/plan/invoices/{invoice}/pay", own_form(404, 404)),
        // Nothing was begun that could be asked about.
        ("POST", "/plan/invoices/{invoice}/check", own_form(303, 404)),
        // What was chosen begins with its first payment, and that invoice is open.
        ("POST", "/plan/renew", own_form(303, 303)),
        // Nobody collects.
        ("GET", "/plan/cancel", own_page(404, 404)),
        ("POST", "/plan/cancel", own_form(303, 303)),
        ("POST", "/plan/provider", own_form(409, 409)),
        ("GET", "/operator/payments", operator_page(200)),
        // No money arrived.
        ("GET", "/operator/payments/{payment}/refund", operator_page(404)),
        ("POST", "/operator/payments/{payment}/refund", operator_form(404)),
        ("GET", "/operator/invoices/{invoice}", operator_page(200)),
        // No transfer is awaited for it.
        ("POST", "/operator/invoices/{invoice}/paid", operator_form(409)),
        // The account never chose a plan.
        ("GET", "/operator/accounts/{account}/end-subscription", operator_page(404)),
        ("POST", "/operator/accounts/{account}/end-subscription", operator_form(404)),
        // A plan without a price is not sold.
        ("POST", "/operator/plans/{plan}/withdraw", operator_form(404)),
    ]
}

/// A plan with a price, and what a customer who chose it has to pay.
pub(super) async fn bought(operator: &Actor<'_>, customer: &Actor<'_>) -> (String, String) {
    let plan = AddPlan {
        name: "Family".to_owned(),
        pods: "3".to_owned(),
        devices_per_pod: "5".to_owned(),
        price: "9.99".to_owned(),
        currency: "EUR".to_owned(),
        interval: "month".to_owned(),
        ..AddPlan::default()
    };
    operator.api().add_plan(plan).await.unwrap();
    let plans = operator.api().list_plans().await.unwrap();
    let plan = plans.iter().find(|it| it.name == "Family").unwrap().id.to_string();
    let invoice = customer.api().choose_plan(&plan).await.unwrap();
    (plan, invoice.to_string())
}
