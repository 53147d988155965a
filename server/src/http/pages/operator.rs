//! Operators: signing in, the overview, pods and accounts.

use axum::{
    extract::{Path, Query, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use myrelay_app::{
    Content, FormState,
    contract::{AcceptInvite, PortalError, SignIn, SignedInOperator},
};
use serde::Deserialize;
use tower_sessions::Session;

use super::{Answer, Ask, again, end_session, start_session};
use crate::{
    context::Caller,
    http::{
        answer::{Fault, Screen, screen_with, see_other},
        form::{Form, NoFields},
    },
    sessions,
};

const OVERVIEW: &str = "/operator";

/// What the page behind the one-time link sends; the token stands in the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Owner {
    email: String,
    password: String,
}

/// Where a list goes on, and what is looked for in it.
#[derive(Deserialize)]
pub(crate) struct Turn {
    #[serde(default)]
    search: String,
    after: Option<String>,
}

/// `GET /operator/sign-in`
pub(crate) async fn sign_in_page(ask: Ask) -> Response {
    match ask.visit.caller() {
        Caller::Operator(_) => see_other(OVERVIEW),
        _ => Screen(Content::OperatorSignIn(FormState::default())).into_response(),
    }
}

/// `POST /operator/sign-in`
pub(crate) async fn sign_in(ask: Ask, session: Session, Form(input): Form<SignIn>) -> Answer {
    let email = input.email.clone();
    match ask.portal.sign_in_operator(input).await {
        Ok(SignedInOperator { operator }) => {
            start_session(&session, sessions::OPERATOR, operator.to_string()).await?;
            Ok(see_other(OVERVIEW))
        }
        Err(error) => {
            let form = again(&error, [("email", email)])?;
            Ok(screen_with(&error, Content::OperatorSignIn(form)))
        }
    }
}

/// `GET /operator/invite/{token}`
pub(crate) async fn invite_page(ask: Ask, Path(token): Path<String>) -> Answer {
    ask.portal.check_invite(&token).await?;
    Ok(Screen(Content::Invite { token, form: FormState::default() }).into_response())
}

/// `POST /operator/invite/{token}`
pub(crate) async fn accept_invite(
    ask: Ask,
    session: Session,
    Path(token): Path<String>,
    Form(Owner { email, password }): Form<Owner>,
) -> Answer {
    let typed = [("email", email.clone())];
    let input = AcceptInvite { token: token.clone(), email, password };
    match ask.portal.accept_invite(input).await {
        Ok(SignedInOperator { operator }) => {
            start_session(&session, sessions::OPERATOR, operator.to_string()).await?;
            Ok(see_other(OVERVIEW))
        }
        Err(error) => {
            let form = again(&error, typed)?;
            Ok(screen_with(&error, Content::Invite { token, form }))
        }
    }
}

/// `POST /operator/sign-out`
pub(crate) async fn sign_out(session: Session, Form(NoFields {}): Form<NoFields>) -> Answer {
    end_session(&session, "/operator/sign-in").await
}

/// `GET /operator`
pub(crate) async fn overview(ask: Ask) -> Answer {
    let overview = ask.portal.overview().await?;
    Ok(Screen(Content::Overview(overview)).into_response())
}

/// `GET /operator/pods?after=`
pub(crate) async fn pods(ask: Ask, turn: Result<Query<Turn>, QueryRejection>) -> Answer {
    let Turn { after, .. } = read(turn)?;
    let pods = ask.portal.list_pods(after.as_deref()).await?;
    Ok(Screen(Content::Pods(pods)).into_response())
}

/// `GET /operator/accounts?search=&after=`
pub(crate) async fn accounts(ask: Ask, turn: Result<Query<Turn>, QueryRejection>) -> Answer {
    let Turn { search, after } = read(turn)?;
    let accounts = ask.portal.list_accounts(&search, after.as_deref()).await?;
    Ok(Screen(Content::Accounts { search, accounts }).into_response())
}

/// `GET /operator/accounts/{account}/suspend`
pub(crate) async fn suspend_page(ask: Ask, Path(account): Path<String>) -> Answer {
    let row = ask.portal.get_account(&account).await?;
    Ok(Screen(Content::SuspendAccount(row)).into_response())
}

/// `POST /operator/accounts/{account}/suspend`
pub(crate) async fn suspend(
    ask: Ask,
    Path(account): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.suspend_account(&account).await?;
    Ok(see_other("/operator/accounts"))
}

/// `POST /operator/accounts/{account}/resume`
pub(crate) async fn resume(
    ask: Ask,
    Path(account): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.resume_account(&account).await?;
    Ok(see_other("/operator/accounts"))
}

fn read(turn: Result<Query<Turn>, QueryRejection>) -> Result<Turn, Fault> {
    match turn {
        Ok(Query(turn)) => Ok(turn),
        Err(_) => Err(PortalError::invalid("after", "this list has no such place").into()),
    }
}
