//! The front page, signing up, in and out.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use myrelay_app::{
    Content, FormState,
    contract::{SignIn, SignUp, SignedInAccount},
};
use tower_sessions::Session;

use super::{Answer, Ask, again, end_session, start_session};
use crate::{
    context::Caller,
    http::{
        Door,
        answer::{Screen, screen_with, see_other},
        form::{Form, NoFields},
        onward,
    },
    sessions,
};

const HOME: &str = "/home";

/// `GET /`
pub(crate) async fn front(ask: Ask) -> Response {
    unless_signed_in(&ask, Content::Front)
}

/// `GET /sign-in`
pub(crate) async fn sign_in_page(ask: Ask) -> Response {
    unless_signed_in(&ask, Content::SignIn(FormState::default()))
}

/// `GET /sign-up`
pub(crate) async fn sign_up_page(ask: Ask) -> Response {
    unless_signed_in(&ask, Content::SignUp(FormState::default()))
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(door): State<Door>,
    ask: Ask,
    session: Session,
    headers: HeaderMap,
    Form(input): Form<SignIn>,
) -> Answer {
    let email = input.email.clone();
    match ask.portal.sign_in(input).await {
        Ok(SignedInAccount { account }) => {
            start_session(&session, sessions::ACCOUNT, account.to_string()).await?;
            let page = onward::kept(&headers, door.origin.secure);
            Ok(go_to(page.as_deref().unwrap_or(HOME), &headers, &door))
        }
        Err(error) => {
            let form = again(&error, [("email", email)])?;
            Ok(screen_with(&error, Content::SignIn(form)))
        }
    }
}

/// `POST /sign-up`
pub(crate) async fn sign_up(
    State(door): State<Door>,
    ask: Ask,
    session: Session,
    headers: HeaderMap,
    Form(input): Form<SignUp>,
) -> Answer {
    let email = input.email.clone();
    match ask.portal.sign_up(input).await {
        Ok(SignedInAccount { account }) => {
            start_session(&session, sessions::ACCOUNT, account.to_string()).await?;
            // What somebody wanted before is not theirs.
            Ok(go_to(HOME, &headers, &door))
        }
        Err(error) => {
            let form = again(&error, [("email", email)])?;
            Ok(screen_with(&error, Content::SignUp(form)))
        }
    }
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(door): State<Door>,
    session: Session,
    headers: HeaderMap,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    let mut response = end_session(&session, "/").await?;
    onward::forget_kept(&mut response, &headers, door.origin.secure);
    Ok(response)
}

/// Leads to a page, and to no other one that was wanted before.
fn go_to(page: &str, headers: &HeaderMap, door: &Door) -> Response {
    let mut response = see_other(page);
    onward::forget_kept(&mut response, headers, door.origin.secure);
    response
}

fn unless_signed_in(ask: &Ask, content: Content) -> Response {
    match ask.visit.caller() {
        Caller::Account(_) => see_other(HOME),
        _ => Screen(content).into_response(),
    }
}
