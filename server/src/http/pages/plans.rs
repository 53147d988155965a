//! Operators: plans, and one account with its plan.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use myrelay_app::{
    Content, FormState,
    contract::{AddPlan, PortalError},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Fault, Screen, screen_with, see_other},
    form::{Form, NoFields},
};

const PLANS: &str = "/operator/plans";

/// The plan that an account is to have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    plan: String,
}

/// `GET /operator/plans`
pub(crate) async fn list(ask: Ask) -> Answer {
    let plans = ask.portal.list_plans().await?;
    Ok(Screen(Content::Plans { plans, form: FormState::default() }).into_response())
}

/// `GET /operator/plans/new`
pub(crate) async fn add_page() -> Screen {
    Screen(Content::AddPlan(FormState::default()))
}

/// `POST /operator/plans/new`
pub(crate) async fn add(ask: Ask, Form(input): Form<AddPlan>) -> Answer {
    let typed = input.clone();
    match ask.portal.add_plan(input).await {
        Ok(()) => Ok(see_other(PLANS)),
        Err(error) => {
            let typed = [
                ("name", typed.name),
                ("pods", typed.pods),
                ("devices_per_pod", typed.devices_per_pod),
                ("speed_down", typed.speed_down),
                ("speed_up", typed.speed_up),
                ("quota", typed.quota),
                ("then", typed.then),
                ("throttle", typed.throttle),
                ("price", typed.price),
                ("currency", typed.currency),
                ("interval", typed.interval),
            ];
            let form = again(&error, typed)?;
            Ok(screen_with(&error, Content::AddPlan(form)))
        }
    }
}

/// `POST /operator/plans/{plan}/default`
pub(crate) async fn make_default(
    ask: Ask,
    Path(plan): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.make_default_plan(&plan).await?;
    Ok(see_other(PLANS))
}

/// `POST /operator/plans/{plan}/remove`
pub(crate) async fn remove(
    ask: Ask,
    Path(plan): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.remove_plan(&plan).await {
        Ok(()) => Ok(see_other(PLANS)),
        Err(error) => {
            let form = again(&error, [])?;
            let plans = ask.portal.list_plans().await?;
            Ok(screen_with(&error, Content::Plans { plans, form }))
        }
    }
}

/// `GET /operator/accounts/{account}`
pub(crate) async fn account(ask: Ask, Path(account): Path<String>) -> Answer {
    Ok(Screen(one(&ask, &account, FormState::default()).await?).into_response())
}

/// `POST /operator/accounts/{account}/plan`
pub(crate) async fn change(
    ask: Ask,
    Path(account): Path<String>,
    Form(Chosen { plan }): Form<Chosen>,
) -> Answer {
    match ask.portal.change_plan(&account, &plan).await {
        Ok(()) => Ok(see_other(&format!("/operator/accounts/{account}"))),
        Err(error) => refused(&ask, &account, &error).await,
    }
}

async fn refused(ask: &Ask, account: &str, error: &PortalError) -> Result<Response, Fault> {
    let form = again(error, [])?;
    let content = one(ask, account, form).await?;
    Ok(screen_with(error, content))
}

async fn one(ask: &Ask, account: &str, form: FormState) -> Result<Content, Fault> {
    let row = ask.portal.get_account(account).await?;
    let plans = ask.portal.list_plans().await?;
    let usage = ask.portal.account_usage(account).await?;
    let billing = ask.portal.account_billing(account).await?;
    Ok(Content::Account { account: row, plans, usage, billing, form })
}
